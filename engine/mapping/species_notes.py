"""What tests say against the species of a map, in sentences: those that prove nothing, those of coordinates."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.card import Card, Species
from ...models.flags import CHANCE, COORDINATES, EXPLAINED, FEW_PRESENCES, FEWEST_PRESENCES, unproven
from ..words.listing import listed

MOST_NAMED = 5  # species in a sentence


def species_notes(card: Card, places: Sequence[int]) -> list[str]:
    """Return what is to be known about the tests of some species of a card (``places`` in its list)."""
    if not any(one.auc is not None or card.flags(one) for one in card.species):
        return ["This model names no test of its species, so how far to trust its maps is not known."]
    species = [card.species[place] for place in places]
    doubtful = [one for one in species if card.is_unproven(one)]
    beaten = [one for one in species if COORDINATES in card.flags(one) and not card.is_unproven(one)]
    notes = []
    if doubtful:
        named = _listed([f"{one.name} ({reasons(card, one)})" for one in doubtful])
        notes.append(
            f"{_of(len(doubtful), len(species))} unproven, and the maps say little about where "
            f"{'it lives' if len(doubtful) == 1 else 'they live'}: {named}."
        )
    if beaten:
        named = _listed([f"{one.name} ({_beside(one)})" for one in beaten])
        notes.append(
            f"{_of(len(beaten), len(species))} no better predicted than by coordinates alone: {named}. "
            f"{EXPLAINED[COORDINATES].partition(': ')[2].capitalize()}."
        )
    return notes


def reasons(card: Card, species: Species) -> str:
    """Return why a species is unproven, with the figures that say so; empty where it is not."""
    return ", ".join(_reason(flag, species) for flag in unproven(card.flags(species)))


def _reason(flag: str, species: Species) -> str:
    if flag == FEW_PRESENCES and species.presences:
        if species.presences < FEWEST_PRESENCES:
            return f"{flag}: {species.presences}"
        return f"{flag} to test with, of {species.presences}"
    if flag == CHANCE and species.auc is not None:
        return f"{flag}: AUC {species.auc:.2f}{_interval(species)}"
    return flag


def _interval(species: Species) -> str:
    if species.auc_low is None or species.auc_high is None:
        return ""
    return f" [{species.auc_low:.2f} to {species.auc_high:.2f}]"


def _beside(species: Species) -> str:
    if species.auc is None or species.auc_coordinates is None:
        return "by its card"
    return f"AUC {species.auc:.2f}, coordinates {species.auc_coordinates:.2f}"


def _of(count: int, total: int) -> str:
    if total == 1:
        return "The species is"
    return f"{count} of {total} species {'is' if count == 1 else 'are'}"


def _listed(names: Sequence[str]) -> str:
    return listed(names, MOST_NAMED)
