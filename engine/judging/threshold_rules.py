"""From which value on a map counts as suitable: the rules of a card, or a number that the user gives."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ...models.card import Species
from ..protocol import THRESHOLD_RULES
from ..rasters.raster import Valid, Values
from ..running.errors import InputError
from .thresholds import LARGEST_TSS, RULES

GIVEN = "given"  # the rule's name where the user gives the number
MAIN = LARGEST_TSS  # the rule by default


OPTIONS = dict(zip(THRESHOLD_RULES, RULES, strict=True))  # rules by their names as people type them


def rule_option(rule: str) -> str:
    """Return a rule's name as people type it: ``largest-tss``."""
    return THRESHOLD_RULES[RULES.index(rule)]


def thresholds_of(species: Species) -> dict[str, float]:
    """Return the threshold by every rule that a card has for a species, in the order of ``RULES``.

    Where the card's main threshold is that of largest TSS it stands for that rule: it may come from places
    that were held out for good, where the others come from folds.
    """
    found = dict(species.thresholds)
    if species.threshold is not None and species.threshold_rule.startswith(LARGEST_TSS):
        found[LARGEST_TSS] = species.threshold
    return {rule: found[rule] for rule in RULES if rule in found}


def reaches(values: Values, threshold: float) -> Valid:
    """Tell where values of a map reach a threshold, compared in the map's own precision."""
    return np.asarray(values >= np.float32(threshold), np.bool_)


def threshold_by(wanted: str, known: Mapping[str, float], what: str) -> tuple[str, float]:
    """Return the rule's name and the threshold that ``wanted`` (a rule as typed, or a number) means.

    Parameters
    ----------
    known
        Thresholds by the rule's name, of one species.
    what
        Whose they are, for messages: a file, or a species.

    Raises
    ------
    InputError
        It is no rule and no finite number, or the species has no threshold by that rule.
    """
    rule = OPTIONS.get(wanted)
    if rule is None:
        return GIVEN, threshold_number(wanted)
    if rule not in known:
        have = ", ".join(rule_option(one) for one in known)
        remedy = f"choose {have}, or give a number" if have else "give a number (--threshold 0.5)"
        raise InputError(f"{what} has no threshold by the rule {wanted}; {remedy}.")
    return rule, known[rule]


def threshold_number(text: str) -> float:
    """Return a threshold that is typed as a number. Raise InputError where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"The threshold {text!r} is neither a number nor a rule; choose from {', '.join(OPTIONS)}, or give "
            "a number."
        )
    return value
