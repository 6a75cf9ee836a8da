"""The named polygons (reserves, districts) by which areas are summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.geobox import GeoBox
from scipy import sparse
from shapely.geometry.base import BaseGeometry

from ..rasters.lattice import Tile
from ..rasters.mask import among_longitudes, inside_of, named_polygons
from ..running.errors import InputError

EVERYWHERE = "all"
NAMES = ("name", "title", "label")  # fields that are likely to hold names, best first
SMALL_PX = 1000  # a zone of fewer pixels counts them by shares; in a larger one that would change less than 1 %


class Zones:
    """The whole map, and the polygons of a file; those of one name are one zone, and zones may overlap.

    Parameters
    ----------
    file
        A vector file; the whole map alone where it is None.
    field
        The field with the names of polygons. Unless told, one called name, else the first that holds text;
        a polygon without a name is called by the number of its row.
    grid
        That of the map.

    Raises
    ------
    InputError
        The file can't be used, has no such field, or calls a polygon as the whole map is called.
    """

    def __init__(self, file: str | None, field: str | None, grid: GeoBox) -> None:
        if grid.crs is None:
            raise ValueError("a map without a CRS has no place for polygons")
        self._grid = grid
        self._shapes: dict[str, list[BaseGeometry]] = {}
        if file is not None:
            for name, shape in named_polygons(file, grid.crs, "polygons file", _chooser(file, field)):
                self._shapes.setdefault(name, []).append(shape)
        if EVERYWHERE in self._shapes:
            raise InputError(
                f"A polygon of {file} is called {EVERYWHERE!r}, as the row of the whole map is; rename it, or "
                "take names from another field (--name-field)."
            )
        self._shapes = {name: among_longitudes(shapes, grid) for name, shapes in self._shapes.items()}
        self._bounds = {name: shapely.total_bounds(shapes) for name, shapes in self._shapes.items()}
        self._small = {
            name: shapely.union_all(shapely.make_valid(shapes))
            for name, shapes in self._shapes.items()
            if shapely.area(shapes).sum() < SMALL_PX * self._pixel
        }

    @property
    def names(self) -> list[str]:
        """The zones: the whole map first."""
        return [EVERYWHERE, *self._shapes]

    @property
    def _pixel(self) -> float:
        """The area of a pixel in the units of the map's CRS."""
        return float(abs(self._grid.affine.a * self._grid.affine.e))

    def members(self, tile: Tile) -> sparse.csr_array:
        """Return how much of each pixel of a tile belongs to each zone: (zones, pixels) from 0 to 1.

        In a zone of ``SMALL_PX`` pixels or more it is 1 where the pixel's centre lies inside; in a smaller one
        the share of the pixel that does.
        """
        box = self._grid[tile.rows, tile.columns].boundingbox
        size = tile.shape[0] * tile.shape[1]
        here, shares = [np.arange(size)], [np.ones(size)]
        for name, shapes in self._shapes.items():
            left, bottom, right, top = self._bounds[name]
            if not (left < box.right and right > box.left and bottom < box.top and top > box.bottom):
                shapes = []
            inside = np.flatnonzero(inside_of(shapes, self._grid, tile, touched=name in self._small))
            here.append(inside)
            shares.append(self._shares(name, tile, inside))
        ends = np.cumsum([0, *(len(one) for one in here)])
        return sparse.csr_array((np.concatenate(shares), np.concatenate(here), ends), shape=(len(here), size))

    def _shares(self, name: str, tile: Tile, pixels: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        """Return the share of some pixels of a tile that lies in a zone."""
        if name not in self._small or not len(pixels):
            return np.ones(len(pixels))
        affine = self._grid[tile.rows, tile.columns].affine
        row, column = np.divmod(pixels, tile.shape[1])
        left, top = affine.c + affine.a * column, affine.f + affine.e * row
        boxes = shapely.box(left, top + affine.e, left + affine.a, top)
        return np.asarray(shapely.area(shapely.intersection(boxes, self._small[name])) / self._pixel)


def _chooser(file: str, wanted: str | None) -> Callable[[Sequence[str], Sequence[np.ndarray]], str]:
    """Return what chooses the field with the names of the polygons of a file."""

    def choose(fields: Sequence[str], values: Sequence[np.ndarray]) -> str:
        if wanted is not None:
            if wanted not in fields:
                have = ", ".join(fields) or "none"
                raise InputError(f"{file} has no field {wanted!r}; choose one of its fields: {have}.")
            return wanted
        called = {name.lower(): name for name in reversed(fields)}
        for name in NAMES:
            if name in called:
                return called[name]
        texts = [name for name, column in zip(fields, values, strict=True) if column.dtype == object]
        return texts[0] if texts else ""

    return choose
