"""Richness: how many of the modelled species, expected or above their thresholds, and called which of both."""

from __future__ import annotations

from ..maps.map_writer import Layer
from ..protocol.products import RICHNESS
from ..protocol.tags import MEANING, PRODUCT, QUANTITY, SPECIES_COUNT
from ..words.listing import listed
from .binary import Binary
from .counted_species import MOST_NAMED, CountedSpecies
from .occurrence import Occurrence


class Richness:
    """The sum over the counted species of occurrence, or of what is above threshold."""

    def __init__(self, of: Occurrence | Binary, counted: CountedSpecies) -> None:
        self.of = of
        count = len(of.places)
        if isinstance(of, Occurrence):
            quantity = "expected number of modelled species"
            meaning = f"The sum of the occurrence of {count} species: how many of them are to be expected."
        else:
            quantity = "number of modelled species above threshold"
            meaning = (
                f"How many of {count} species are above their thresholds. Sums of thresholded maps tend to "
                "exceed the number of species that are there."
            )
        if counted.left_out:
            meaning += f" Unproven species are left out: {listed(counted.left_out, MOST_NAMED)}."
        if counted.unproven:
            meaning += f" Unproven species count, too: {listed(counted.unproven, MOST_NAMED)}."
        tags = {PRODUCT: RICHNESS, QUANTITY: quantity, MEANING: meaning, SPECIES_COUNT: str(count)}
        self.layer = Layer(RICHNESS, quantity[0].upper() + quantity[1:], tags)
