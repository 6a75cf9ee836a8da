#!/usr/bin/env bash
# One would guess: a raster that has both a NoData value and a mask band (internal or .msk) is invalid wherever either
# says so.
# What happens: the mask band alone decides. read_masks, dataset_mask and read(masked=True) of rasterio, like GDAL's own
# mask band, give pixels that hold the declared NoData value as valid.
# Why it matters: a tool that adds a mask of clouds or of a study area to a raster with a NoData value turns the old
# NoData, often -9999, into data. Means, models and maps take it for a measurement.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check rasterio==1.4.4 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/masked.tif" <<'PY'
import sys

import numpy as np
import rasterio
from rasterio.transform import from_origin

path = sys.argv[1]
values, mask = np.full((64, 64), 10, np.float32), np.full((64, 64), 255, np.uint8)
values[:8], mask[-8:] = -9999, 0
with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
    path, "w", driver="GTiff", width=64, height=64, count=1, dtype="float32", crs="EPSG:3857", nodata=-9999,
    transform=from_origin(0, 64, 1, 1),
) as target:
    target.write(values, 1)
    target.write_mask(mask)
with rasterio.open(path) as source:
    read = source.read(1, masked=True)
    print(f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}; NoData {source.nodata}")
    print(f"pixels of NoData value {int((values == -9999).sum())}, masked by hand {int((mask == 0).sum())}")
    print(f"masked on reading {int(read.mask.sum())}; smallest valid value {read.min()}")
    assert source.nodata == -9999 and int(read.mask.sum()) == int((mask == 0).sum()), "the finding no longer holds"
    assert read.min() == -9999 and (source.dataset_mask() == mask).all(), "the finding no longer holds"
PY
