"""Maps of effects: each value that of the network at that pixel, named categories, all of one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from centred import centred_copy
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.cli import cli
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import EffectsJob, InspectJob, MapJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales.effect_maps import ablations, dominant, margin
from scalescape.engine.scales.inspection import Inspector
from scalescape.engine.words.branch_colours import branch_colours
from scalescape.models.attribution import dominant_branch

KEYS = [("satellite", 25), ("satellite", 31), ("bioclim", 1), ("bioclim", 3)]
SPECIES = "Species 1"


@pytest.fixture(scope="module")
def model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return centred_copy(small_model, tmp_path_factory.mktemp("centred") / "centred.safetensors")


@pytest.fixture
def job(model: Path, landscape: dict[str, Path], tmp_path: Path) -> EffectsJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return EffectsJob(str(model), inputs, str(tmp_path / "effects"), step=2, species=(SPECIES,))


def read(job: MapJob, name: str) -> np.ma.MaskedArray:
    with rasterio.open(Path(job.out) / f"{name}.tif") as source:
        return source.read(1, masked=True)


@pytest.mark.parametrize("method", ["dense", "patch"])
@pytest.mark.parametrize("scales", [{}, {"satellite": (25,), "bioclim": (3,)}])
def test_rasters_equal_what_inspect_says_at_random_pixels(
    job: EffectsJob, method: str, scales: dict[str, tuple[int, ...]]
) -> None:
    job = replace(job, method=method, scales=scales, step=2 if method == "dense" else 5)
    result = run_effects(job, Monitor())
    on = [key for key in KEYS if key[1] in scales.get(key[0], (1, 3, 25, 31))]
    maps = {key: read(job, f"contribution_{key[0]}_{key[1]}") for key in on}
    lost = {key: read(job, f"ablation_{key[0]}_{key[1]}") for key in on}
    winners, margins = read(job, "dominant"), read(job, "margin")
    with rasterio.open(Path(job.out) / "dominant.tif") as source:
        tags = source.tags()
        spots = np.argwhere(~winners.mask)
        chosen = spots[np.random.default_rng(0).choice(len(spots), 15, replace=False)]
        points = [source.xy(*spot) for spot in chosen]
    inspector = Inspector()
    for (row, column), at in zip(chosen, points, strict=True):
        asked = InspectJob(job.model, job.inputs, at, species=SPECIES, scales=scales)
        answer = inspector.answer(asked)
        values = {(one.modality, one.scale): one.value for one in answer.contributions if one.on}
        for key in on:
            assert maps[key][row, column] == pytest.approx(values[key], abs=1e-5)
            kept = {
                name: tuple(s for s in (1, 3, 25, 31) if (name, s) in on) for name in ("bioclim", "satellite")
            }
            kept[key[0]] = tuple(s for s in kept[key[0]] if s < key[1])
            without = inspector.answer(replace(asked, scales=kept)).probability
            assert lost[key][row, column] == pytest.approx(without - answer.probability, abs=1e-5)
        total = result.bias + sum(maps[key][row, column] for key in on)
        assert total == pytest.approx(answer.logit, abs=1e-5)
        sums = {m: abs(sum(v for k, v in values.items() if k[0] == m)) for m in ("bioclim", "satellite")}
        winner = dominant_branch(sums, {k: abs(v) for k, v in values.items()})
        assert on[winners[row, column] - 1] == winner
        assert tags[f"CATEGORY_{winners[row, column]}"].startswith(f"{winner[0]} {winner[1]} px")
        leads = [2 * max(sums.values()) - sum(sums.values())]
        mine = sorted(abs(v) for k, v in values.items() if k[0] == winner[0])
        leads.append(mine[-1] - (mine[-2] if len(mine) > 1 else 0))
        assert margins[row, column] == pytest.approx(min(leads), abs=1e-5)
    inspector.close()


def test_nodata_lies_where_the_map_has_it(
    job: EffectsJob, with_nodata: Callable[..., Path], tmp_path: Path
) -> None:
    holed = with_nodata("satellite", [(r, c) for r in range(40, 50) for c in range(43, 60)])
    job = replace(job, inputs=(RasterInput("satellite", str(holed)), job.inputs[1]), verify=5)
    result = run_effects(job, Monitor())
    map_job = MapJob(job.model, job.inputs, str(tmp_path / "maps"), step=2, species=job.species)
    assert run_map(map_job, Monitor()).valid_pixels == result.valid_pixels
    mask = read(map_job, "species_1").mask
    assert mask.any() and not mask.all()
    for file in result.files:
        with rasterio.open(file) as source:
            np.testing.assert_array_equal(source.read(1, masked=True).mask, mask)
    assert result.verified_max_abs_diff < 1e-5


def test_files_are_cogs_with_names_colours_and_the_run(job: EffectsJob) -> None:
    result = run_effects(job, Monitor())
    names = {Path(file).name for file in result.files}
    assert names == {
        *(f"{kind}_{m}_{s}.tif" for kind in ("contribution", "ablation") for m, s in KEYS),
        "dominant.tif", "margin.tif",
    }  # fmt: skip
    for file in result.files:
        with rasterio.open(file) as source:
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.dtypes == (("uint8",) if "dominant" in file else ("float32",))
            assert json.loads(source.tags()["SCALESCAPE_RUN"])["effects_of"] == SPECIES
            assert SPECIES in source.descriptions[0]
    run = json.loads((Path(job.out) / "run.json").read_text())
    assert run["bias"] == result.bias
    with rasterio.open(Path(job.out) / "dominant.tif") as source:
        colours = source.colormap(1)
        assert source.nodata == 0
    for number, colour in enumerate(branch_colours(KEYS).values(), start=1):
        assert colours[number] == (*colour, 255)
    beside = ElementTree.parse(Path(job.out) / "dominant.tif.aux.xml").getroot()
    categories = [one.text for one in beside.iter("Category")]
    assert categories == [
        "no value", "satellite 25 px (250 m)", "satellite 31 px (310 m)", "bioclim 1 px (200 m)",
        "bioclim 3 px (600 m)",
    ]  # fmt: skip
    assert sum(1 for _ in beside.iter("Row")) == len(KEYS)
    assert not Path(f"{job.out}.partial").exists()
    values = np.concatenate([np.abs(read(job, f"contribution_{m}_{s}").compressed()) for m, s in KEYS])
    assert result.limit == pytest.approx(np.percentile(values, 98), rel=0.05)


def test_without_scale_dropout_a_warning_says_that_the_mean_stands_in(
    job: EffectsJob, small_model: Path, tmp_path: Path
) -> None:
    untrained = centred_copy(small_model, tmp_path / "untrained.safetensors", scale_dropout=False)
    result = run_effects(replace(job, model=str(untrained)), Monitor())
    assert any("use each branch's mean" in warning for warning in result.warnings)
    with rasterio.open(Path(job.out) / "ablation_satellite_31.tif") as source:
        assert "its mean" in source.tags()["MEANING"]
        lost = source.read(1, masked=True).compressed()
    logit = result.bias + sum(read(job, f"contribution_{m}_{s}") for m, s in KEYS)
    mine = read(job, "contribution_satellite_31")
    plain = 1 / (1 + np.exp(-(logit - mine))) - 1 / (1 + np.exp(-logit))
    np.testing.assert_allclose(lost, plain.compressed(), atol=1e-5)


def test_effects_are_of_one_species(job: EffectsJob) -> None:
    named = {
        (): r"one species at a time, and none is named; name it \(--species\)\.$",
        ("Species 0", "Species 1"): r"and 2 are named; name one \(--species\)\.$",
    }
    for species, message in named.items():
        with pytest.raises(InputError, match=message):
            run_effects(replace(job, species=species), Monitor())
    assert not Path(job.out).exists()


def test_the_command_maps_effects(job: EffectsJob) -> None:
    arguments = ["effects", job.model, "--species", SPECIES, "--out", job.out, "--step", "4", "--json"]
    for one in job.inputs:
        arguments += ["--input", f"{one.modality}={one.file}"]
    ran = CliRunner().invoke(cli, arguments)
    assert ran.exit_code == 0
    found = json.loads(ran.stdout)
    assert all(Path(file).is_file() for file in found["files"])
    assert found["species"] == SPECIES
    assert CliRunner().invoke(cli, [*arguments, "--species", "Species 0"]).exit_code == 2


VALUES = st.lists(st.lists(st.floats(-4, 4, width=32), min_size=4, max_size=4), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_dominance_margin_and_ablation_equal_plain_loops(pixels: list[list[float]]) -> None:
    values = np.array(pixels, np.float32).T
    logit = values.sum(axis=0) + np.float32(0.3)
    replaced = dict(zip(KEYS, (0.5, -0.2, 0.1, 0.0), strict=True))
    winners, margins = dominant(KEYS, values), margin(KEYS, values)
    lost = ablations(KEYS, values, replaced, logit)
    assert (margins >= 0).all()
    for pixel, here in enumerate(values.T.astype(float)):
        sums = {"satellite": abs(here[0] + here[1]), "bioclim": abs(here[2] + here[3])}
        branches = {key: abs(value) for key, value in zip(KEYS, here, strict=True)}
        name, scale = KEYS[winners[pixel]]
        assert sums[name] == pytest.approx(max(sums.values()), abs=1e-5)
        assert branches[name, scale] == max(v for key, v in branches.items() if key[0] == name)
        for place, (modality, smallest) in enumerate(KEYS):
            changed = 0.3 + sum(
                replaced[key] if key[0] == modality and key[1] >= smallest else value
                for key, value in zip(KEYS, here, strict=True)
            )
            plain = 1 / (1 + np.exp(-changed)) - 1 / (1 + np.exp(-logit[pixel]))
            assert lost[place, pixel] == pytest.approx(plain, abs=1e-5)
