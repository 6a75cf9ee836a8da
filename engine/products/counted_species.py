"""Which species count where several are summed up or compared: those that tests do not leave unproven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.flags import UNPROVEN, is_unproven
from ..running.errors import InputError
from ..words.listing import listed
from .species_product import MappedSpecies

MOST_NAMED = 5  # species in a sentence


@dataclass(frozen=True)
class CountedSpecies:
    """The species of a map that count in richness and top.

    Attributes
    ----------
    places
        In the list of those mapped, ascending.
    left_out
        Names of the others, with why.
    """

    places: tuple[int, ...]
    left_out: tuple[str, ...]

    @property
    def note(self) -> str:
        """Say who does not count, in a sentence; empty where all do."""
        if not self.left_out:
            return ""
        return (
            f"Richness and top count {len(self.places)} of {len(self.places) + len(self.left_out)} species; "
            f"unproven, and left out: {listed(self.left_out, MOST_NAMED)}."
        )


def counted_species(species: Sequence[MappedSpecies], include_unproven: bool) -> CountedSpecies:
    """Return which of some species count.

    Raises
    ------
    InputError
        None does.
    """
    unproven = [is_unproven(one.tags.flags) and not include_unproven for one in species]
    left_out = tuple(
        f"{one.tags.species} ({', '.join(flag for flag in one.tags.flags if flag in UNPROVEN)})"
        for one, out in zip(species, unproven, strict=True)
        if out
    )
    places = tuple(place for place, out in enumerate(unproven) if not out)
    if not places:
        raise InputError(
            f"No species counts for richness or top, as tests prove nothing for any: {listed(left_out, 3)}. "
            "Leave these products out, or count unproven species too (--include-unproven)."
        )
    return CountedSpecies(places, left_out)
