"""How far tests bear out the model of a species: its AUC with the interval, and flags, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.card import CHANCE, COORDINATES, FEW_BLOCKS, FEW_PRESENCES, ONE_CLASS, Card, Species
from .translation import tr

FLAGGED = "⚠"


def auc_text(card: Card, species: Species) -> str:
    """Return ``0.92 (0.88–0.95)``, with a mark before it where the species is flagged."""
    if species.auc is None:
        said = tr("not tested")
    else:
        said = f"{species.auc:.2f}"
        if species.auc_low is not None and species.auc_high is not None:
            said += f" ({species.auc_low:.2f}–{species.auc_high:.2f})"
    return f"{FLAGGED} {said}" if card.flags(species) else said


def flag_text(card: Card, species: Species) -> str:
    """Return the flags of a species in a few words, empty without any."""
    short = {
        ONE_CLASS: tr("not tested"),
        FEW_PRESENCES: tr("few presences"),
        FEW_BLOCKS: tr("few blocks"),
        CHANCE: tr("no better than chance"),
        COORDINATES: tr("no better than coordinates"),
    }
    return ", ".join(short.get(flag, flag) for flag in card.flags(species))


def unproven_sentence(card: Card, species: Species) -> str:
    """Return that the tests prove nothing for a species, and why; empty where they do."""
    if not card.is_unproven(species):
        return ""
    return tr("Unproven ({}): its map says little about where it lives.").format(flag_text(card, species))


def typical(card: Card, names: Sequence[str]) -> str:
    """Return which of ``names`` to look at first; ``names`` is not empty.

    Where the user picked some species, it is the first of them. Of a whole card it is the one at the upper
    quartile of AUC among those that tests bear out: its map is to be believed, and it is not the easiest
    species, whose map tells little.
    """
    tested = sorted(
        (one.auc, one.name) for one in card.species if one.auc is not None and not card.is_unproven(one)
    )
    if len(names) < len(card.species) or not tested:
        return names[0]
    return tested[3 * len(tested) // 4][1]


def explanation(card: Card, species: Species) -> str:
    """Return what the figures of a species mean, for a tool tip."""
    lines = [species.name]
    if species.auc is None:
        lines.append(tr("Not tested: the card has no figures for this species."))
    else:
        against = species.auc_against or tr("data that the card does not name")
        lines.append(
            tr(
                "AUC {}, measured against {}: how often a place with the species scores higher than one "
                "without. 0.5 is chance, 1 perfect; the 95 % interval is in brackets."
            ).format(auc_text(card, species).replace(f"{FLAGGED} ", ""), against)
        )
    presences = tr("Its number of presences in training is not known.")
    if species.presences:
        presences = tr("{} presences in training.").format(species.presences)
    lines.append(presences)
    if species.auc_coordinates is not None:
        lines.append(tr("A model that knows coordinates alone: AUC {:.2f}.").format(species.auc_coordinates))
    long = {
        ONE_CLASS: tr("No fold holds both a presence and an absence, so nothing was tested."),
        FEW_PRESENCES: tr("There are too few presences to test with, so the figures may be far off."),
        FEW_BLOCKS: tr("Presences lie in too few spatial blocks for a test."),
        CHANCE: tr("The interval reaches 0.5, so chance explains the figure as well."),
        COORDINATES: tr(
            "Coordinates alone do as well: its records follow something that the predictors do not hold, such "
            "as recording effort, a larger scale or dispersal."
        ),
    }
    lines += [f"{FLAGGED} {long.get(flag, flag)}" for flag in card.flags(species)]
    return "\n".join(lines)
