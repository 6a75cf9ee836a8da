"""Several demo landscapes side by side in one set of files, to train on all of them by one config."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from .climate import MARGIN_CELLS, VARIABLES
from .landscape import CRS, LEFT, PIXEL_M, PIXELS_PER_CELL, TOP, Landscape
from .scene import BANDS, UNIT
from .sites import LATTICE_PX, presence_only_sites
from .training_scene import FINE, SCALES
from .virtual_species import SPECIES

ACROSS = 4  # landscapes in a row
SPACING_CELLS = 48  # between the same corner of two landscapes; their sites then lie on one lattice
SPACING_PX = SPACING_CELLS * PIXELS_PER_CELL
REACH_PX = max(SCALES[FINE]) // 2
BLOCK_PX = 256


def write_atlas(landscapes: Iterable[Landscape], count: int, folder: Path) -> None:
    """Write rasters, ``sites_po.csv`` and ``area.gpkg`` of ``count`` landscapes of one size.

    Between landscapes there is NoData, wider than any window. The area is where the windows of all scales lie
    inside a landscape; records elsewhere are left out.
    """
    if SPACING_PX % LATTICE_PX:
        raise ValueError("the landscapes' lattices do not meet")
    folder.mkdir(parents=True, exist_ok=True)
    down = -(-count // ACROSS)
    left, top = LEFT, TOP + (down - 1) * SPACING_PX * PIXEL_M
    climate = tuple((variable.name, variable.unit) for variable in VARIABLES)
    colours = tuple((name, UNIT) for name in BANDS)
    with ExitStack() as stack:
        satellite = stack.enter_context(
            _raster(folder / "satellite.tif", colours, "uint16", 0, PIXEL_M, left, top, down, SPACING_PX)
        )
        cell_m = PIXEL_M * PIXELS_PER_CELL
        outer = left - MARGIN_CELLS * cell_m, top + MARGIN_CELLS * cell_m
        bioclim = stack.enter_context(
            _raster(folder / "bioclim.tif", climate, "float32", -9999, cell_m, *outer, down, SPACING_CELLS)
        )
        table = csv.writer(
            stack.enter_context((folder / "sites_po.csv").open("w", newline="", encoding="utf-8")),
            lineterminator="\n",
        )
        table.writerow(["species", "x", "y"])
        squares = []
        for number, landscape in enumerate(landscapes):
            row, column = divmod(number, ACROSS)
            for file, values, spacing in (
                (satellite, landscape.satellite, SPACING_PX),
                (bioclim, landscape.bioclim, SPACING_CELLS),
            ):
                file.write(
                    values, window=Window(column * spacing, row * spacing, values.shape[2], values.shape[1])
                )
            sites = presence_only_sites(landscape)
            x = left + (column * SPACING_PX + sites.columns + 0.5) * PIXEL_M
            y = top - (row * SPACING_PX + sites.rows + 0.5) * PIXEL_M
            corner = left + column * SPACING_PX * PIXEL_M, top - row * SPACING_PX * PIXEL_M
            near, far = REACH_PX * PIXEL_M, (landscape.size - REACH_PX) * PIXEL_M
            square = shapely.box(corner[0] + near, corner[1] - far, corner[0] + far, corner[1] - near)
            squares.append(square)
            whole = shapely.intersects_xy(square, x, y)
            for site, species in zip(*(sites.seen & whole[:, None]).nonzero(), strict=True):
                table.writerow([SPECIES[species].name, x[site], y[site]])
    shapes = shapely.to_wkb(np.array(squares))
    pyogrio.raw.write(folder / "area.gpkg", shapes, [], [], geometry_type="Polygon", crs=CRS, driver="GPKG")


@contextmanager
def _raster(
    path: Path,
    bands: tuple[tuple[str, str], ...],
    dtype: str,
    nodata: float,
    pixel: float,
    left: float,
    top: float,
    down: int,
    spacing: int,
) -> Iterator[Any]:
    """Open a GeoTIFF that holds all landscapes; what is not written stays NoData and takes no room."""
    margin = 2 * MARGIN_CELLS if dtype == "float32" else 0
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=ACROSS * spacing + margin,
        height=down * spacing + margin,
        count=len(bands),
        dtype=dtype,
        nodata=nodata,
        crs=CRS,
        transform=Affine(pixel, 0, left, 0, -pixel, top),
        tiled=True,
        blockxsize=BLOCK_PX,
        blockysize=BLOCK_PX,
        compress="deflate",
        sparse_ok=True,
    ) as raster:
        raster.descriptions = tuple(name for name, _ in bands)
        raster.units = tuple(unit for _, unit in bands)
        yield raster
