#!/usr/bin/env bash
# One would guess: a GeoTIFF with scale and offset opened at an overview level (rasterio's overview_level, GDAL's
# OVERVIEW_LEVEL) has the same scale and offset as at full resolution: the numbers in both are of one kind.
# What happens: the overview says scale 1 and offset 0, while its pixels are still stored numbers that need both.
# Why it matters: a quick look, a histogram or a check of units made from an overview is off by the scale (10 for CHELSA
# temperatures, 10,000 for reflectances), though the same code is right on the full raster.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check rasterio==1.4.4 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/celsius.tif" <<'PY'
import sys

import numpy as np
import rasterio
from rasterio.transform import from_origin

path = sys.argv[1]
with rasterio.open(
    path, "w", driver="GTiff", width=1024, height=1024, count=1, dtype="int16", crs="EPSG:32631", tiled=True,
    transform=from_origin(500_000, 5_000_000, 10, 10),
) as target:
    target.write(np.full((1024, 1024), 153, np.int16), 1)
    target.scales, target.offsets = (0.1,), (5.0,)
with rasterio.open(path, "r+") as target:
    target.build_overviews([2, 4])
with rasterio.open(path) as full, rasterio.open(path, overview_level=0) as coarse:
    print(f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}")
    for name, one in (("full resolution", full), ("overview", coarse)):
        value = one.read(1)[0, 0] * one.scales[0] + one.offsets[0]
        print(f"{name}: stored {one.read(1)[0, 0]}, scale {one.scales[0]}, offset {one.offsets[0]}: {value:.1f}")
    assert (full.scales, full.offsets) == ((0.1,), (5.0,)), "tags were not written: look again"
    assert (coarse.scales, coarse.offsets) == ((1.0,), (0.0,)), "overviews keep scale and offset now"
    assert coarse.read(1)[0, 0] == 153, "overviews hold scaled values now: look again"
PY
