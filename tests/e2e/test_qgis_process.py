"""The Processing algorithms in ``qgis_process``: the map of the command line, and a sentence for bad input."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from qgis_processing import ENGINE, MODEL, QGIS_PROCESS, layers, process, sentence, values, write_landscape
from rasterio.transform import Affine
from unusable_raster import CORNER, CRS, FAR, noise_raster

STEP = 16

pytestmark = pytest.mark.skipif(QGIS_PROCESS is None, reason="needs qgis_process")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a QGIS profile and a landscape."""
    folder = tmp_path_factory.mktemp("processing")
    write_landscape(folder)
    return folder


def test_the_map_is_that_of_the_command_line(place: Path) -> None:
    out = place / "maps"
    done = process(place, "map", f"MODEL={MODEL}", *layers(place), f"STEP={STEP}", f"OUTPUT={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    inputs = [f"--input={n}={place / 'landscape' / n}.tif" for n in ("satellite", "bioclim")]
    subprocess.run(
        [*ENGINE, "map", str(MODEL), *inputs, "--out", str(place / "cli"), "--step", str(STEP)], check=True
    )
    files = sorted(out.glob("*.tif"))
    assert [file.name for file in files] == sorted(file.name for file in (place / "cli").glob("*.tif"))
    assert len(files) > 12 and out / "novelty.tif" in files, "a map a species, and novelty by default"
    for file in files:
        with rasterio.open(file) as ours, rasterio.open(place / "cli" / file.name) as theirs:
            assert ours.transform == theirs.transform
            np.testing.assert_allclose(ours.read(1), theirs.read(1), atol=1e-5)


def test_mask_blend_and_verify_are_those_of_the_command_line(place: Path) -> None:
    scene = place / "landscape" / "satellite.tif"
    with rasterio.open(scene) as raster:
        left, bottom, right, top = raster.bounds
        crs = raster.crs.to_string()
    middle, centre = (left + right) / 2, (bottom + top) / 2
    ring = [[left, bottom], [right, bottom], [middle, top], [left, bottom]]
    hole = [[middle + a, centre + b] for a, b in ((0, 0), (400, 0), (0, 400), (0, 0))]
    polygons = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": crs}},
        "features": [
            {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring, hole]}}
        ],
    }
    mask = place / "reserve.geojson"
    mask.write_text(json.dumps(polygons))
    out = place / "masked"
    how = ("BLEND=true", "VERIFY=20", "PRECISION=float32", "METHOD=dense")
    done = process(
        place, "map", f"MODEL={MODEL}", *layers(place), f"MASK={mask}", *how, f"STEP={STEP}", f"OUTPUT={out}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pixels checked window by window, largest difference" in done.stdout
    inputs = [f"--input={n}={place / 'landscape' / n}.tif" for n in ("satellite", "bioclim")]
    options = ["--blend", "--verify", "20", "--precision", "float32", "--method", "dense"]
    subprocess.run(
        [*ENGINE, "map", str(MODEL), *inputs, "--out", str(place / "cli-masked"), "--step", str(STEP),
         "--mask", str(mask), *options],
        check=True,
    )  # fmt: skip
    files = sorted(out.glob("*.tif"))
    assert len(files) > 12
    for file in files:
        names = (file, place / "cli-masked" / file.name, place / "maps" / file.name)
        ours, theirs, plain = (values(one) for one in names)
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
        assert np.isnan(ours).sum() > np.isnan(plain).sum(), "the polygons cut the map"
    assert not np.allclose(ours, plain, equal_nan=True)


def test_an_estimate_is_that_of_the_command_line_and_writes_nothing(place: Path) -> None:
    done = process(place, "map", f"MODEL={MODEL}", *layers(place), f"STEP={STEP}", "ESTIMATE=true")
    assert done.returncode == 0, done.stdout + done.stderr
    inputs = [f"--input={n}={place / 'landscape' / n}.tif" for n in ("satellite", "bioclim")]
    command = [*ENGINE, "map", str(MODEL), *inputs, "--out", str(place / "no"), "--step", str(STEP)]
    told = subprocess.run([*command, "--estimate", "--json"], check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^(\w+):\s+([\d.e+-]+)$", done.stdout, re.MULTILINE))
    for name in ("width", "height", "memory_bytes", "disk_bytes"):
        assert float(found[name.upper()]) == json.loads(told)[name]
    assert float(found["SECONDS"]) > 0 and not (place / "no").exists()


def given(place: Path, satellite: object, bioclim: object = None) -> str:
    climate = bioclim or place / "landscape" / "bioclim.tif"
    return f"INPUTS=satellite={satellite}\nbioclim={climate}"


def bad_inputs(place: Path) -> dict[str, tuple[list[str], str]]:
    scene, climate = (place / "landscape" / f"{name}.tif" for name in ("satellite", "bioclim"))
    bad = place / "bad"
    bad.mkdir(exist_ok=True)
    far = noise_raster(bad / "far.tif", (2, 30, 30), FAR, CRS)
    naked = noise_raster(bad / "naked.tif", (4, 300, 300), CORNER, None)
    turned = noise_raster(bad / "turned.tif", (4, 300, 300), CORNER @ Affine.rotation(15), CRS)
    dot = noise_raster(bad / "dot.tif", (4, 1, 1), CORNER, CRS)
    (bad / "file").write_text("in the way")
    good = layers(place)
    return {
        "missing band": ([given(place, f"{scene}#1,2,3")], "needs 4 bands"),
        "swapped files": ([given(place, climate, scene)], "swap the files"),
        "no overlap": ([given(place, scene, far)], "does not overlap"),
        "no CRS": ([given(place, naked)], "no coordinate system"),
        "rotated": ([given(place, turned)], "rotated"),
        "one pixel": ([given(place, dot)], "1 × 1 pixels"),
        "extent outside": ([*good, "EXTENT=0,1000,0,1000 [EPSG:32632]"], "holds no pixel"),
        "unwritable folder": ([*good, f"OUTPUT={bad / 'file'}"], "can't be written"),
        "unknown species": ([*good, "SPECIES=Bufo bufo"], "Bufo bufo"),
        "all scales off": ([*good, "SCALES=satellite=none;bioclim=none"], "All scales are"),
        "picture service": ([given(place, "type=xyz&url=https://tile.example/{z}/{x}/{y}.png")], "picture"),
    }


CASES = (
    "missing band", "swapped files", "no overlap", "no CRS", "rotated", "one pixel", "extent outside",
    "unwritable folder", "unknown species", "all scales off", "picture service",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gets_its_sentence(place: Path, case: str) -> None:
    parameters, wanted = bad_inputs(place)[case]
    if not any(one.startswith("OUTPUT=") for one in parameters):
        parameters = [*parameters, f"OUTPUT={place / 'never'}"]
    done = process(place, "map", f"MODEL={MODEL}", "STEP=16", *parameters)
    assert wanted in sentence(done)


@pytest.mark.parametrize(
    ("python", "wanted"), [("/nowhere/python", "/nowhere/python"), ("/usr/bin/python3", "lacks the package")]
)
def test_a_python_that_cannot_be_the_engines_gets_its_sentence(place: Path, python: str, wanted: str) -> None:
    done = process(
        place, "map", f"MODEL={MODEL}", *layers(place), f"OUTPUT={place / 'never'}", SCALESCAPE_PYTHON=python
    )
    assert wanted in sentence(done)
