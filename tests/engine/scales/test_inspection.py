"""Answers at a point: contributions, windows, pictures, and what can't be answered."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from centred import centred_copy, plain_contributions
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from PIL import Image
from pyproj import Geod
from scalescape.engine.cli import cli
from scalescape.engine.commands.scale_commands import _inspection_text
from scalescape.engine.jobs.inspect_job import run_inspect, write_patches
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import InspectJob, MapJob, RasterInput, job_from_params, to_params
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales.inspection import Inspector
from scalescape.engine.scales.patch_pictures import RAMP, png
from scalescape.models.model_file import read_model

SIDE = {"satellite": (90, 100)}
RADIUS = 15  # of the largest satellite window


@pytest.fixture(scope="module")
def model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return centred_copy(small_model, tmp_path_factory.mktemp("centred") / "centred.safetensors")


@pytest.fixture
def job(model: Path, landscape: dict[str, Path]) -> InspectJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return InspectJob(str(model), inputs, point(landscape, 45, 50))


def point(landscape: dict[str, Path], row: int, column: int, aside: float = 0.0) -> tuple[float, float]:
    """The centre of a satellite pixel, or a point ``aside`` metres from it."""
    with rasterio.open(landscape["satellite"]) as source:
        x, y = source.xy(row, column)
    return x + aside, y - aside


@pytest.mark.parametrize("scales", [{}, {"satellite": (25,)}, {"satellite": (31,), "bioclim": (1,)}])
def test_contributions_equal_a_plain_computation_and_add_up_to_the_logit(
    job: InspectJob, landscape: dict[str, Path], scales: dict[str, tuple[int, ...]]
) -> None:
    draw = np.random.default_rng(0)
    inspector = Inspector()
    for _ in range(5):
        at = point(landscape, int(draw.integers(20, 70)), int(draw.integers(20, 80)), draw.uniform(-4, 4))
        bias, wanted = plain_contributions(read_model(job.model), landscape, *at, scales)
        logits = bias + sum(wanted.values())
        for species in range(3):
            asked = replace(job, at=at, scales=scales, species=f"Species {species}")
            answer = inspector.answer(asked)
            got = {(one.modality, one.scale): one.value for one in answer.contributions}
            assert list(got) == list(wanted)
            for key, value in got.items():
                assert value == pytest.approx(wanted[key][species], abs=1e-5)
            assert answer.bias == pytest.approx(bias[species], abs=1e-5)
            assert answer.bias + sum(got.values()) == pytest.approx(answer.logit, abs=1e-9)
            assert answer.logit == pytest.approx(logits[species], abs=1e-5)
            assert answer.probability == pytest.approx(1 / (1 + np.exp(-logits[species])), abs=1e-6)
            on = {(one.modality, one.scale) for one in answer.contributions if one.on}
            assert on == {key for key in wanted if key[1] in scales.get(key[0], (1, 3, 25, 31))}
    inspector.close()


@pytest.mark.parametrize("clamp", [False, True])
def test_the_answer_is_that_of_the_map_under_the_point(job: InspectJob, clamp: bool, tmp_path: Path) -> None:
    run_map(MapJob(job.model, job.inputs, str(tmp_path / "maps"), step=3, clamp=clamp), Monitor())
    job = replace(job, clamp=clamp)
    draw = np.random.default_rng(1)
    inspector = Inspector()
    with rasterio.open(tmp_path / "maps" / "species_1.tif") as source:
        values = source.read(1, masked=True)
        for _ in range(20):
            row, column = (int(v) for v in (draw.integers(values.shape[0]), draw.integers(values.shape[1])))
            asked = replace(job, at=source.xy(row, column), species="Species 1")
            if values.mask[row, column]:
                with pytest.raises(InputError):
                    inspector.answer(asked)
            else:
                answer = inspector.answer(asked)
                assert answer.probability == pytest.approx(values[row, column], abs=1e-5)
                plain = inspector.answer(replace(asked, clamp=False))
                assert (plain.logit != answer.logit) == clamp, "every window here has a value to be clamped"
    inspector.close()


def test_a_point_may_come_in_another_crs_and_windows_are_given_in_it(
    job: InspectJob, landscape: dict[str, Path]
) -> None:
    at = point(landscape, 40, 60, 2.0)
    own = run_inspect(replace(job, at=at))
    (lon,), (lat,) = rasterio.warp.transform("EPSG:32631", "EPSG:4326", [at[0]], [at[1]])
    other = run_inspect(replace(job, at=(lon, lat), crs="EPSG:4326"))
    assert other.logit == own.logit
    geod = Geod(ellps="WGS84")
    for mine, theirs in zip(own.contributions, other.contributions, strict=True):
        xs, ys = zip(*mine.window, strict=True)
        lons, lats = rasterio.warp.transform("EPSG:32631", "EPSG:4326", xs, ys)
        np.testing.assert_allclose(theirs.window, np.transpose([lons, lats]), atol=1e-9)
        assert mine.width_m == theirs.width_m
        pixel = 10 if mine.modality == "satellite" else 200
        assert max(xs) - min(xs) == max(ys) - min(ys) == pixel * mine.scale
        assert xs[0] <= at[0] <= xs[1] and ys[2] <= at[1] <= ys[1]
        middle = [np.mean(lons[:4:3]), np.mean(lats[:4:3])], [np.mean(lons[1:3]), np.mean(lats[1:3])]
        across = geod.inv(*middle[0], *middle[1])[2]
        assert mine.width_m[0] == pytest.approx(across, rel=1e-4)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:2154"])
def test_a_point_without_a_crs_is_in_the_finest_raster_s_own(
    model: Path, landscape: dict[str, Path], tmp_path: Path, crs: str
) -> None:
    """Also where that raster is read on another grid, such as a zone of UTM, for the model's pixel size."""
    (x,), (y,) = rasterio.warp.transform("EPSG:32631", crs, [LEFT], [TOP])
    size = 10 / np.cos(np.radians(45.15)) if crs == "EPSG:3857" else 7.0
    scene = np.random.default_rng(0).normal(80, 20, (2, 120, 120)).astype(np.float32)
    fine = write_raster(tmp_path / "fine.tif", scene, 1.3 * size, crs=crs, corner=(x, y), names=["red", "nir"])
    inputs = (RasterInput("satellite", str(fine)), RasterInput("bioclim", str(landscape["bioclim"])))
    question = InspectJob(str(model), inputs, (x + 60 * size, y - 55 * size))
    said = run_inspect(replace(question, crs=crs))
    assert run_inspect(question) == said and said.crs == crs
    xs, ys = zip(*said.contributions[0].window, strict=True)
    assert min(xs) < question.at[0] < max(xs) and min(ys) < question.at[1] < max(ys)


def test_the_most_likely_species_are_in_order_and_the_first_is_shown(job: InspectJob) -> None:
    answer = run_inspect(job)
    probabilities = [one.probability for one in answer.top]
    assert probabilities == sorted(probabilities, reverse=True)
    assert answer.species == answer.top[0].species
    assert answer.probability == answer.top[0].probability
    assert {one.species for one in answer.top} == {"Species 0", "Species 1", "Species 2"}


def test_a_modality_that_is_off_needs_no_raster_and_has_no_window(
    job: InspectJob, landscape: dict[str, Path]
) -> None:
    answer = run_inspect(replace(job, inputs=job.inputs[1:], scales={"satellite": ()}))
    off = [one for one in answer.contributions if one.modality == "satellite"]
    assert all(not one.on and one.window is None and one.width_m is None for one in off)
    assert "Without satellite" in answer.warnings[0]
    with_raster = run_inspect(replace(job, scales={"satellite": ()}))
    assert with_raster.logit == answer.logit


def test_off_the_rasters_near_the_edge_and_on_nodata_one_sentence_says_which_modality(
    job: InspectJob, landscape: dict[str, Path], with_nodata: Callable[..., Path]
) -> None:
    with pytest.raises(InputError, match=r"outside the rasters of satellite.*; choose"):
        run_inspect(replace(job, at=(0.0, 0.0)))
    with pytest.raises(InputError, match="window of 31 pixels .* leaves the rasters of satellite"):
        run_inspect(replace(job, at=point(landscape, RADIUS - 1, 50)))
    assert run_inspect(replace(job, at=point(landscape, RADIUS, 50))).species
    assert run_inspect(replace(job, at=point(landscape, 13, 50), scales={"satellite": (25,)})).species
    assert run_inspect(replace(job, at=point(landscape, 2, 50), edge="fill")).species
    holed = with_nodata("satellite", [(45, 50)])
    inputs = (RasterInput("satellite", str(holed)), job.inputs[1])
    with pytest.raises(InputError, match=r"rasters of satellite hold no value at the point \(NoData\)"):
        run_inspect(replace(job, inputs=inputs))
    assert run_inspect(replace(job, inputs=inputs, at=point(landscape, 45, 51))).species
    cell = with_nodata("bioclim", [(row, column) for row in range(20) for column in range(20)])
    with pytest.raises(InputError, match="rasters of bioclim"):
        run_inspect(replace(job, inputs=(job.inputs[0], RasterInput("bioclim", str(cell)))))
    with pytest.raises(InputError, match="CRS 'nowhere' is unknown"):
        run_inspect(replace(job, crs="nowhere"))
    with pytest.raises(InputError, match="no species"):
        run_inspect(replace(job, species="Bufo bufo"))


def test_a_file_that_changes_between_questions_is_read_anew(
    job: InspectJob, model: Path, small_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    shutil.copy(model, path)
    inspector = Inspector()
    first = inspector.answer(replace(job, model=str(path)))
    assert inspector.answer(replace(job, model=str(path))) == first
    centred_copy(small_model, path, seed=9)
    os.utime(path, ns=(1, 1))
    assert inspector.answer(replace(job, model=str(path))).logit != first.logit
    inspector.close()


def test_patches_show_what_the_network_saw(job: InspectJob, landscape: dict[str, Path], tmp_path: Path) -> None:
    answer = run_inspect(replace(job, patches=True))
    shown = [(one.modality, one.scale, one.kind, one.bands) for one in answer.patches]
    assert shown == [
        ("satellite", 25, "ramp", ("red",)),
        ("satellite", 25, "ramp", ("nir",)),
        ("satellite", 31, "ramp", ("red",)),
        ("satellite", 31, "ramp", ("nir",)),
        ("bioclim", 1, "ramp", ("bio1",)),
        ("bioclim", 1, "ramp", ("bio12",)),
        ("bioclim", 3, "ramp", ("bio1",)),
        ("bioclim", 3, "ramp", ("bio12",)),
    ]
    with rasterio.open(landscape["satellite"]) as source:
        window = source.read(1)[45 - 12 : 45 + 13, 50 - 12 : 50 + 13]
    first = answer.patches[0]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(first.png))))
    assert picture.shape == (25, 25, 4)
    share = np.clip((window - first.low[0]) / (first.high[0] - first.low[0]), 0, 1)
    wanted = [np.interp(share, np.linspace(0, 1, len(RAMP)), RAMP[:, channel]) for channel in range(3)]
    np.testing.assert_allclose(picture[..., :3], np.stack(wanted, axis=-1), atol=0.51)
    assert (picture[..., 3] == 255).all()
    red = next(one for one in answer.values if one.band == "red")
    assert red.value == window[12, 12]
    files = write_patches(answer, tmp_path / "patches")
    assert sorted(file.name for file in files)[0] == "bioclim_1_bio1.png"
    assert all(file.stat().st_size > 0 for file in files)


def test_pictures_are_read_by_another_library_as_they_were_written() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 7)).astype(np.uint8)
    image = Image.open(io.BytesIO(png(pixels)))
    assert image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(image), pixels.transpose(1, 2, 0))


def test_the_command_line_gives_the_same_answer_as_one_json_object(
    job: InspectJob, landscape: dict[str, Path], tmp_path: Path
) -> None:
    arguments = ["inspect", job.model, "--at", f"{job.at[0]},{job.at[1]}", "--json"]
    for one in job.inputs:
        arguments += ["--input", f"{one.modality}={one.file}"]
    ran = CliRunner().invoke(cli, [*arguments, "--patches", str(tmp_path / "patches")])
    assert ran.exit_code == 0
    found = json.loads(ran.stdout)
    assert found["logit"] == run_inspect(job).logit
    keys = {"modality", "scale", "on", "width_m", "window", "value"}
    assert all(keys <= set(one) and len(one["window"]) == 4 for one in found["contributions"])
    assert {"species", "logit", "probability", "bias", "contributions", "top"} <= set(found)
    assert all(Path(file).is_file() for file in found["patches"])
    ran = CliRunner().invoke(cli, [*arguments[:3], "0,0", *arguments[4:]])
    assert ran.exit_code == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert CliRunner().invoke(cli, [*arguments[:3], "here", *arguments[4:]]).exit_code == 2


def test_zero_has_no_minus(job: InspectJob) -> None:
    answer = run_inspect(job)
    first, *others = answer.contributions
    text = _inspection_text(replace(answer, bias=-0.001, contributions=(replace(first, value=-0.004), *others)))
    lines = text.splitlines()
    assert lines[1].split() == ["average", "+0.00"] and "+0.00" in lines[2]
    assert "-0.00" not in text


def test_the_command_names_windows_by_their_width_on_the_ground(job: InspectJob) -> None:
    answer = run_inspect(job)
    wide = replace(answer.contributions[0], width_m=(5002.3, 4999.0))
    said = _inspection_text(replace(answer, contributions=(wide, *answer.contributions[1:])))
    assert "5 km" in said and "5,002" not in said
    off = replace(wide, width_m=None)
    assert "km" not in _inspection_text(replace(answer, contributions=(off,)))


def test_a_question_survives_the_pipe(job: InspectJob) -> None:
    asked = replace(job, species="Species 1", scales={"satellite": (25,)}, patches=True)
    assert job_from_params(InspectJob, to_params(asked)) == asked
