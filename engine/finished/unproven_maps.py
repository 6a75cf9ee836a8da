"""Which finished maps are of species for which tests prove nothing, as the maps' own tags say."""

from __future__ import annotations

from collections.abc import Sequence

from ...models.flags import is_unproven, with_reasons
from ..words.listing import listed
from .finished_map import MapBand

MOST_NAMED = 5  # species in a sentence


def unproven_notes(bands: Sequence[MapBand]) -> list[str]:
    """Return a sentence on the maps of unproven species, or nothing."""
    found = {band.species: band.tags.flags for band in bands if is_unproven(band.tags.flags)}
    if not found:
        return []
    named = [with_reasons(name, flags) for name, flags in found.items()]
    return [
        f"{len(found)} of {len({band.species for band in bands})} species mapped here "
        f"{'is' if len(found) == 1 else 'are'} unproven, so figures of {'its' if len(found) == 1 else 'their'} "
        f"maps say little: {listed(named, MOST_NAMED)}."
    ]
