"""Polygons outside of which a map has no value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry

from ..running.errors import InputError
from ..running.streams import demand_no_stream
from .ground import transformer
from .lattice import MapGrid, Tile
from .longitudes import turn_of
from .raster import Valid


def polygons_of(file: str, crs: CRS, role: str) -> list[BaseGeometry]:
    """Return the polygons of a vector file in ``crs``; ``role`` is what messages call the file.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """
    return [shape for _, shape in named_polygons(file, crs, role, lambda fields, values: "")]


def named_polygons(
    file: str, crs: CRS, role: str, field: Callable[[Sequence[str], Sequence[np.ndarray]], str]
) -> list[tuple[str, BaseGeometry]]:
    """Return each polygon of a vector file in ``crs``, with what the file calls it.

    Parameters
    ----------
    role
        What messages call the file.
    field
        Chooses the field of the names from all fields and their values; where it gives an empty text, or the
        field is empty, the number of the row is the name.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """
    demand_no_stream(file, role)
    try:
        meta, _, geometries, values = pyogrio.raw.read(file)
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise InputError(f"The {role} {file} can't be read ({error}); choose a file of polygons.") from error
    shapes = [] if geometries is None else shapely.from_wkb(geometries)
    held = [number for number, one in enumerate(shapes) if one is not None and one.area > 0]
    if not held:
        raise InputError(f"The {role} {file} holds no polygon; choose a file of polygons.")
    if not meta["crs"]:
        raise InputError(f"The {role} {file} has no coordinate system; assign one.")
    try:
        project = transformer(CRS(meta["crs"]), crs).transform
    except CRSError as error:
        raise InputError(f"The {role} {file} has an unknown coordinate system ({error}).") from error
    fields = [str(name) for name in meta["fields"]]
    chosen = field(fields, values)
    names = values[fields.index(chosen)] if chosen else [None] * len(shapes)
    return [
        (
            _name(names[number], number),
            shapely.transform(shapely.force_2d(shapes[number]), project, interleaved=False),
        )
        for number in held
    ]


def _name(value: object, number: int) -> str:
    """Return a polygon's name: what its field holds, or the number of its row where that is nothing."""
    return str(number + 1) if value is None or value == "" or value != value else str(value)


def among_longitudes(shapes: Sequence[BaseGeometry], grid: GeoBox) -> list[BaseGeometry]:
    """Return polygons in a grid's CRS, with copies whole turns of longitude away that meet the grid.

    There are copies only where the grid or the polygons lie beyond half a turn.
    """
    turn, box = turn_of(grid.crs), grid.boundingbox
    if not turn or not shapes:
        return list(shapes)
    left, _, right, _ = shapely.total_bounds(shapes)
    if max(-box.left, box.right, -left, right) <= turn / 2 + abs(grid.affine.a):
        return list(shapes)
    found = list(shapes)
    here = shapely.box(*box.bbox)
    for turns in (-2, -1, 1, 2):
        moved = shapely.transform(list(shapes), lambda xy, by=turns * turn: xy + np.array([by, 0.0]))
        found += [one for one in moved if one.intersects(here)]
    return found


class PolygonMask:
    """The polygons of a vector file, in a map's CRS.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """

    def __init__(self, file: str, grid: MapGrid) -> None:
        self._shapes = among_longitudes(polygons_of(file, grid.crs, "mask"), grid.geobox)
        self._tree = shapely.STRtree(self._shapes)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The box around all polygons: xmin, ymin, xmax, ymax."""
        left, bottom, right, top = shapely.total_bounds(self._shapes)
        return float(left), float(bottom), float(right), float(top)

    def pixels(self, grid: MapGrid) -> float:
        """Return about how many pixels of a map have their centre in a polygon, by area."""
        box = grid.geobox.boundingbox
        inside = shapely.union_all(self._shapes).intersection(shapely.box(*box.bbox))
        pixel = grid.geobox.affine
        return float(inside.area / abs(pixel.a * pixel.e))

    def within(self, grid: MapGrid, tile: Tile) -> Valid:
        """Tell which pixels of a tile have their centre in a polygon (rows, columns)."""
        return inside_of(self._near(grid.geobox, tile), grid.geobox, tile)

    def _near(self, grid: GeoBox, tile: Tile) -> list[BaseGeometry]:
        box = grid[tile.rows, tile.columns].boundingbox
        return [self._shapes[i] for i in self._tree.query(shapely.box(*box.bbox))]


def inside_of(shapes: Sequence[BaseGeometry], grid: GeoBox, tile: Tile, touched: bool = False) -> Valid:
    """Tell which pixels of a tile of a grid have their centre in one of ``shapes`` (rows, columns).

    ``touched`` takes all pixels that a shape touches.
    """
    if not shapes:
        return np.zeros(tile.shape, np.bool_)
    part = grid[tile.rows, tile.columns]
    inside: Valid = geometry_mask(shapes, tile.shape, part.affine, all_touched=touched, invert=True)
    return inside
