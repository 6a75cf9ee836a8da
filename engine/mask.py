"""Polygons outside of which a map has no value."""

from __future__ import annotations

import numpy as np
import pyogrio
import shapely
from odc.geo.crs import CRS
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import CRSError
from rasterio.features import geometry_mask
from shapely.geometry.base import BaseGeometry
from shapely.ops import transform

from .errors import InputError
from .ground import transformer
from .lattice import MapGrid, Tile
from .raster import Valid


def polygons_of(file: str, crs: CRS, role: str) -> list[BaseGeometry]:
    """Return the polygons of a vector file in ``crs``; ``role`` is what messages call the file.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """
    try:
        meta, _, geometries, _ = pyogrio.raw.read(file, columns=[])
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise InputError(f"The {role} {file} can't be read ({error}); choose a file of polygons.") from error
    if not meta["crs"]:
        raise InputError(f"The {role} {file} has no coordinate system; assign one.")
    try:
        project = transformer(CRS(meta["crs"]), crs).transform
    except CRSError as error:
        raise InputError(f"The {role} {file} has an unknown coordinate system ({error}).") from error
    shapes = [one for one in shapely.from_wkb(geometries) if one is not None and one.area > 0]
    if not shapes:
        raise InputError(f"The {role} {file} holds no polygon; choose a file of polygons.")
    return [transform(project, shapely.force_2d(one)) for one in shapes]


class PolygonMask:
    """The polygons of a vector file, in a map's CRS.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """

    def __init__(self, file: str, grid: MapGrid) -> None:
        self._shapes = polygons_of(file, grid.crs, "mask")
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
        part = grid.geobox[tile.rows, tile.columns]
        box = part.boundingbox
        near = self._tree.query(shapely.box(box.left, box.bottom, box.right, box.top))
        if len(near) == 0:
            return np.zeros(tile.shape, np.bool_)
        inside: Valid = geometry_mask(
            [self._shapes[i] for i in near], tile.shape, part.affine, all_touched=False, invert=True
        )
        return inside
