"""The files of a map's products, made tile by tile of its probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import numpy as np
from odc.geo.geobox import GeoBox

from ..files.aside import Aside
from ..maps.category_raster import CategoryWriter
from ..maps.encoding import ENCODINGS
from ..maps.map_writer import BANDS_AT_ONCE, Layer, MapWriter
from ..protocol.products import BINARY, OCCURRENCE, PROBABILITY, RICHNESS, TOP
from ..protocol.tags import LEFT_OUT, MEANING, PRODUCT, QUANTITY, UNPROVEN
from ..rasters.lattice import Tile
from ..rasters.raster import Valid, Values
from ..running.progress import Monitor
from ..words.listing import listed
from .binary import Binary, Thresholds
from .counted_species import CountedSpecies, counted_species
from .occurrence import Occurrence
from .richness import Richness
from .species_product import MappedSpecies, SpeciesProduct
from .top import MEANING as TOP_MEANING
from .top import TITLE as TOP_TITLE
from .top import top_categories

MADE = (PROBABILITY, OCCURRENCE, BINARY, RICHNESS, TOP)  # of probabilities alone
MULTIBAND = "multiband"


class TileSums:
    """What is summed up over the species of a tile.

    Attributes
    ----------
    richness
        (rows, columns).
    leader
        (rows, columns) the species with the largest probability so far.
    valid
        (rows, columns) where all species so far have a value.
    """

    def __init__(self, tile: Tile) -> None:
        self.tile = tile
        self.richness = np.zeros(tile.shape, np.float32)
        self.leader = np.zeros(tile.shape, np.intp)
        self.valid = np.ones(tile.shape, np.bool_)
        self._best = np.full(tile.shape, -np.inf, np.float32)

    def lead(self, probability: Values, first: int) -> None:
        """Take the leader among some more species; of equals the first one stays."""
        best = probability.max(axis=0)
        mine = best > self._best
        self.leader[mine] = probability[:, mine].argmax(axis=0) + first
        self._best[mine] = best[mine]


class ProductMaps:
    """The products of some species. Use as a context manager.

    Parameters
    ----------
    aside, grid, tags
        Where files grow, the map's grid, and provenance for all files.
    species
        Those that are mapped, in the order of all values.
    wanted
        Products, of ``MADE``.
    threshold
        Rule or number, for ``binary`` and for a ``richness`` without occurrence.
    include_unproven
        Whether species for which tests prove nothing count in ``richness`` and ``top``.
    encoding, layout
        How probability and occurrence stand in files, and whether a product is one file or one a species.

    Raises
    ------
    InputError
        A product can't be made of these species; the message says why.
    """

    def __init__(
        self,
        aside: Aside,
        grid: GeoBox,
        tags: Mapping[str, str],
        species: Sequence[MappedSpecies],
        wanted: Sequence[str],
        threshold: str,
        encoding: str,
        layout: str,
        include_unproven: bool = False,
    ) -> None:
        self._stack = ExitStack()
        self._products: list[tuple[SpeciesProduct, MapWriter]] = []
        self._probability: MapWriter | None = None
        self._richness: tuple[Richness, MapWriter] | None = None
        self._top: CategoryWriter | None = None
        shares, several = ENCODINGS[encoding], layout == MULTIBAND
        products: list[SpeciesProduct] = []
        if OCCURRENCE in wanted:
            products.append(Occurrence(species, shares))
        if BINARY in wanted:
            products.append(Binary(species, Thresholds(species, threshold)))
        self.notes = [note for one in products for note in one.notes]
        richness = None
        if RICHNESS in wanted or TOP in wanted:
            counted = counted_species(species, include_unproven)
            self._counted = counted.places
            self.notes += [counted.note] if counted.note else []
            if RICHNESS in wanted:
                richness = richness_of(species, threshold, counted)
                self.notes += richness.of.notes
        self.notes = list(dict.fromkeys(self.notes))
        try:
            if PROBABILITY in wanted:
                layers = [Layer(one.slug, one.tags.species, one.tags.to_tags()) for one in species]
                stack = PROBABILITY if several else ""
                self._probability = self._entered(MapWriter(aside, grid, layers, tags, shares, stack))
            for one in products:
                stack = one.name if several else ""
                writer = MapWriter(aside, grid, one.layers, tags, one.encoding, stack)
                self._products.append((one, self._entered(writer)))
            if richness is not None:
                self._richness = richness, self._entered(MapWriter(aside, grid, [richness.layer], tags))
            if TOP in wanted:
                mine = {**tags, PRODUCT: TOP, QUANTITY: "most favoured species", MEANING: TOP_MEANING}
                if counted.left_out:
                    mine |= {LEFT_OUT: listed(counted.left_out, len(species))}
                if counted.unproven:
                    mine |= {UNPROVEN: listed(counted.unproven, len(species))}
                categories = top_categories([species[place] for place in counted.places])
                self._top = self._stack.enter_context(
                    CategoryWriter(aside, grid, categories, TOP, TOP_TITLE, mine)
                )
        except BaseException:
            self._stack.close()
            raise

    def _entered(self, writer: MapWriter) -> MapWriter:
        return self._stack.enter_context(writer)

    def __enter__(self) -> ProductMaps:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def _writers(self) -> list[MapWriter]:
        first = [self._probability] if self._probability is not None else []
        last = [self._richness[1]] if self._richness is not None else []
        return [*first, *(writer for _, writer in self._products), *last]

    @property
    def names(self) -> list[str]:
        """The names of the rasters that it makes."""
        found = [name for writer in self._writers for name in writer.names]
        return found + ([self._top.name] if self._top is not None else [])

    def write(self, tile: Tile, probability: Values, valid: Valid) -> None:
        """Write a tile of every product: ``probability`` (species, rows, columns), where ``valid``."""
        sums = TileSums(tile)
        for first in range(0, len(probability), BANDS_AT_ONCE):
            self.add(sums, probability[first : first + BANDS_AT_ONCE], valid, first)
        self.close(sums)

    def add(self, sums: TileSums, probability: Values, valid: Valid, first: int) -> None:
        """Take some species of a tile, from the one at ``first`` on; each species of a tile comes once."""
        tile = sums.tile
        if self._probability is not None:
            self._probability.write(tile, probability, valid, first)
        for product, writer in self._products:
            layers = _layers_of(product.places, first, len(probability))
            if layers.stop > layers.start:
                held = _held(product.places, layers, probability, first)
                writer.write(tile, product.values(held, layers.start), valid, layers.start)
        if self._richness is not None:
            of = self._richness[0].of
            layers = _layers_of(of.places, first, len(probability))
            some = of.values(_held(of.places, layers, probability, first), layers.start)
            sums.richness += some.sum(axis=0, dtype=np.float32)
        if self._top is not None:
            layers = _layers_of(self._counted, first, len(probability))
            if layers.stop > layers.start:
                sums.lead(_held(self._counted, layers, probability, first), layers.start)
        sums.valid &= valid

    def close(self, sums: TileSums) -> None:
        """Write what is made of all species of a tile; a pixel has a value where every species has one."""
        if self._richness is not None:
            self._richness[1].write(sums.tile, sums.richness[None], sums.valid)
        if self._top is not None:
            self._top.write(sums.tile, sums.leader, sums.valid)

    def made(self, monitor: Monitor) -> list[str]:
        """Make the files, still aside; return their names."""
        names = [name for writer in self._writers for name in writer.made(monitor)]
        return names + (self._top.finish() if self._top is not None else [])


def _layers_of(places: Sequence[int], first: int, count: int) -> slice:
    """Return which of ``places`` (ascending) are of ``count`` species from the one at ``first`` on."""
    low, high = np.searchsorted(places, [first, first + count])
    return slice(int(low), int(high))


def _held(places: Sequence[int], layers: slice, probability: Values, first: int) -> Values:
    """Return the probability of the species of some layers, of that of the species from ``first`` on."""
    if layers.stop - layers.start == len(probability):
        return probability
    return probability[[place - first for place in places[layers]]]


def richness_of(species: Sequence[MappedSpecies], threshold: str, counted: CountedSpecies) -> Richness:
    """Return richness as the sum of occurrence where every counted species has one, else of what is above."""
    places = counted.places
    if all(species[place].tags.calibration is not None for place in places):
        return Richness(Occurrence(species, ENCODINGS["float32"], places), counted)
    return Richness(Binary(species, Thresholds(species, threshold, places), places), counted)
