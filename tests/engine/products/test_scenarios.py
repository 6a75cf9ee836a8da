"""Several sets of inputs: each map as its own run would give it, and what was held at today."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
from click.testing import CliRunner
from scalescape.engine.cli import cli
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.scenarios_job import run_scenarios
from scalescape.engine.progress import Monitor
from scalescape.engine.protocol import MapJob, RasterInput, Scenario, ScenariosJob, job_from_params, to_params


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
