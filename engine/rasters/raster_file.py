"""A raster file opened, and its grid on the ground: refused in a sentence where it has none of use."""

from __future__ import annotations

import math
import warnings

import numpy as np
import rasterio
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from ..files.raster_files import with_sources
from ..running.errors import InputError
from ..running.streams import demand_no_stream
from .ground import crs_name, crs_named, other_kind
from .longitudes import turn_of

PICTURE_DRIVERS = ("WMS", "WMTS", "PLMOSAIC")
PICTURE_PREFIXES = ("<GDAL_WMS", "WMS:", "WMTS:", "type=xyz", "crs=", "contextualWMSLegend")
LEAST_STEPS = 16  # numbers between the coordinates of two neighbouring pixels, so that they can be told apart
LEAST_PIXEL = 1e-9  # metres, feet or degrees
FARTHEST = 1e9  # metres, feet or degrees; beyond it no CRS has a place
OVERHANG = 1.5  # pixels; grids of points at both poles reach half a pixel beyond them
MOST_TURNS = 1.5  # of longitude, to either side


def opened(file: str) -> DatasetReader:
    """Open a raster.

    Raises
    ------
    InputError
        It is none, is a stream that may never end, is a picture service, or holds no band.
    """
    if file.lstrip().startswith(PICTURE_PREFIXES):
        raise InputError(_picture(file))
    demand_no_stream(file, "raster")
    try:
        dataset = opened_quietly(file)
    except (RasterioError, OSError, ValueError) as error:
        reason = str(error).strip().rstrip(".") or type(error).__name__
        raise InputError(f"The raster {file} can't be opened ({reason}); choose a raster file.") from error
    if dataset.driver == "VRT":
        _demand_no_stream_behind(dataset, file)
    fault = ""
    if dataset.driver in PICTURE_DRIVERS:
        fault = _picture(file)
    elif dataset.count == 0:
        fault = f"{file} holds no band; choose one of its subdatasets."
    if fault:
        dataset.close()
        raise InputError(fault)
    return dataset


def _demand_no_stream_behind(dataset: DatasetReader, file: str) -> None:
    """Raise InputError where a source of a virtual raster might never end."""
    try:
        parts = with_sources(dataset.files)
    except InputError:  # a source that can't be opened, and may never be read
        parts = [str(one) for one in dataset.files]
    try:
        for part in parts:
            demand_no_stream(part, f"source of {file},")
    except InputError:
        dataset.close()
        raise


def opened_quietly(file: str) -> DatasetReader:
    """Open a raster without a word of where it lies; ``grid_of`` says in a sentence if it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(file)


def grid_of(dataset: DatasetReader, file: str, crs: str = "") -> tuple[GeoBox, bool]:
    """Return a file's grid, north up, and whether the file's rows run from south to north.

    ``crs`` stands in place of the file's own.

    Raises
    ------
    InputError
        The file has no coordinate system, or one that is not of the ground; no position, or one beyond the
        earth; or it is rotated or mirrored.
    """
    affine = dataset.transform
    if affine.is_identity and dataset.gcps[0]:
        raise InputError(
            f"{file} is placed by ground control points alone; warp it onto a grid first (gdalwarp)."
        )
    system = crs_named(crs, f"For {file} the CRS") if crs else _own_crs(dataset, file)
    kind = other_kind(system)
    if kind:
        raise InputError(
            f"{file} has the {kind} coordinate system {crs_name(system)}, which says nothing of longitude and "
            "latitude; warp it to a geographic or projected one (gdalwarp -t_srs), or assign the right one."
        )
    if affine.is_identity:
        how = "is placed by ground control points alone" if dataset.gcps[0] else "has no position on the ground"
        raise InputError(
            f"{file} {how}; warp it onto a grid (gdalwarp), or give it one (gdal_translate -a_ullr)."
        )
    numbers = np.array(affine[:6], np.float64)
    if not np.isfinite(numbers).all() or affine.a == 0 or affine.e == 0:
        raise InputError(
            f"{file} has an origin or a pixel size that is no number or zero; set its position "
            "(gdal_translate -a_ullr)."
        )
    if affine.b != 0 or affine.d != 0 or affine.a < 0:
        raise InputError(f"{file} is rotated or mirrored; warp it north up first (gdalwarp).")
    south_up = affine.e > 0
    height, width = dataset.shape
    if south_up:
        affine = Affine(affine.a, 0, affine.c, 0, -affine.e, affine.f + affine.e * height)
    _demand_place(affine, height, width, system, file)
    return GeoBox((height, width), affine, system), south_up


def _own_crs(dataset: DatasetReader, file: str) -> CRS:
    if dataset.crs is None:
        raise InputError(
            f"{file} has no coordinate system; assign one (gdal_translate -a_srs, or Layer > Set CRS and "
            "export), or say which it is (--file-crs)."
        )
    try:
        epsg = dataset.crs.to_epsg()
        return CRS(f"EPSG:{epsg}" if epsg else dataset.crs.to_wkt())
    except (CRSError, ValueError) as error:
        raise InputError(f"{file} has a coordinate system of no use ({error}); assign one.") from error


def _demand_place(affine: Affine, height: int, width: int, crs: CRS, file: str) -> None:
    """Raise InputError where a grid's pixels can't be told apart, or lie beyond the earth."""
    left, top = affine.c, affine.f
    right, bottom = left + affine.a * width, top + affine.e * height
    box = f"{left:.6g} to {right:.6g}, {bottom:.6g} to {top:.6g} in {crs_name(crs)}"
    farthest = max(map(abs, (left, top, right, bottom)))
    if not math.isfinite(farthest) or farthest > FARTHEST:
        raise InputError(f"{file} spans {box}, which is no place on earth; set its position.")
    size = min(affine.a, -affine.e)
    if size < max(LEAST_PIXEL, LEAST_STEPS * math.ulp(farthest)):
        raise InputError(
            f"{file} has pixels of {size:.6g} at {box}, too small to be told apart; set its position."
        )
    turn = turn_of(crs)
    if not turn:
        return
    pole = turn / 4
    overhang = OVERHANG * -affine.e
    if top > pole + overhang or bottom < -pole - overhang:
        raise InputError(f"{file} spans {box}, beyond a pole; set its position or its coordinate system.")
    if max(-left, right) > MOST_TURNS * turn + affine.a or right - left > turn + 2 * OVERHANG * affine.a:
        raise InputError(
            f"{file} spans {box}, more than once around the earth; set its position or its coordinate system "
            "again."
        )


def _picture(file: str) -> str:
    return (
        f"{file[:80]} is a picture service (WMS, WMTS or XYZ): it gives colours, not the values that a "
        "network needs; choose a raster file of values."
    )
