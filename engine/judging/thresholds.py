"""Scores from which a place is called suitable, by the rules in use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .scored import Flags, Floats

LARGEST_TSS = "largest TSS"
EQUAL = "equal sensitivity and specificity"
TENTH_PERCENTILE = "tenth-percentile presence"
MINIMUM = "minimum presence"
RULES = (LARGEST_TSS, EQUAL, TENTH_PERCENTILE, MINIMUM)
KEPT = 0.9  # share of presences that the tenth-percentile rule keeps
ROUNDING = 1e-9  # of sums of weights


@dataclass(frozen=True)
class Threshold:
    """A place counts as suitable where its score is ``value`` or more.

    ``sensitivity`` is the share of presences called suitable, ``specificity`` that of absences called not.
    """

    value: float
    sensitivity: float
    specificity: float

    @property
    def tss(self) -> float:
        """Return the true skill statistic: sensitivity + specificity - 1."""
        return self.sensitivity + self.specificity - 1


def thresholds(scores: Floats, present: Flags, weight: Floats | None = None) -> dict[str, Threshold]:
    """Return the threshold of every rule of ``RULES``.

    Largest TSS and equal sensitivity and specificity: Liu et al. 2005. The tenth-percentile rule keeps at least
    nine in ten presences, the minimum rule all of them (Pearson et al. 2007). Of equal candidates the highest
    score is taken.

    Parameters
    ----------
    scores, present
        (sites,); both classes must be there.
    weight
        (sites,) weights of the sites. With 1 / (sites of the class in the fold), sensitivity and specificity
        are means over folds, scored one by one.
    """
    value, sensitivity, specificity = operating_points(scores, present, weight)
    at = {
        LARGEST_TSS: int(np.argmax(np.round(sensitivity + specificity, 12))),
        EQUAL: int(np.argmin(np.round(np.abs(sensitivity - specificity), 12))),
        TENTH_PERCENTILE: int(np.argmax(sensitivity >= KEPT - ROUNDING)),
        MINIMUM: int(np.argmax(sensitivity >= 1 - ROUNDING)),
    }
    return {
        rule: Threshold(float(value[index]), float(sensitivity[index]), float(specificity[index]))
        for rule, index in at.items()
    }


def operating_points(
    scores: Floats, present: Flags, weight: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return every distinct score from the highest down, with sensitivity and specificity from it on."""
    order = np.argsort(-scores, kind="stable")
    weights = np.ones(scores.size) if weight is None else weight[order]
    found = np.cumsum(weights * present[order])
    alarms = np.cumsum(weights * ~present[order])
    last_of_ties = np.append(np.diff(scores[order]) != 0, True)
    return (
        scores[order][last_of_ties],
        (found / found[-1])[last_of_ties],
        1 - (alarms / alarms[-1])[last_of_ties],
    )


def best_threshold(scores: Floats, present: Flags) -> float:
    """Return the score from which calling a site a presence gives the largest TSS."""
    return thresholds(scores, present)[LARGEST_TSS].value
