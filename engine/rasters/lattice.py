"""The map grid: every ``step``-th pixel of the finest modality's grid, where an extent holds it."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine

from .ground import Bounds, transformer
from .longitudes import box_near, box_onto, nearest, turn_of


@dataclass(frozen=True)
class Extent:
    """A box, xmin, ymin, xmax, ymax in ``crs``.

    It holds a pixel whose centre has xmin <= x < xmax, ymin < y <= ymax.
    """

    bounds: Bounds
    crs: CRS

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        left, bottom, right, top = self.bounds
        return (left + right) / 2, (bottom + top) / 2

    def holds(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell for each point (x, y in the extent's CRS) whether the box holds it."""
        left, bottom, right, top = self.bounds
        return (x >= left) & (x < right) & (y > bottom) & (y <= top)

    def clipped(self, grid: GeoBox) -> Extent | None:
        """Return the part that may meet ``grid``, or None where there is none.

        An extent may span the whole earth, where its corners mean nothing in the grid's own CRS.
        """
        box = box_near(grid.boundingbox.bbox, _crs_of(grid), self.crs, self.centre[0])
        left, bottom, right, top = box
        if not all(map(math.isfinite, box)) or left >= right:
            return self  # the grid crosses the edge of the extent's CRS
        mine = self.bounds
        if right - left >= turn_of(self.crs) > 0:  # around the earth
            left, right = mine[0], mine[2]
        left, bottom = max(left, mine[0]), max(bottom, mine[1])
        right, top = min(right, mine[2]), min(top, mine[3])
        return Extent((left, bottom, right, top), self.crs) if left < right and bottom < top else None


@dataclass(frozen=True)
class Tile:
    """A block of the map: rows and columns of the output, counted from its first pixel."""

    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


@dataclass(frozen=True)
class MapGrid:
    """The pixels of a map.

    The lattice is anchored at the raster's origin, so that neighbouring runs fit: pixel (i, j) of the lattice
    is input pixel (step * i + step // 2, step * j + step // 2). ``rows`` and ``columns`` are the part that is
    mapped.
    """

    fine: GeoBox
    step: int
    rows: slice
    columns: slice
    extent: Extent | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def crs(self) -> CRS:
        """The coordinate system of the map."""
        return _crs_of(self.fine)

    @property
    def geobox(self) -> GeoBox:
        """The output's grid: each pixel's centre lies exactly on that of its input pixel."""
        a = self.fine.affine
        first_row, first_column = self.input_rows()[0], self.input_columns()[0]
        affine = Affine(
            a.a * self.step,
            0,
            a.c + a.a * (first_column + 0.5 - self.step / 2),
            0,
            a.e * self.step,
            a.f + a.e * (first_row + 0.5 - self.step / 2),
        )
        return GeoBox(self.shape, affine, self.fine.crs)

    def input_rows(self, rows: slice | None = None) -> npt.NDArray[np.int64]:
        """Return the input row under each output row (of ``rows`` of the map, all by default)."""
        return self._input(self.rows, rows)

    def input_columns(self, columns: slice | None = None) -> npt.NDArray[np.int64]:
        """Return the input column under each output column."""
        return self._input(self.columns, columns)

    def _input(self, whole: slice, part: slice | None) -> npt.NDArray[np.int64]:
        start, stop = (whole.start, whole.stop)
        if part is not None:
            start, stop = whole.start + part.start, whole.start + part.stop
        return np.arange(start, stop, dtype=np.int64) * self.step + self.step // 2

    def centres(self, tile: Tile) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return x and y of the pixel centres of a tile, each (rows, columns), in the map's CRS."""
        x = _centre(self.fine.affine.c, self.fine.affine.a, self.input_columns(tile.columns))
        y = _centre(self.fine.affine.f, self.fine.affine.e, self.input_rows(tile.rows))
        xs, ys = np.meshgrid(x, y)
        return xs, ys

    def within(self, tile: Tile) -> npt.NDArray[np.bool_]:
        """Tell for each pixel of a tile whether the extent holds it (rows, columns)."""
        if self.extent is None or self.extent.crs == self.crs:
            return np.ones(tile.shape, np.bool_)
        x, y = transformer(self.crs, self.extent.crs).transform(*self.centres(tile))
        turn = turn_of(self.extent.crs)
        return self.extent.holds(nearest(x, self.extent.centre[0], turn) if turn else x, y)


def cell_of(position: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return the index of the cell that holds each position; one that can't be transformed is outside."""
    return np.where(np.isfinite(position), np.floor(position), -1).astype(np.int64)


def map_grid(fine: GeoBox, step: int, extent: Extent | None) -> MapGrid:
    """Return the map grid that ``extent`` (the whole of ``fine`` by default) holds; it may be empty."""
    height, width = (len(range(step // 2, side, step)) for side in fine.shape)
    whole = MapGrid(fine, step, slice(0, height), slice(0, width), extent)
    if extent is None:
        return whole
    if extent.crs == fine.crs:
        left, bottom, right, top = extent.bounds
    else:  # a box around the bent box, a pixel wider; ``within`` cuts it exactly
        part = extent.clipped(fine)
        if part is None:
            return MapGrid(fine, step, slice(0, 0), slice(0, 0), extent)
        box = box_onto(part.bounds, extent.crs, fine)
        edge = step * fine.affine.a
        left, bottom, right, top = box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge
        if not all(map(math.isfinite, box)) or left >= right:
            return whole

    def x(column: int) -> float:
        return float(_centre(fine.affine.c, fine.affine.a, column * step + step // 2))

    def y(row: int) -> float:
        return float(_centre(fine.affine.f, fine.affine.e, row * step + step // 2))

    # Searched, not listed: a virtual raster may have billions of rows.
    first_column = bisect_left(range(width), True, key=lambda column: x(column) >= left)
    last_column = bisect_left(range(width), True, key=lambda column: x(column) >= right)
    first_row = bisect_left(range(height), True, key=lambda row: y(row) <= top)
    last_row = bisect_left(range(height), True, key=lambda row: y(row) <= bottom)
    rows, columns = slice(first_row, last_row), slice(first_column, last_column)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        rows = columns = slice(0, 0)
    return MapGrid(fine, step, rows, columns, extent)


def _centre(origin: float, size: float, index: int | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.asarray(origin + size * (index + 0.5), np.float64)


def _crs_of(grid: GeoBox) -> CRS:
    if grid.crs is None:
        raise ValueError("a map grid needs a CRS")
    return grid.crs
