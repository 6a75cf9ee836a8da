"""A product with a map a species, made of that species' probability alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..maps.encoding import Encoding
from ..maps.map_tags import MapTags
from ..maps.map_writer import Layer
from ..protocol.products import OCCURRENCE
from ..rasters.raster import Valid, Values

MOST_NAMED = 3  # species in a sentence


@dataclass(frozen=True)
class MappedSpecies:
    """One species of a map: its file name without ending, and what its map of probability says of itself."""

    slug: str
    tags: MapTags

    def layer(self, product: str, quantity: str, meaning: str) -> Layer:
        """Return the layer of another product of the species; thresholds are of its own values, or none."""
        tags = replace(
            self.tags,
            product=product,
            quantity=quantity,
            meaning=meaning,
            thresholds=self.tags.thresholds_of_occurrence() if product == OCCURRENCE else {},
            calibration=None,
        )
        return Layer(f"{self.slug}_{product}", f"{self.tags.species}: {product}", tags.to_tags())


class SpeciesProduct(Protocol):
    """What makes the maps of one product.

    Attributes
    ----------
    name
        The product's.
    places
        Which of the mapped species have it, in their order.
    layers
        One a species that has it.
    encoding
        How its values stand in files.
    notes
        Sentences on species that do not have it.
    """

    @property
    def name(self) -> str: ...

    @property
    def places(self) -> Sequence[int]: ...

    @property
    def layers(self) -> Sequence[Layer]: ...

    @property
    def encoding(self) -> Encoding: ...

    @property
    def notes(self) -> Sequence[str]: ...

    def values(self, probability: Values, first: int) -> Values | Valid:
        """Return the product, (layers, rows, columns), of the probability of some layers from ``first`` on."""
