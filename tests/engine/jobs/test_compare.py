"""Two maps of one species: differences and changes as a plain loop has them, or a reason why not."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine
from scalescape.engine.cli import cli
from scalescape.engine.jobs.compare_job import run_compare
from scalescape.engine.protocol import CompareJob
from scalescape.engine.rasters.cell_area import cell_areas
from scalescape.engine.rasters.lattice import Tile
from scalescape.engine.running.progress import Monitor

NODATA = -9999


def written(path: Path, values: np.ndarray, size: float = 100, **tags: str) -> Path:
    """A map of Fagus with a threshold, whose upper left corner is (``corner``, in pixels) off the others'."""
    shift = tags.pop("corner", "0,0")
    right, down = (float(one) for one in shift.split(","))
    write_raster(path, values[None], size, nodata=NODATA, corner=(LEFT + right * size, TOP - down * size))
    mine = {"SPECIES": "Fagus", "QUANTITY": "favourability", "THRESHOLDS": '{"largest TSS": 0.4}', **tags}
    with rasterio.open(path, "r+") as target:
        target.update_tags(**mine)
    return path


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    draw = np.random.default_rng(3)
    before, after = draw.uniform(0, 1, (2, 40, 50)).astype(np.float32)
    before[:5, :5] = NODATA
    after[10:12, 10:20] = NODATA
    thresholds = '{"largest TSS": 0.6}'
    return (
        written(tmp_path / "before.tif", before),
        written(tmp_path / "after.tif", after, corner="8,-3", THRESHOLDS=thresholds),
    )


def test_difference_and_change_are_those_of_a_plain_loop(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = run_compare(CompareJob(str(pair[0]), str(pair[1]), str(tmp_path / "out")), Monitor())
    with rasterio.open(pair[0]) as source:
        before = source.read(1, masked=True)
    with rasterio.open(pair[1]) as source:
        after = source.read(1, masked=True)
    with rasterio.open(tmp_path / "out" / "difference.tif") as source:
        difference, transform = source.read(1, masked=True), source.transform
    with rasterio.open(tmp_path / "out" / "change.tif") as source:
        change, tags = source.read(1), source.tags()
    assert difference.shape == (37, 42) and (transform.c, transform.f) == (LEFT + 800, TOP)
    grid = GeoBox((37, 42), Affine(100, 0, LEFT + 800, 0, -100, TOP), CRS("EPSG:32631"))
    areas = cell_areas(grid, Tile(slice(0, 37), slice(0, 42)))
    names = {number: tags[f"CATEGORY_{number}"] for number in (1, 2, 3, 4)}
    wanted = dict.fromkeys(names.values(), 0.0)
    for row in range(37):
        for column in range(42):
            was, now = before[row, column + 8], after[row + 3, column]
            if was is np.ma.masked or now is np.ma.masked:
                assert change[row, column] == 0 and difference[row, column] is np.ma.masked
                continue
            assert difference[row, column] == pytest.approx(now - was, abs=1e-7)
            words = {
                (True, True): "stable present", (True, False): "loss",
                (False, True): "gain", (False, False): "stable absent",
            }  # fmt: skip
            word = words[bool(was >= np.float32(0.4)), bool(now >= np.float32(0.6))]
            assert names[change[row, column]] == word
            wanted[word] += areas[row, column]
    assert result.km2 == pytest.approx(wanted)
    assert min(wanted.values()) > 0
    mean = float((difference * areas).sum() / areas[~difference.mask].sum())
    assert result.mean_difference == pytest.approx(mean, abs=1e-6)
    assert any("two thresholds" in note for note in result.warnings)
    with (tmp_path / "out" / "compare.csv").open(encoding="utf-8") as stream:
        assert {row["change"]: float(row["km2"]) for row in csv.DictReader(stream)} == result.km2
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["thresholds"] == [0.4, 0.6]


def test_a_map_compared_with_itself_is_stable(pair: tuple[Path, Path], tmp_path: Path) -> None:
    job = CompareJob(str(pair[0]), str(pair[0]), str(tmp_path / "out"), threshold="0.5")
    result = run_compare(job, Monitor())
    assert result.km2["gain"] == result.km2["loss"] == result.mean_difference == 0
    assert (result.threshold_before, result.threshold_after, result.rule) == (0.5, 0.5, "given")
    assert not result.warnings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"SPECIES": "Quercus"}, "a map of Fagus and .* one of Quercus"),
        ({"QUANTITY": "relative suitability"}, "no common scale"),
        ({"QUANTITY": "contribution"}, "is a map of contribution"),
        ({"size": 50}, "pixels of 100 × 100 and of 50 × 50"),
        ({"corner": "0.5,0"}, "shifted by part of a pixel"),
        ({"corner": "500,0"}, "share no pixel"),
        ({"THRESHOLDS": "{}"}, "no threshold by the rule largest-tss"),
    ],
)
def test_maps_that_do_not_compare_are_refused(
    pair: tuple[Path, Path], tmp_path: Path, options: dict[str, object], message: str
) -> None:
    other = written(tmp_path / "other.tif", np.ones((40, 50), np.float32), **options)
    told = CliRunner().invoke(cli, ["compare", str(pair[0]), str(other), "--out", str(tmp_path / "out")])
    assert told.exit_code == 2, told.output
    assert re.search(message, told.stderr) and len(told.stderr.strip().splitlines()) == 1
    assert not list((tmp_path / "out").glob("*"))
