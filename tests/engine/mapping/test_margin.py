"""What is said to stay empty along a map's edge is what the map leaves empty."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.mapping.plan import planned
from scalescape.engine.protocol import CheckJob, MapJob, RasterInput
from scalescape.engine.running.progress import Monitor

SIDES = ("west", "east", "north", "south")


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"))


def with_climate(
    job: MapJob, folder: Path, shape: tuple[int, int], size: float, corner: tuple[float, float], crs: str
) -> MapJob:
    values = np.full((2, *shape), 10, np.float32)
    file = write_raster(folder / "c.tif", values, size, crs=crs, corner=corner, names=["bio1", "bio12"])
    return replace(job, inputs=(job.inputs[0], RasterInput("bioclim", str(file))))


def empty(job: MapJob) -> tuple[dict[str, int], float]:
    """Pixels without a value at the ends of the map's middle row and column, by side, and the map's share."""
    with rasterio.open(run_map(job, Monitor()).files[0]) as raster:
        held = raster.read(1) >= 0
    row, column = held[(held.shape[0] - 1) // 2], held[:, (held.shape[1] - 1) // 2]
    strips = [np.argmax(line) for line in (row, row[::-1], column, column[::-1])]
    return dict(zip(SIDES, (int(one) for one in strips), strict=True)), 1 - float(held.mean())


CLIMATES = {
    "reaches far beyond": ((20, 20), 200.0, (LEFT - 1480, TOP + 1530), "EPSG:32631"),
    "ends with the scene": ((5, 5), 200.0, (LEFT, TOP), "EPSG:32631"),
    "ends in the east": ((20, 11), 200.0, (LEFT - 1480, TOP + 1530), "EPSG:32631"),
    "ends in the west and the south": ((11, 20), 200.0, (LEFT + 110, TOP + 1530), "EPSG:32631"),
    "another CRS": ((9, 9), 200.0, (27_400.0, 5_018_100.0), "EPSG:32632"),
    "another pixel size, warped": ((30, 15), 130.0, (LEFT - 1310, TOP + 1370), "EPSG:32631"),
}


@pytest.mark.parametrize("climate", CLIMATES)
def test_strips_and_shares_are_those_of_the_map(job: MapJob, tmp_path: Path, climate: str) -> None:
    job = with_climate(job, tmp_path, *CLIMATES[climate])
    beyond, share = empty(replace(job, edge="fill", out=str(tmp_path / "fill")))
    lost, _ = empty(job)
    cost = max(lost[side] - beyond[side] for side in SIDES)
    with planned(job) as plan:
        margin = plan.margin
        sides = margin.ends["bioclim"].sides_m if margin.ends else {}
        assert margin.ends.keys() <= {"bioclim"}
        assert (margin.ends["bioclim"].share if margin.ends else 0) == pytest.approx(share, abs=0.02)
    assert {side: metres / 10 for side, metres in sides.items()} == pytest.approx(
        {side: strip for side, strip in beyond.items() if strip}, rel=2e-3
    )
    assert margin.windows_m == pytest.approx(10 * cost, rel=2e-3)
    assert margin.modality == ("satellite" if cost == 31 // 2 else "bioclim")


def test_the_parametrised_climates_end_where_they_say(job: MapJob, tmp_path: Path) -> None:
    """Or else the test above would compare nothing with nothing."""
    found = {}
    for name, climate in CLIMATES.items():
        strips, _ = empty(replace(with_climate(job, tmp_path, *climate), edge="fill"))
        found[name] = {side for side, strip in strips.items() if strip}
    assert found["ends in the east"] == {"east"}
    assert found["ends in the west and the south"] == {"west", "south"}
    assert found["another CRS"] and found["another pixel size, warped"]


def test_a_raster_that_ends_inside_the_map_is_told(job: MapJob, tmp_path: Path) -> None:
    short = with_climate(job, tmp_path, *CLIMATES["ends in the east"])
    result = run_check(CheckJob(**vars(short)))
    (told,) = [one for one in result.warnings if one.kind == "reach"]
    assert (told.modality, told.blocking) == ("bioclim", False)
    assert "c.tif ends inside the map: 28 % of it stays empty, 280 m in the east." in told.message
    assert not [one for one in run_check(CheckJob(**vars(job))).warnings if one.kind == "reach"]


def test_an_extent_inside_the_rasters_loses_nothing(job: MapJob) -> None:
    inside = replace(job, extent=(LEFT + 300, TOP - 600, LEFT + 600, TOP - 300))
    whole, part = run_check(CheckJob(**vars(job))), run_check(CheckJob(**vars(inside)))
    assert whole.margin_m == pytest.approx(150, rel=1e-3) and whole.margin_modality == "satellite"
    assert (part.margin_m, part.margin_modality) == (0, "")
    assert run_check(CheckJob(**vars(replace(job, edge="fill")))).margin_m == 0
