"""Several sets of inputs: each map as its own run would give it, and what was held at today."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from scalescape.engine.cli import cli
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.scenarios_job import run_scenarios
from scalescape.engine.protocol import (
    MapJob,
    Progress,
    RasterInput,
    Scenario,
    ScenariosJob,
    job_from_params,
    to_params,
)
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor


def warmer(job: MapJob, path: Path) -> RasterInput:
    file = next(one.file for one in job.inputs if one.modality == "bioclim")
    with rasterio.open(file) as source, rasterio.open(path, "w", **source.profile) as target:
        target.write(source.read() + np.float32(0.7))
        target.descriptions = source.descriptions
    return RasterInput("bioclim", str(path))


def test_each_scenario_is_a_run_of_its_own(job: MapJob, tmp_path: Path) -> None:
    warm = warmer(job, tmp_path / "warm.tif")
    today = next(one for one in job.inputs if one.modality == "bioclim")
    scenarios = (Scenario("Today", (today,), "2020-01-01"), Scenario("In 2050", (warm,), "2050-01-01"))
    common = tuple(one for one in job.inputs if one.modality != "bioclim")
    several = ScenariosJob(**{**vars(job), "inputs": common, "scenarios": scenarios})
    assert job_from_params(ScenariosJob, to_params(several)) == several
    result = run_scenarios(several, Monitor())
    assert [Path(one.folder).name for one in result.scenarios] == ["today", "in_2050"]
    for one, clim in zip(result.scenarios, (today, warm), strict=True):
        alone = replace(job, inputs=(*common, clim), out=str(tmp_path / "alone"))
        run_map(alone, Monitor())
        for name in ("species_0", "species_2"):
            with (
                rasterio.open(Path(one.folder) / f"{name}.tif") as mine,
                rasterio.open(Path(alone.out) / f"{name}.tif") as other,
            ):
                np.testing.assert_array_equal(mine.read(), other.read())
                tags = mine.tags()
        assert (tags["SCENARIO"], tags["DATE"]) == (one.name, one.date)
        assert tags["HELD"] == "satellite held at today" and one.held == ("satellite",)
    record = json.loads((Path(job.out) / "scenarios.json").read_text())
    assert [one["name"] for one in record["scenarios"]] == ["Today", "In 2050"]


def several(job: MapJob, *climates: RasterInput, **fields: object) -> ScenariosJob:
    """A job with one scenario for each climate: A, B and so on."""
    common = tuple(one for one in job.inputs if one.modality != "bioclim")
    scenarios = tuple(Scenario(chr(65 + number), (one,)) for number, one in enumerate(climates))
    return ScenariosJob(**{**vars(job), "inputs": common, "scenarios": scenarios, **fields})


def climate_of(job: MapJob) -> RasterInput:
    return next(one for one in job.inputs if one.modality == "bioclim")


def test_what_is_wrong_with_any_scenario_is_said_before_the_first_is_mapped(
    job: MapJob, tmp_path: Path
) -> None:
    none = RasterInput("bioclim", str(tmp_path / "none.tif"))
    with pytest.raises(InputError, match=r"Scenario B: .*none\.tif can't be opened"):
        run_scenarios(several(job, climate_of(job), none), Monitor())
    with pytest.raises(InputError, match="Scenario A: .*neither a number nor a rule"):
        run_scenarios(several(job, climate_of(job), threshold="most", products=("binary",)), Monitor())
    assert not Path(job.out).exists() and not list(tmp_path.glob("*.partial"))


def test_progress_is_that_of_all_scenarios(job: MapJob, tmp_path: Path) -> None:
    told: list[Progress] = []
    run_scenarios(several(job, climate_of(job), warmer(job, tmp_path / "warm.tif")), Monitor(told.append))
    done = [one.done / one.total for one in told]
    assert {one.phase for one in told} == {"mapping scenarios"} and {one.total for one in told} == {2000}
    assert done == sorted(done) and (done[0], done[-1]) == (0, 1)
    assert any(0.3 < share < 0.5 for share in done), "while the first is mapped"
    assert [one.detail for one in told if "checking" in one.detail] == ["A: checking", "B: checking"]


def test_a_cancelled_job_keeps_the_scenarios_that_are_done(job: MapJob, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.detail == "B: mapping":
            monitor.cancel()

    monitor = Monitor(stop)
    with pytest.raises(Cancelled):
        run_scenarios(several(job, climate_of(job), warmer(job, tmp_path / "warm.tif")), monitor)
    assert {path.parent.name for path in Path(job.out).rglob("*.tif")} == {"a"}


def test_scenarios_on_the_command_line(job: MapJob, tmp_path: Path) -> None:
    warm = warmer(job, tmp_path / "warm.tif")
    inputs = [f"--input={one.modality}={one.file}" for one in job.inputs]
    mapping = ["map", job.model, *inputs, "--step", "8", "--products", "probability", "--out", job.out]
    told = CliRunner().invoke(cli, [*mapping, "--scenario", f"2050@2050-01-01:bioclim={warm.file}", "--json"])
    assert told.exit_code == 0, told.output
    (found,) = json.loads(told.stdout)["scenarios"]
    assert found["held"] == ["satellite"] and Path(found["files"][0]).is_file()
    cases = [
        (["--scenario", "2050"], "is not NAME"),
        (["--scenario", "2050@soon:bioclim=x.tif"], "date 'soon' of scenario 2050"),
        (["--scenario", "a:bioclim=none.tif"], "Scenario a: .*none.tif can't be opened"),
        (["--scenario", f"a:bioclim={warm.file}"] * 2, "Two scenarios are called 'a'"),
    ]
    for options, message in cases:
        told = CliRunner().invoke(cli, [*mapping, *options])
        assert told.exit_code == 2, (options, told.output)
        assert re.search(message, told.stderr), told.stderr
