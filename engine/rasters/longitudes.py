"""Longitudes are a circle: grids moved by whole turns, rasters around the earth continued over their seam."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError
from rasterio.transform import Affine

from .ground import Bounds, bounds_in, transformer
from .view import Piece

DEGREES = 360.0
ROUNDING = 1e-9  # of a turn
SEAM_PX = 0.05  # columns by which a turn may miss a whole number of them

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Turned:
    """A raster's grid among the longitudes that were asked for.

    ``pieces`` are the columns of the file that it has where they are not just the file's; ``turns`` is by how
    many whole turns the file's own longitudes were moved, 0 where they are continued.
    """

    grid: GeoBox
    pieces: tuple[Piece, ...] = ()
    turns: int = 0


def turn_of(crs: CRS | None) -> float:
    """Return how many units of a geographic CRS are once around the earth (360 degrees); 0 for other CRSs."""
    if crs is None or not crs.geographic:
        return 0.0
    axes = crs.proj.axis_info
    unit = axes[0].unit_conversion_factor if axes else math.radians(1)
    turn = 2 * math.pi / unit if unit else 360.0
    return float(round(turn, 9))


def columns_of_turn(grid: GeoBox) -> int:
    """Return how many columns of a grid are once around the earth; 0 where that is no whole number of them."""
    columns = turn_of(grid.crs) / abs(grid.affine.a)
    whole = round(columns)
    return whole if whole and abs(columns - whole) <= SEAM_PX else 0


def near(x: npt.ArrayLike, grid: GeoBox) -> Floats:
    """Return longitudes moved by whole turns to lie as near to the middle of a grid as they can.

    Of a grid in another kind of CRS x is returned as it is.
    """
    found = np.asarray(x, np.float64)
    turn = turn_of(grid.crs)
    if not turn:
        return found
    box = grid.boundingbox
    return nearest(found, (box.left + box.right) / 2, turn)


def onto(x: npt.ArrayLike, y: npt.ArrayLike, source: CRS, grid: GeoBox) -> tuple[Floats, Floats]:
    """Return points of ``source`` in the CRS of a grid, longitudes as near to its middle as they can be."""
    if grid.crs is None:
        raise ValueError("a grid without a CRS holds no place")
    if source != grid.crs:
        x, y = transformer(source, grid.crs).transform(x, y)
    return near(x, grid), np.asarray(y, np.float64)


def box_onto(bounds: Bounds, source: CRS, grid: GeoBox) -> Bounds:
    """Return the box around a box of ``source`` in a grid's CRS, as near to the grid's middle as can be.

    Its ends are not finite where it has no such box.
    """
    if grid.crs is None:
        raise ValueError("a grid without a CRS holds no place")
    box = grid.boundingbox
    return box_near(bounds, source, grid.crs, (box.left + box.right) / 2)


def box_near(bounds: Bounds, source: CRS, target: CRS, middle: float) -> Bounds:
    """Return the box around a box of ``source`` in ``target``, longitudes as near to ``middle`` as can be."""
    left, bottom, right, top = bounds_in(bounds, source, target)
    turn = turn_of(target)
    if turn and math.isfinite(left) and math.isfinite(right):
        right += turn if right < left else 0.0
        own = (left + right) / 2
        moved = float(nearest(np.array(own), middle, turn)) - own
        left, right = left + moved, right + moved
    return left, bottom, right, top


def span_in(bounds: Bounds, source: CRS, target: CRS) -> tuple[float, float]:
    """Return first and last longitude in ``target`` of a box in ``source``: all there are where unknown."""
    if source == target:
        return bounds[0], bounds[2]
    turn = turn_of(target)
    left, _, right, _ = bounds_in(bounds, source, target)
    if not (math.isfinite(left) and math.isfinite(right)):
        return -turn / 2, turn / 2
    return left, right + turn if right < left else right


def nearest(x: Floats, middle: float, turn: float) -> Floats:
    """Return ``x`` moved by whole turns to at most half a turn off ``middle``; what is not finite stays."""
    with np.errstate(invalid="ignore"):
        moved = np.round((middle - x) / turn) * turn
    return np.where(np.isfinite(x), x + np.nan_to_num(moved, posinf=0, neginf=0), x)


def centred_wkt(grid: GeoBox) -> str:
    """Return the CRS of a grid as GDAL's warper needs it where longitudes lie beyond half a turn.

    The WKT then says around which longitude they are to be looked for, which GDAL calls CENTER_LONG. So does
    the name of the CRS, which has no code any more: GDAL 3.10 keeps transformations by code or name and would
    take that of another centre. Of other grids it is the CRS as it is.
    """
    if grid.crs is None:
        raise ValueError("a grid without a CRS can't be warped")
    wkt, box = str(grid.crs.to_wkt()), grid.boundingbox
    if turn_of(grid.crs) != DEGREES or max(-box.left, box.right) <= DEGREES / 2 + grid.affine.a / 2:
        return wkt
    try:
        old = str(grid.crs.proj.to_wkt("WKT1_GDAL"))
    except CRSError:
        return wkt  # of a CRS that this kind of WKT can't say, such as one of rotated poles
    named = re.fullmatch(r'GEOGCS\["([^"]*)"(.*?)(?:,AUTHORITY\["[^"]*","[^"]*"\])?\]', old)
    middle = (box.left + box.right) / 2
    if named is None:
        return wkt
    return f'GEOGCS["{named[1]} around {middle!r}"{named[2]},EXTENSION["CENTER_LONG","{middle!r}"]]'


def turned(grid: GeoBox, left: float, right: float, reach: float = 0.0, step: int = 1) -> Turned:
    """Return a raster's grid at the longitudes from ``left`` to ``right``, any number of turns off.

    A raster around the whole earth is continued over its seam where that lies within ``reach`` (in units of the
    CRS) of them; another one is moved by whole turns to where it shares most with them, and continued where
    they lie on both sides of its gap. The first column is then a multiple of ``step`` columns off the file's.
    """
    turn = turn_of(grid.crs)
    if not turn:
        return Turned(grid)
    box, size = grid.boundingbox, grid.affine.a
    columns = columns_of_turn(grid)
    around = bool(columns) and grid.shape[1] >= columns
    margin = min(reach, turn / 2) if around else 0.0
    shares = {}
    nearby = round((left + right - box.left - box.right) / 2 / turn)
    for turns in range(nearby - 2, nearby + 3):
        own = box.left + turns * turn, box.right + turns * turn
        shares[turns] = min(right + margin, own[1]) - max(left - margin, own[0])
    meeting = sorted(turns for turns, share in shares.items() if share > ROUNDING * turn)
    if columns and len(meeting) > 1:
        first = step * math.floor((left - margin - box.left) / size / step)
        last = math.ceil((right + margin - box.left) / size)
        return _continued(grid, first, last, columns)
    if not meeting:
        return Turned(grid)
    return _moved(grid, max(meeting, key=lambda one: (shares[one], -abs(one))))


def homeward(grid: GeoBox) -> Turned:
    """Return a raster's grid between -180 and 180 degrees, where the coordinates of most tables lie.

    Of one that lies on both sides of the antimeridian the grid stays as it is.
    """
    turn = turn_of(grid.crs)
    if not turn:
        return Turned(grid)
    box, columns = grid.boundingbox, columns_of_turn(grid)
    if columns and grid.shape[1] >= columns:
        first = math.floor((-turn / 2 - box.left) / grid.affine.a + SEAM_PX)
        return _continued(grid, first, first + columns, columns) if first else Turned(grid)
    turns = -round((box.left + box.right) / 2 / turn) if max(-box.right, box.left) >= turn / 2 else 0
    return _moved(grid, turns)


def _continued(grid: GeoBox, first: int, last: int, columns: int) -> Turned:
    """Return the columns from ``first`` to ``last`` of a raster that repeats itself after so many columns."""
    number = min(columns, grid.shape[1])
    pieces = []
    for turns in range(first // columns - 1, last // columns + 1):
        start, stop = max(first, turns * columns), min(last, turns * columns + number)
        if start < stop:
            pieces.append((start - turns * columns, start - first, stop - start))
    return Turned(columns_from(grid, first, last - first), tuple(pieces))


def _moved(grid: GeoBox, turns: int) -> Turned:
    a = grid.affine
    affine = Affine(a.a, 0, a.c + turns * turn_of(grid.crs), 0, a.e, a.f)
    return Turned(GeoBox(grid.shape, affine, grid.crs) if turns else grid, (), turns)


def columns_from(grid: GeoBox, first: int, width: int) -> GeoBox:
    """Return a grid of so many columns that begins at column ``first`` of another one."""
    a = grid.affine
    return GeoBox((grid.shape[0], width), Affine(a.a, 0, a.c + a.a * first, 0, a.e, a.f), grid.crs)
