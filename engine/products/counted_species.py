"""Which species count where several are summed up or compared: those that tests do not leave unproven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...models.flags import is_unproven, with_reasons
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
    unproven
        Names of those that count though tests prove nothing for them, with why.
    """

    places: tuple[int, ...]
    left_out: tuple[str, ...]
    unproven: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Say who does not count, or counts though unproven, in a sentence; empty where there is nobody."""
        if self.unproven:
            return (
                f"Richness and top count {len(self.unproven)} of {len(self.places)} species that are unproven: "
                f"{listed(self.unproven, MOST_NAMED)}."
            )
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
    unproven = [is_unproven(one.tags.flags) for one in species]
    named = tuple(
        with_reasons(one.tags.species, one.tags.flags)
        for one, doubtful in zip(species, unproven, strict=True)
        if doubtful
    )
    left_out = () if include_unproven else named
    places = tuple(place for place, doubtful in enumerate(unproven) if include_unproven or not doubtful)
    if not places:
        raise InputError(
            f"No species counts for richness or top, as tests prove nothing for any: {listed(left_out, 3)}. "
            "Leave these products out, or count unproven species too (--include-unproven)."
        )
    return CountedSpecies(places, left_out, named if include_unproven else ())
