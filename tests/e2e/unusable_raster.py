"""Rasters of noise, for whatever is wrong with their grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import Affine

CORNER = Affine(10, 0, 480_000, 0, -10, 5_200_000)  # the demo landscape's corner
FAR = Affine(1000, 0, 900_000, 0, -1000, 5_200_000)
CRS = "EPSG:32632"


def noise_raster(path: Path, shape: tuple[int, int, int], transform: Affine, crs: str | None) -> Path:
    """Write (bands, rows, columns) of noise and return the path."""
    values = np.random.default_rng(0).integers(300, 1500, shape).astype(np.uint16)
    with rasterio.open(
        path, "w", driver="GTiff", count=shape[0], height=shape[1], width=shape[2], dtype="uint16",
        transform=transform, crs=crs,
    ) as target:  # fmt: skip
        target.write(values)
    return path
