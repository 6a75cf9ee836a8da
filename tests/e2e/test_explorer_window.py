"""The scale explorer in the real QGIS window: what its panel shows is what the command line says."""

from __future__ import annotations

import os
import re
import shutil
import statistics
from pathlib import Path

import pytest
from qgis_run import DEMO_MODEL, ENGINE, inspected, run, visited
from qgis_run import PICTURES as ALL_PICTURES

PICTURES = ALL_PICTURES / "explorer"
SIZE, SEED = 1024, 11
CLICKS = int(os.environ.get("SCALESCAPE_CLICKS", "30"))  # 200 for the figures of docs/performance.md
COMPARED = 3  # of the clicks, each with a run of the command line
SAME = 1e-4  # beside what rounding to the shown decimals takes
STILL_MS = 400  # of QGIS's event loop; drawing the map in the main thread takes part of it
QUICK_MS = 1000  # on a machine that does other things beside; the figures are printed

pytestmark = pytest.mark.skipif(
    shutil.which("qgis") is None or shutil.which("xvfb-run") is None, reason="needs QGIS and xvfb-run"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("explorer")


@pytest.fixture(scope="module")
def report(folder) -> dict:
    """Return what the script in the window saw; pictures lie in build/e2e/explorer."""
    landscape = folder / "landscape"
    run(*ENGINE, "demo", str(landscape), "--size", str(SIZE), "--seed", str(SEED))
    task = {
        "landscape": str(landscape),
        "model": str(DEMO_MODEL),
        "clicks": CLICKS,
        "out": str(folder / "maps"),
    }
    return visited("explorer_script.py", task, folder, PICTURES, "1280x800")


def inputs(folder: Path) -> list[str]:
    """Return the rasters, as the command line takes them."""
    return [f"--input={name}={folder / 'landscape' / name}.tif" for name in ("satellite", "bioclim")]


def number(text: str) -> tuple[float, float]:
    """Return a number that is shown, and by how much its rounding may have changed it."""
    decimals = len(text.partition(".")[2])
    return float(text), 0.5 * 10**-decimals


@pytest.mark.parametrize("place", range(COMPARED))
def test_the_panel_shows_what_the_command_line_says(report, folder, place):
    click = report["clicks"][place]
    told = inspected(DEMO_MODEL, inputs(folder), click["at"])
    assert told["species"] in click["headline"]
    shown, rounded = number(re.search(r">(\d\.\d+)<", click["headline"])[1])
    assert abs(shown - told["probability"]) <= rounded + SAME
    assert len(click["bars"]) == len(told["contributions"]) == click["windows"]
    for part in told["contributions"]:
        shown, rounded = number(click["bars"][f"{part['modality']} {part['scale']}"])
        assert abs(shown - part["value"]) <= rounded + SAME
    assert [name for name, _ in click["top"]] == [one["species"] for one in told["top"]]
    for (_, text), one in zip(click["top"], told["top"], strict=True):
        shown, rounded = number(text)
        assert abs(shown - one["probability"]) <= rounded + SAME


def test_clicks_are_answered_soon(report):
    times = sorted(report["times_ms"])
    assert len(times) == CLICKS
    median, p95 = statistics.median(times), times[round(0.95 * (len(times) - 1))]
    print(f"\nfrom click to panel, {CLICKS} clicks: median {median:.0f} ms, 95th percentile {p95:.0f} ms, "
          f"the first {report['first_ms']:.0f} ms")  # fmt: skip
    assert p95 < QUICK_MS


def test_every_scale_has_a_picture_and_a_window(report):
    for click in report["clicks"]:
        assert click["windows"] == 5 and click["pictures"] == 7


def test_a_drag_is_followed_and_ends_where_the_pointer_is(report):
    assert report["drag"]["answers"] >= 2
    assert report["drag"]["last"] < 1e-6


def test_a_drag_while_effects_are_mapped_is_answered_and_nothing_stands_still(report):
    drag = report["drag_while_mapping"]
    times = sorted(drag["times_ms"])
    print(f"\nwhile effects are mapped: {len(times)} answers to {drag['moves']} moves, median "
          f"{statistics.median(times):.0f} ms, slowest {times[-1]:.0f} ms; the window's longest gap "
          f"{drag['longest_gap_ms']:.0f} ms")  # fmt: skip
    assert drag["while_running"] >= 10, "the map was there too soon to say anything"
    assert len(times) >= 5 and times[-1] < QUICK_MS
    assert drag["longest_gap_ms"] < STILL_MS
    assert drag["last"] < 1e-6


def test_pins_stand_side_by_side_and_are_copied(report):
    assert report["pins"] == 2
    lines = report["copied"].splitlines()
    assert len(lines) == 1 + 2 * 5 and lines[0].startswith("point\tx\ty")
    assert len({line.split("\t")[4] for line in lines[1:]}) == 1, "points are compared for one species"
    assert "experiment" in report["off_note"]


def test_outside_the_rasters_the_engine_s_sentence_is_shown_and_no_window(report):
    assert "lies outside the rasters" in report["outside"]
    assert report["outside_windows"] == 0


def test_effects_become_one_group(report):
    assert report["effects"][0] == "success" and "Stop" in report["stop_offered"]
    parts = report["effect_parts"]
    assert [len(names) for names in parts.values()] == [2, 5, 5]
    assert parts["Dominant scale"] == ["Faded: small margin", "Dominant scale"]


def test_the_profile_says_what_the_model_relies_on(report):
    profile = report["profile"]
    assert "One model gives no uncertainty" in profile["note"] and "Relies most on" in profile["note"]
    shares = [float(row[3].split()[0]) for row in profile["rows"]]
    assert len(shares) == 5 and abs(sum(shares) - 100) < 0.3


def test_the_tool_is_on_with_its_panel_and_nothing_is_left_without_it(report):
    assert report["was_hidden"] and report["tool_is_on"] and report["tool_is_off"]
    assert report["left_marks"] == 0
