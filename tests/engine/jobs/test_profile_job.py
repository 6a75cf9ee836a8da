"""Profiles agree with numpy on the maps of effects, and their shares of the variance add up to 1."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from centred import centred_copy
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.cli import cli
from scalescape.engine.commands.scale_commands import _profile_text
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.protocol import EffectsJob, ProfileJob, RasterInput
from scalescape.engine.protocol.scale_results import BranchProfile, Dominant, ProfileResult, SpeciesProfile
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.scales import scale_profile as profile_job
from scalescape.engine.scales.moments import ContributionMoments
from scalescape.models.attribution import dominant_branch
from shapely.geometry import box, mapping

KEYS = [("satellite", 25), ("satellite", 31), ("bioclim", 1), ("bioclim", 3)]


@pytest.fixture(scope="module")
def model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return centred_copy(small_model, tmp_path_factory.mktemp("centred") / "centred.safetensors")


@pytest.fixture
def job(model: Path, landscape: dict[str, Path]) -> ProfileJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return ProfileJob(str(model), inputs, step=3)


def mapped(job: ProfileJob, species: str, folder: Path) -> np.ndarray:
    """Contributions (branches, pixels) from the maps of effects."""
    effects = EffectsJob(
        job.model, job.inputs, str(folder), step=job.step, species=(species,), scales=job.scales, mask=job.mask
    )
    run_effects(effects, Monitor())
    values = []
    for modality, scale in KEYS:
        file = folder / f"contribution_{modality}_{scale}.tif"
        if file.exists():
            with rasterio.open(file) as source:
                values.append(source.read(1, masked=True).compressed().astype(float))
    return np.stack(values)


def agree(job: ProfileJob, folder: Path, keys: list[tuple[str, int]]) -> None:
    result = run_profile(job, Monitor())
    assert result.step == job.step
    for one in result.species:
        values = mapped(job, one.name, folder / one.name)
        assert values.shape == (len(keys), result.pixels)
        assert [(b.modality, b.scale) for b in one.branches] == keys
        logit = values.sum(axis=0)
        for branch, mine in zip(one.branches, values, strict=True):
            assert branch.mean_abs == pytest.approx(np.abs(mine).mean(), abs=1e-6)
            share = np.cov(mine, logit, bias=True)[0, 1] / logit.var()
            assert branch.variance_share == pytest.approx(share, abs=1e-4)
            assert (branch.low, branch.high, branch.share_low, branch.share_high) == (None,) * 4
        assert sum(branch.variance_share for branch in one.branches) == pytest.approx(1, abs=1e-9)
        sums = {
            name: np.abs(values[[key[0] == name for key in keys]].sum(axis=0)).mean()
            for name in {key[0] for key in keys}
        }
        wanted = dominant_branch(sums, dict(zip(keys, np.abs(values).mean(axis=1), strict=True)))
        assert (one.dominant.modality, one.dominant.scale) == wanted
        assert one.dominant.at_end


def test_profiles_agree_with_numpy_on_the_maps(job: ProfileJob, tmp_path: Path) -> None:
    agree(job, tmp_path, KEYS)


def test_profiles_without_a_scale_leave_it_out(job: ProfileJob, tmp_path: Path) -> None:
    agree(replace(job, scales={"satellite": (25,)}), tmp_path, [KEYS[0], *KEYS[2:]])


def test_profiles_of_many_species_are_made_in_several_passes(
    job: ProfileJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = run_profile(job, Monitor())
    monkeypatch.setattr(profile_job, "MOST_OUTPUTS", 9)  # two species a pass
    again = run_profile(job, Monitor())
    for one, two in zip(once.species, again.species, strict=True):
        assert one.name == two.name
        for a, b in zip(one.branches, two.branches, strict=True):
            assert a.mean_abs == pytest.approx(b.mean_abs, rel=1e-5)


def test_refits_give_low_and_high_and_say_how_many_agree(
    job: ProfileJob, small_model: Path, tmp_path: Path
) -> None:
    refits = [str(centred_copy(small_model, tmp_path / f"{seed}.safetensors", seed)) for seed in (6, 7)]
    alone = [run_profile(replace(job, model=model), Monitor()) for model in (job.model, *refits)]
    result = run_profile(replace(job, refits=tuple(refits)), Monitor())
    assert result.models == 3
    for place, one in enumerate(result.species):
        named = [a.species[place].dominant for a in alone]
        assert one.agreeing == named.count(one.dominant) == max(named.count(other) for other in named)
        for branch, mine in enumerate(one.branches):
            values = [a.species[place].branches[branch].mean_abs for a in alone]
            assert mine.mean_abs == pytest.approx(values[0])
            assert mine.low == pytest.approx(min(values))
            assert mine.high == pytest.approx(max(values))
            assert mine.low < mine.high
            shares = [a.species[place].branches[branch].variance_share for a in alone]
            assert mine.variance_share == pytest.approx(shares[0])
            assert mine.share_low == pytest.approx(min(shares))
            assert mine.share_high == pytest.approx(max(shares))
            assert mine.share_low < mine.share_high


def test_the_step_is_chosen_for_about_so_many_pixels(
    job: ProfileJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(profile_job, "ABOUT_PIXELS", 400)
    result = run_profile(replace(job, step=0), Monitor())
    assert result.step == 3  # 60 x 70 pixels have all their windows
    assert 400 <= result.pixels <= 600
    mask = tmp_path / "mask.geojson"
    area = {
        "type": "Feature",
        "properties": {},
        "geometry": mapping(box(500_300, 4_999_500, 500_600, 4_999_700)),
    }
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    mask.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [area]}))
    inside = run_profile(replace(job, step=0, mask=str(mask)), Monitor())
    assert inside.step == 1
    assert inside.pixels == 30 * 20
    monkeypatch.setattr(profile_job, "ABOUT_PIXELS", 60)
    assert run_profile(replace(job, step=0, mask=str(mask)), Monitor()).step == 3


def test_a_model_with_other_species_is_no_refit(job: ProfileJob, small_model: Path, tmp_path: Path) -> None:
    from scalescape.models.model_file import ModelFile, read_model, write_model

    model = read_model(small_model)
    renamed = tuple(replace(one, name=f"Other {i}") for i, one in enumerate(model.card.species))
    other = tmp_path / "other.safetensors"
    write_model(other, ModelFile(model.network, replace(model.card, species=renamed), model.branch_means))
    with pytest.raises(InputError, match=r"no refit of Seeded: it has other species"):
        run_profile(replace(job, refits=(str(other),)), Monitor())


def test_the_command_prints_a_profile(job: ProfileJob) -> None:
    arguments = ["profile", job.model, "--step", "6", "--species", "Species 2"]
    for one in job.inputs:
        arguments += ["--input", f"{one.modality}={one.file}"]
    ran = CliRunner().invoke(cli, [*arguments, "--json"])
    assert ran.exit_code == 0
    (species,) = json.loads(ran.stdout)["species"]
    assert set(species["dominant"]) == {"modality", "scale", "at_end"}
    assert {"modality", "scale", "mean_abs", "low", "high", "variance_share"} <= set(species["branches"][0])
    told = CliRunner().invoke(cli, arguments)
    first, *_ = lines = told.stdout.splitlines()
    assert re.fullmatch(r"Over [\d,]+ pixels, every 6th pixel of the finest raster, 1 model", first)
    heads = next(line for line in lines if line.split()[:1] == ["branch"])
    row = next(line for line in lines if line.startswith("  satellite 25 px"))
    for name, number in (("mean size", r"\d\.\d{3}"), ("share of variance", r"-?\d+\.\d %")):
        end = heads.index(name) + len(name)
        assert re.search(rf"{number}$", row[:end]), "heads stand over their columns"
    assert "at the end of the range tried" in told.stdout
    assert "how certain the figures are is not known" in told.stdout


def test_a_profile_of_refits_has_ranges_under_heads_and_no_negative_zero() -> None:
    branch = BranchProfile("satellite", 25, 0.5, 0.25, 0.75, -0.0001, "#000000", -0.0002, 0.5)
    species = SpeciesProfile("Fagus", Dominant("satellite", 25, at_end=True), 2, (branch,))
    for step, pixels in ((1, "every pixel"), (2, "every 2nd pixel"), (11, "every 11th pixel")):
        text = _profile_text(ProfileResult((species,), models=2, step=step, pixels=12345, warnings=()))
        first, _, heads, *_, row = text.splitlines()
        assert first == f"Over 12,345 pixels, {pixels} of the finest raster, 2 models"
    assert len(row) == len(heads)
    assert re.split(r"\s{2,}", row.strip()) == [
        "satellite 25 px", "0.500", "(0.25 to 0.75)", "0.0 %", "(0.0 to 50.0 %)",
    ]  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.lists(st.integers(0, 40), min_size=1, max_size=5), st.floats(-1e3, 1e3))
def test_moments_of_parts_are_those_of_the_whole(seed: int, parts: list[int], shift: float) -> None:
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, 1, (4, 2, sum(parts) + 2))
    moments = ContributionMoments(KEYS, 2)
    for part in np.split(values, np.cumsum(parts), axis=2):
        moments.add(part)
    assert moments.pixels == values.shape[2]
    for species in range(2):
        mine = values[:, species]
        logit = mine.sum(axis=0)
        shares = moments.variance_shares(species)
        for key, row in zip(KEYS, mine, strict=True):
            plain = ((row - row.mean()) * (logit - logit.mean())).mean() / logit.var()
            assert shares[key] == pytest.approx(plain, abs=1e-8)
            assert moments.mean_absolute(species)[key] == pytest.approx(np.abs(row).mean())
        assert sum(shares.values()) == pytest.approx(1, abs=1e-8)


def test_a_negative_share_stays_negative_and_one_of_a_constant_logit_is_none() -> None:
    moments = ContributionMoments(KEYS[:2], 1)
    moments.add(np.array([[[1.0, -1, 2, -2]], [[-0.5, 0.5, -1, 1]]]))
    shares = moments.variance_shares(0)
    assert shares[KEYS[0]] == pytest.approx(2)
    assert shares[KEYS[1]] == pytest.approx(-1)
    flat = ContributionMoments(KEYS[:2], 1)
    flat.add(np.zeros((2, 1, 5)))
    assert flat.variance_shares(0) == dict.fromkeys(KEYS[:2])
