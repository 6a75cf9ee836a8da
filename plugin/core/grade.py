"""How well the network tells a species' places from others, as dots with an explanation."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.card import Card, Species
from .translation import tr

# Swets (1988): 0.7 to 0.9 is useful, above 0.9 high accuracy.
GOOD_AUC, USEFUL_AUC = 0.9, 0.7
FULL, EMPTY = "●", "○"


def grade(species: Species) -> int:
    """Return 0 (not measured) to 3 (AUC from 0.9)."""
    if species.auc is None:
        return 0
    if species.auc >= GOOD_AUC:
        return 3
    return 2 if species.auc >= USEFUL_AUC else 1


def dots(species: Species) -> str:
    """Return the grade as three dots."""
    number = grade(species)
    return FULL * number + EMPTY * (3 - number)


def typical(card: Card, names: Sequence[str]) -> str:
    """Return which of ``names`` to look at first; ``names`` is not empty.

    Where the user picked some species, it is the first of them. Of a whole card it is the one at the upper
    quartile of AUC: its map is to be believed, and it is not the easiest species, whose map tells little.
    """
    graded = sorted((one.auc, one.name) for one in card.species if one.auc is not None)
    if len(names) < len(card.species) or not graded:
        return names[0]
    return graded[3 * len(graded) // 4][1]


def explanation(species: Species) -> str:
    """Return what the dots mean, for a tooltip."""
    if species.auc is None:
        said = tr("Not tested: the card has no figures for this species.")
    else:
        against = species.auc_against or tr("data that the card does not name")
        said = tr("AUC {:.2f}, measured against {}.").format(species.auc, against)
    scale = tr("●●● from {}, ●●○ from {}, ●○○ below, ○○○ not tested.").format(GOOD_AUC, USEFUL_AUC)
    presences = tr("Its number of presences in training is not known.")
    if species.presences:
        presences = tr("{} presences in training.").format(species.presences)
    return f"{species.name}\n{said}\n{presences}\n{scale}"
