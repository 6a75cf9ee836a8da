"""How large a pixel is on the ground, and the grid on which a raster fits the pixel size of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import Geod, Transformer
from pyproj.exceptions import CRSError
from rasterio._err import CPLE_BaseError  # what rasterio raises is in no public module
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from ..running.errors import InputError

TOLERANCE = 0.02  # of the pixel size: within it a raster is used as it is
LONLAT = CRS("EPSG:4326")
_ELLIPSOID = Geod(ellps="WGS84")
POLE = 90 + 1e-6  # degrees
METRES_A_DEGREE = 111_320.0  # along a meridian
_UTM_WIDTH = 6  # degrees
KEPT_TRANSFORMERS = 64
Bounds = tuple[float, float, float, float]
LARGEST_GRID = 2_000_000  # px along a side; larger comes from a projection far outside its area


@dataclass(frozen=True)
class WorkingGrid:
    """The grid on which a modality is read; ``reason`` says why it is not the raster's own, else is empty."""

    grid: GeoBox
    reason: str = ""


def crs_named(text: str, what: str) -> CRS:
    """Return the CRS that a user named; ``what`` is what it is called, such as *The extent's CRS*.

    Raises
    ------
    InputError
        There is none of that name, or it does not say where on the earth a point lies.
    """
    try:
        crs = CRS(text)
    except (CRSError, ValueError) as error:
        raise InputError(f"{what} {text!r} is unknown; give one such as EPSG:4326.") from error
    kind = other_kind(crs)
    if kind:
        raise InputError(
            f"{what} {text!r} is {kind} and says nothing of longitude and latitude; give one such as EPSG:4326."
        )
    return crs


def other_kind(crs: CRS) -> str:
    """Return the kind of a CRS, in a word, that does not say where on the earth a point lies, else nothing."""
    if crs.geographic or crs.projected:
        return ""
    return "geocentric" if crs.proj.is_geocentric else "vertical" if crs.proj.is_vertical else "local"


def transformer(source: CRS, target: CRS) -> Transformer:
    """Return a transformer between two systems, x (or longitude) first in both; each is made once."""
    return _transformer(_key(str(source)), _key(str(target)))


@lru_cache(maxsize=KEPT_TRANSFORMERS)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


@lru_cache(maxsize=KEPT_TRANSFORMERS)
def _key(text: str) -> str:
    """Return one text for all that name the same CRS: its code where it is that one exactly, else its WKT."""
    crs = CRS(text).proj
    code = crs.to_epsg(min_confidence=100)
    return f"EPSG:{code}" if code is not None and crs.equals(f"EPSG:{code}") else str(crs.to_wkt())


def ground_size(grid: GeoBox, at: tuple[float, float]) -> tuple[float, float]:
    """Return the width and height in metres of a pixel of ``grid`` centred on ``at`` (x, y in its CRS).

    Both are geodesic distances on the WGS84 ellipsoid between the middles of opposite sides.

    Raises
    ------
    InputError
        There is no such place on earth.
    """
    x, y = at
    half_x, half_y = abs(grid.affine.a) / 2, abs(grid.affine.e) / 2
    to_lonlat = transformer(_crs(grid), LONLAT)
    lon, lat = to_lonlat.transform([x - half_x, x + half_x, x, x], [y, y, y - half_y, y + half_y])
    if not all(map(math.isfinite, (*lon, *lat))) or max(map(abs, lat)) > POLE:
        raise InputError(
            f"{x:.10g}, {y:.10g} in {crs_name(grid.crs)} is no place on earth; check the position and the "
            "coordinate system of the rasters, and the extent."
        )
    _, _, width = _ELLIPSOID.inv(lon[0], lat[0], lon[1], lat[1])
    _, _, height = _ELLIPSOID.inv(lon[2], lat[2], lon[3], lat[3])
    if not (width > 0 and height > 0):
        raise InputError(
            f"A pixel at {x:.10g}, {y:.10g} in {crs_name(grid.crs)} has no size on the ground; check the "
            "position and the coordinate system of the rasters."
        )
    return float(width), float(height)


def window_box(grid: GeoBox, row: int, column: int, span: tuple[int, int]) -> GeoBox:
    """Return the square of pixels from the first to the last of ``span`` off a pixel, as a grid of one."""
    a, side = grid.affine, span[1] - span[0] + 1
    corner = a.c + a.a * (column + span[0]), a.f + a.e * (row + span[0])
    return GeoBox((1, 1), Affine(a.a * side, 0, corner[0], 0, a.e * side, corner[1]), grid.crs)


def working_grid(
    raster: GeoBox,
    pixel_size: float,
    unit: str,
    at: tuple[float, float],
    around: tuple[CRS, Bounds, float] | None = None,
) -> WorkingGrid:
    """Return the grid on which ``raster`` has the model's pixel size: its own where that fits within 2 %.

    Parameters
    ----------
    raster
        The raster's own grid.
    pixel_size, unit
        The model's pixel size, in ``metre`` (on the ground) or ``degree``.
    at
        Where the size is measured: x, y in the raster's CRS, the centre of the extent to be mapped.
    around
        A box (its CRS, the box, and a margin in model units) that is all that is needed of a grid of another
        pixel size; the whole raster by default.

    Returns
    -------
    WorkingGrid
        Else a grid of the model's pixel size over the whole raster, with edges on multiples of that size: in
        the raster's CRS where that is true to scale at ``at``, else in the UTM zone of ``at``, or for degrees
        in longitude and latitude.
    """
    crs = _crs(raster)
    if unit == "degree":
        have = abs(raster.affine.a), abs(raster.affine.e)
        if crs.geographic and all(_fits(size, pixel_size) for size in have):
            return WorkingGrid(raster)
        target = crs if crs.geographic else LONLAT
        shown = f"pixels of {have[0]:.6g} × {have[1]:.6g} {'degrees' if crs.geographic else 'map units'}"
        return WorkingGrid(
            _snapped(raster, target, pixel_size, around),
            f"{shown} were resampled to the model's {pixel_size:.6g} degrees",
        )
    width, height = ground_size(raster, at)
    if _fits(width, pixel_size) and _fits(height, pixel_size):
        return WorkingGrid(raster)
    units = width / abs(raster.affine.a), height / abs(raster.affine.e)
    true_to_scale = all(_fits(metres, 1.0) for metres in units)
    target = crs if true_to_scale else utm_zone(crs, at)
    return WorkingGrid(
        _snapped(raster, target, pixel_size, around),
        f"pixels {width:.4g} m wide and {height:.4g} m high on the ground were resampled to the model's "
        f"{pixel_size:.6g} m" + ("" if true_to_scale else f" in {crs_name(target)}"),
    )


def utm_zone(crs: CRS, at: tuple[float, float]) -> CRS:
    """Return the UTM zone (on WGS84) of a point given in ``crs``."""
    lon, lat = transformer(crs, LONLAT).transform(*at)
    zone = int((lon + 180) // _UTM_WIDTH) % 60 + 1
    return CRS(f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}")


def crs_name(crs: CRS | None) -> str:
    """Return the code of a CRS, or where it has none its name."""
    if crs is None:
        return "no CRS"
    return f"EPSG:{crs.epsg}" if crs.epsg else str(crs.proj.name)


def bounds_in(bounds: Bounds, source: CRS, target: CRS) -> Bounds:
    """Return the box in ``target`` around a box in ``source``: xmin, ymin, xmax, ymax.

    Across the antimeridian xmin is larger than xmax; where there is no such box, ends are infinite.
    """
    if source == target:
        return bounds
    try:
        left, bottom, right, top = transform_bounds(source.to_wkt(), target.to_wkt(), *bounds, densify_pts=51)
    except (RasterioError, CPLE_BaseError):
        return (math.inf,) * 4
    return left, bottom, right, top


def _fits(have: float, wanted: float) -> bool:
    return abs(have / wanted - 1) <= TOLERANCE


def _crs(grid: GeoBox) -> CRS:
    if grid.crs is None:
        raise ValueError("a grid without a CRS has no size on the ground")
    return grid.crs


def _snapped(
    raster: GeoBox,
    crs: CRS,
    size: float,
    around: tuple[CRS, Bounds, float] | None,
) -> GeoBox:
    """Return the grid in ``crs`` that covers ``raster`` or a box, with edges on multiples of ``size``."""
    if around is None:
        box = raster.boundingbox
        left, bottom, right, top = bounds_in((box.left, box.bottom, box.right, box.top), _crs(raster), crs)
    else:
        left, bottom, right, top = bounds_in(around[1], around[0], crs)
        if crs == LONLAT and right < left:  # across the antimeridian
            right += 360
        left, bottom, right, top = (
            left - around[2],
            bottom - around[2],
            right + around[2],
            top + around[2],
        )
    edges = left, bottom, right, top
    if not all(math.isfinite(v) and math.isfinite(v / size) for v in edges) or left >= right:
        raise InputError(
            f"A raster that spans so much of the earth can't be resampled in {crs_name(crs)} as a whole; give "
            "an extent, or cut the raster first."
        )
    first, last = math.floor(left / size), math.ceil(right / size)
    low, high = math.floor(bottom / size), math.ceil(top / size)
    if max(last - first, high - low) > LARGEST_GRID:
        raise InputError(
            f"Resampled to {size:g}, the raster would be {last - first} × {high - low} pixels in "
            f"{crs_name(crs)}; cut it to the area to be mapped first."
        )
    affine = Affine(size, 0, first * size, 0, -size, high * size)
    return GeoBox((high - low, last - first), affine, crs)
