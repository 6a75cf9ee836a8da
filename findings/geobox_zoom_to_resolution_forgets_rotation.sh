#!/usr/bin/env bash
# One would guess: GeoBox.zoom_to(resolution=...) of odc-geo changes the pixel size of a grid and keeps its orientation,
# as zoom_to(shape) and zoom_out do.
# What happens: for a rotated grid zoom_to(resolution=...) returns a north-up grid over the bounding box; zoom_out and
# zoom_to of a shape keep the rotation.
# Why it matters: rasters in the geometry of a sensor or of a plot are rotated. Coarsening their grid by resolution gives
# a grid whose pixels no longer nest in the old ones, larger than the raster, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check odc-geo==0.5.3 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import odc.geo
from affine import Affine
from odc.geo.geobox import GeoBox

turned = Affine.translation(500_000, 5_000_000) * Affine.rotation(30) * Affine.scale(10, -10)
grid = GeoBox((100, 100), turned, "EPSG:32631")
found = {
    "zoom_to(resolution=20)": grid.zoom_to(resolution=20),
    "zoom_to((50, 50))": grid.zoom_to((50, 50)),
    "zoom_out(2)": grid.zoom_out(2),
}
print(f"odc-geo {odc.geo.__version__}; the grid: {tuple(round(v, 2) for v in grid.affine[:6])}")
for call, one in found.items():
    print(f"{call:24} {one.shape} {tuple(round(v, 2) for v in one.affine[:6])}")
rotated = {call: abs(one.affine.b) > 1 for call, one in found.items()}
expected = {"zoom_to(resolution=20)": False, "zoom_to((50, 50))": True, "zoom_out(2)": True}
assert rotated == expected, "the finding no longer holds"
PY
