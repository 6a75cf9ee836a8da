"""What a user says of a file, its CRS and NoData, holds in every command, and is in the record of the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from scalescape.engine.cli import cli
from scalescape.engine.protocol import MapJob, MessageError, RasterInput, job_from_params, to_params


def said(*arguments: str) -> dict[str, object]:
    run = CliRunner().invoke(cli, [*arguments, "--json"])
    assert run.exit_code == 0, run.output
    return json.loads(run.stdout)


@pytest.fixture
def wrong(landscape: dict[str, Path], tmp_path: Path) -> dict[str, str]:
    """The landscape with a climate in the wrong zone and holes of 249 to 255 in it, and the right one."""
    with rasterio.open(landscape["bioclim"]) as source:
        values = source.read()
    corner = {"corner": (LEFT - 1480, TOP + 1530), "names": ["bio1", "bio12"]}
    holes = values.copy()
    holes[0, 9, 8:12], holes[1, 10, 8:12] = [249, 250, 255, 7], [0.5, 251, 252.5, 253]
    right = holes.copy()
    right[0, 9, 8:11], right[1, 10, 9:12] = np.nan, np.nan
    return {
        "wrong": str(write_raster(tmp_path / "wrong.tif", holes, 200, crs="EPSG:32632", **corner)),
        "right": str(write_raster(tmp_path / "right.tif", right, 200, **corner)),
        "satellite": str(landscape["satellite"]),
    }


def options(wrong: dict[str, str], which: str) -> list[str]:
    found = [f"--input=satellite={wrong['satellite']}", f"--input=bioclim={wrong[which]}"]
    if which == "wrong":
        file = wrong["wrong"]
        found += [f"--nodata={file}=249", f"--nodata={file}=250..255", f"--file-crs={file}=EPSG:32631"]
    return found


def test_a_map_is_that_of_a_file_which_says_so_itself(
    small_model: Path, wrong: dict[str, str], tmp_path: Path
) -> None:
    maps = []
    for which in ("right", "wrong"):
        out = tmp_path / which
        said("map", str(small_model), *options(wrong, which), "--out", str(out), "--step", "4")
        with rasterio.open(out / "species_0.tif") as source:
            maps.append(source.read(1, masked=True))
    assert maps[0].mask.any() and not maps[0].mask.all()
    np.testing.assert_array_equal(maps[0].filled(9), maps[1].filled(9))
    job = json.loads((tmp_path / "wrong" / "run.json").read_text())["job"]
    assert job["nodata"] == {wrong["wrong"]: [249.0, [250.0, 255.0]]}
    assert job["file_crs"] == {wrong["wrong"]: "EPSG:32631"}
    assert job_from_params(MapJob, {**job, "preview": ""}).nodata == {wrong["wrong"]: (249.0, (250.0, 255.0))}


def test_every_other_command_reads_it_so(small_model: Path, wrong: dict[str, str], tmp_path: Path) -> None:
    at = f"--at={LEFT + 505},{TOP - 730}"
    for command in (
        ["inspect", str(small_model), at], ["profile", str(small_model), "--step=8"],
        ["map", str(small_model), "--estimate"],
    ):  # fmt: skip
        first, second = (said(*command, *options(wrong, which)) for which in ("right", "wrong"))
        assert {**first, "seconds": 0} == {**second, "seconds": 0}, command
    run = CliRunner().invoke(cli, ["card", str(small_model), "--windows", *options(wrong, "wrong")])
    assert run.exit_code == 0, run.output
    name = "--species=Species 0"
    for which in ("right", "wrong"):
        said("effects", str(small_model), name, *options(wrong, which), f"--out={tmp_path / which}", "--step=8")
    for file in (tmp_path / "right").glob("*.tif"):
        with rasterio.open(file) as one, rasterio.open(tmp_path / "wrong" / file.name) as other:
            np.testing.assert_array_equal(one.read(), other.read())


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--nodata={}=a", "FILE=LOW..HIGH"), ("--nodata=x.tif=1", "x.tif, which is no input"),
        ("--file-crs={}", "is not FILE=CRS"), ("--file-crs={}=EPSG:0", "For {} the CRS 'EPSG:0' is unknown"),
        ("--file-crs=x.tif=EPSG:4326", "x.tif, which is no input"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(
    small_model: Path, wrong: dict[str, str], tmp_path: Path, option: str, words: str
) -> None:
    given = option.format(wrong["right"])
    run = CliRunner().invoke(
        cli, ["map", str(small_model), *options(wrong, "right"), "--out", str(tmp_path / "o"), given]
    )
    assert run.exit_code == 2 and len(run.stderr.strip().splitlines()) == 1
    assert words.format(wrong["right"]) in run.stderr


def test_two_crss_for_one_file_are_refused_and_proj_strings_are_read(
    small_model: Path, wrong: dict[str, str]
) -> None:
    file = wrong["wrong"]
    own = f"--file-crs={file}=+proj=utm +zone=31 +datum=WGS84 +type=crs"
    inputs = options(wrong, "wrong")[:-1]
    assert said("map", str(small_model), *inputs, own, "--estimate")["width"] == 100
    run = CliRunner().invoke(
        cli, ["map", str(small_model), *inputs, own, f"--file-crs={file}=EPSG:4326", "--estimate"]
    )
    assert run.exit_code == 2 and "is given two CRSs" in run.stderr


def test_jobs_travel_as_json_and_bad_values_are_told() -> None:
    job = MapJob(
        "m", (RasterInput("a", "f.tif"),), "o", nodata={"f.tif": (0.0, (1.0, 2.0))}, file_crs={"f.tif": "x"}
    )
    assert job_from_params(MapJob, to_params(job)) == job
    assert job_from_params(MapJob, {**to_params(job), "nodata": {"f.tif": 5}}).nodata == {"f.tif": 5.0}
    for bad in ({"f.tif": "x"}, {"f.tif": [[2, 1]]}, {"f.tif": [[1, 2, 3]]}, {"f.tif": True}, {"f.tif": None}):
        with pytest.raises(MessageError):
            job_from_params(MapJob, {**to_params(job), "nodata": bad})
    with pytest.raises(MessageError):
        job_from_params(MapJob, {**to_params(job), "file_crs": {"f.tif": 3}})
