"""A GeoTIFF that grows tile by tile, and the Cloud-Optimized one made from it."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError  # what rasterio's copy raises is in no public module
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from ..rasters.lattice import Tile

BLOCK = 256  # px; GeoTIFF blocks are multiples of 16
FAILURES = (OSError, RasterioError, CPLE_BaseError)  # of a disk that is full, gone or protected


def growing(path: Path, grid: GeoBox, dtype: str, nodata: float, **options: object) -> DatasetWriter:
    """Open a tiled GeoTIFF on a map's grid for writing; ``options`` are rasterio's, beside or in place of ours.

    Raises
    ------
    OSError, RasterioError
        The file can't be written.
    """
    return rasterio.open(
        path,
        "w",
        **{
            "driver": "GTiff",
            "height": grid.shape[0],
            "width": grid.shape[1],
            "dtype": dtype,
            "crs": grid.crs.to_wkt() if grid.crs else None,
            "transform": grid.affine,
            "nodata": nodata,
            "tiled": True,
            "blockxsize": BLOCK,
            "blockysize": BLOCK,
            "sparse_ok": True,
            **options,
        },
    )


def window_of(tile: Tile) -> Window:
    """Return rasterio's window of a tile."""
    return Window(tile.columns.start, tile.rows.start, tile.shape[1], tile.shape[0])


def copy_as_cog(source: Path, target: Path, overviews: str, **options: object) -> None:
    """Make a Cloud-Optimized GeoTIFF of a finished raster, with ``overviews`` by this way of resampling.

    Raises
    ------
    OSError, RasterioError, CPLE_BaseError
        The file can't be written (see ``FAILURES``).
    """
    rasterio.shutil.copy(
        source,
        target,
        driver="COG",
        compress="DEFLATE",
        blocksize=2 * BLOCK,
        overview_resampling=overviews,
        **options,
    )


def demand_same(path: Path, values: npt.NDArray[Any]) -> None:
    """Raise OSError where a file does not hold the values (bands, rows, columns) that were written to it."""
    with rasterio.open(path) as source:
        for number, band in enumerate(values, start=1):
            if not np.array_equal(source.read(number), band, equal_nan=values.dtype.kind == "f"):
                raise OSError(errno.ENOSPC, "not all pixels arrived, most likely for want of space")


def demand_whole(path: Path, nodata: float, valid_pixels: int, band: int = 1) -> None:
    """Raise OSError where a band of a file does not hold every pixel that was written.

    GDAL writes when it closes, and rasterio says nothing when that fails, as on a full disk.
    """
    found = 0
    with rasterio.open(path) as source:
        for _, window in source.block_windows(band):
            found += int((source.read(band, window=window) != nodata).sum())
    if found != valid_pixels:
        raise OSError(
            errno.ENOSPC, f"only {found} of {valid_pixels} pixels arrived, most likely for want of space"
        )
