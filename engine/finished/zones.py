"""The named polygons (reserves, districts) by which areas are summed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from scipy import sparse
from shapely.geometry.base import BaseGeometry

from ..errors import InputError
from ..rasters.lattice import Tile
from ..rasters.mask import inside_of, named_polygons

EVERYWHERE = "all"
NAMES = ("name", "title", "label")  # fields that are likely to hold names, best first


class Zones:
    """The whole map, and the polygons of a file; those of one name are one zone, and zones may overlap.

    Parameters
    ----------
    file
        A vector file; the whole map alone where it is None.
    field
        The field with the names of polygons. Unless told, one called name, else the first that holds text,
        else the number of the row stands for it.
    crs
        That of the map.

    Raises
    ------
    InputError
        The file can't be used, or has no such field.
    """

    def __init__(self, file: str | None, field: str | None, crs: CRS) -> None:
        self._shapes: dict[str, list[BaseGeometry]] = {}
        if file is not None:
            for name, shape in named_polygons(file, crs, "polygons file", _chooser(file, field)):
                self._shapes.setdefault(name, []).append(shape)
        self._bounds = {name: shapely.total_bounds(shapes) for name, shapes in self._shapes.items()}

    @property
    def names(self) -> list[str]:
        """The zones: the whole map first."""
        return [EVERYWHERE, *self._shapes]

    def members(self, grid: GeoBox, tile: Tile) -> sparse.csr_array:
        """Return which pixels of a tile have their centre in which zone: (zones, pixels) of 0 and 1."""
        size = tile.shape[0] * tile.shape[1]
        box = grid[tile.rows, tile.columns].boundingbox
        here = [np.arange(size)]
        for name, shapes in self._shapes.items():
            left, bottom, right, top = self._bounds[name]
            meets = left < box.right and right > box.left and bottom < box.top and top > box.bottom
            inside = inside_of(shapes, grid, tile) if meets else np.zeros(0, np.bool_)
            here.append(np.flatnonzero(inside))
        ends = np.cumsum([0, *(len(one) for one in here)])
        return sparse.csr_array((np.ones(ends[-1]), np.concatenate(here), ends), shape=(len(here), size))


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
