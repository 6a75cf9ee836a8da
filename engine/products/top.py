"""Top: the species most favoured relative to its own average, which need not be the most likely one.

The network's odds p / (1 - p) are f / a: how dense a species' presences are in such conditions, f, over how
dense the places are that it was compared with, a (surveyed sites, or background and other species' records).
So they are relative to the species' own average already, and the largest probability names the species. A rare
species can be the most favoured where a common one is the most likely.
"""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from ..maps.category_raster import Category
from .species_product import MappedSpecies

TURN = 0.618034  # of the colour circle between a species and the next, so that neighbours in a list differ
LIGHTNESS = (0.45, 0.6, 0.72)
TITLE = "Species most favoured relative to its own average"
MEANING = (
    "The mapped species whose presences are most concentrated in such conditions, compared with its own "
    "average; this need not be the species most likely to be there."
)


def top_categories(species: Sequence[MappedSpecies]) -> list[Category]:
    """Return the species as categories, each with a colour."""
    found = []
    for number, one in enumerate(species):
        lightness = LIGHTNESS[number % len(LIGHTNESS)]
        shares = colorsys.hls_to_rgb(number * TURN % 1, lightness, 0.55)
        red, green, blue = (round(255 * share) for share in shares)
        found.append(Category(one.tags.species, (red, green, blue)))
    return found
