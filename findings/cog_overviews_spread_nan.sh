#!/usr/bin/env bash
# One would guess: where a float raster has NaN as its NoData value, overviews of GDAL's COG driver leave NaN out and
# have about as much of it as the full raster, whatever the resampling.
# What happens: cubic and bilinear give NaN wherever one of the pixels under the kernel is NaN, so that gaps grow from
# level to level; average and nearest do not.
# Why it matters: a map with scattered gaps (clouds, sparse sites) looks almost empty when zoomed out, and statistics or
# legends that software takes from an overview are of a small, unfair remainder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check rasterio==1.4.4 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.transform import from_origin

folder = Path(sys.argv[1])
draw = np.random.default_rng(0)
values = draw.random((1024, 1024)).astype(np.float32)
values[draw.random(values.shape) < 0.05] = np.nan
with rasterio.open(
    folder / "gaps.tif", "w", driver="GTiff", width=1024, height=1024, count=1, dtype="float32", crs="EPSG:32631",
    nodata=np.nan, transform=from_origin(500_000, 5_000_000, 10, 10),
) as target:
    target.write(values, 1)
print(f"rasterio {rasterio.__version__}, GDAL {rasterio.__gdal_version__}")
print(f"NaN at full resolution: {np.isnan(values).mean():.1%}")
found = {}
for name in ("cubic", "bilinear", "average", "nearest"):
    path = folder / f"{name}.tif"
    rasterio.shutil.copy(folder / "gaps.tif", path, driver="COG", BLOCKSIZE=128, OVERVIEW_RESAMPLING=name.upper())
    shares = []
    for level in range(2):
        with rasterio.open(path, overview_level=level) as source:
            shares.append(float(np.isnan(source.read(1)).mean()))
    found[name] = shares
    print(f"{name:9} NaN at 1:2 and 1:4: {shares[0]:.1%}, {shares[1]:.1%}")
assert found["cubic"][0] > 0.3 and found["cubic"][1] > found["cubic"][0], "cubic no longer spreads NaN"
assert found["bilinear"][0] > 0.2, "bilinear no longer spreads NaN"
assert max(found["average"]) < 0.05 and max(found["nearest"]) < 0.07, "average or nearest spread NaN now"
PY
