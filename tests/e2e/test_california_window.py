"""The explorer on the real California model in the real QGIS window: rasters, windows and words are right."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from qgis_run import PICTURES, ROOT, inspected, visited

MODEL = ROOT / "models" / "zoo" / "california.safetensors"
BANDS = tuple(
    f"ca-{what}-{how}.tif"
    for what in ("cloudcover", "leafareaindex", "surfacetemp")
    for how in ("mean", "stdv")
)
CELL_M = {"climate": 1890.0, "modis": 1000.0}

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        shutil.which("qgis") is None or shutil.which("xvfb-run") is None, reason="needs QGIS and xvfb-run"
    ),
    pytest.mark.skipif(not os.environ.get("SCALESCAPE_TEST_DATA"), reason="SCALESCAPE_TEST_DATA is not set"),
]


@pytest.fixture(scope="module")
def data() -> Path:
    return Path(os.environ["SCALESCAPE_TEST_DATA"]).absolute() / "california"


@pytest.fixture(scope="module")
def report(data, tmp_path_factory) -> dict:
    """Return what the script in the window saw; pictures lie in build/e2e/california."""
    task = {"data": str(data), "model": str(MODEL)}
    folder = tmp_path_factory.mktemp("california")
    return visited("california_script.py", task, folder, PICTURES / "california", "1280x860")


def inputs(data: Path) -> list[str]:
    """Return the rasters, as the command line takes them."""
    modis = [f"--input=modis={data / 'modis' / file}" for file in BANDS]
    return [f"--input=climate={data / 'climate_pc.tif'}", *modis]


def test_the_panel_shows_what_the_command_line_says(report, data):
    place = report["places"]["coast"]
    told = inspected(MODEL, inputs(data), place["at"])
    assert told["species"] in place["headline"]
    shown = float(re.search(r">(\d\.\d+)<", place["headline"])[1])
    assert shown == pytest.approx(told["probability"], abs=6e-4)
    for part in told["contributions"]:
        shown = float(place["bars"][f"{part['modality']} {part['scale']}"])
        assert shown == pytest.approx(part["value"], abs=6e-3)


def test_windows_are_as_wide_as_their_cells_on_the_map(report):
    """Climate cells lie turned in the map's CRS, so that the box around a window is a little wider."""
    for name in ("coast", "sierra"):
        widths = sorted(report["places"][name]["windows_m"])
        assert len(widths) == 3
        modis, one, five = widths
        assert modis == pytest.approx(CELL_M["modis"], rel=1e-3)
        assert CELL_M["climate"] <= one <= 1.1 * CELL_M["climate"]
        assert 5 * CELL_M["climate"] <= five <= 1.1 * 5 * CELL_M["climate"]


def test_all_bands_are_found_and_what_lies_beyond_a_raster_is_told_apart(report):
    assert [text.count("✓") for text in report["matched"].values()] == [4, 6]
    assert "margin lost: 4 km (climate)" in report["margin"], "two cells of 1.89 km, slightly turned"
    (said,) = [one for one in report["cautions"] if "ends inside the map" in one]
    assert "22 % of it stays empty" in said and re.search(r"1[78]\d km in the east", said)


def test_a_place_without_values_says_so_and_has_no_window(report):
    place = report["places"]["ocean"]
    assert "no value" in place["note"] and not place["windows_m"] and not place["captions"]
