"""Species for which tests prove nothing are named wherever their maps are, and count in no sum."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from click.testing import CliRunner
from scalescape.engine.cli import cli
from scalescape.engine.commands.card_text import card_text
from scalescape.engine.commands.scale_commands import _inspection_text
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.inspect_job import run_inspect
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.mapping.species_notes import reasons
from scalescape.engine.protocol import (
    AreasJob,
    CheckJob,
    EffectsJob,
    InspectJob,
    MapJob,
    OdmapJob,
    ProductsJob,
    ProfileJob,
)
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import Card, Species
from scalescape.models.model_file import read_model, write_model
from surveyed_network import expit

TESTED: list[dict[str, object]] = [
    {
        "presences": 5, "auc": 0.28, "auc_low": 0.11, "auc_high": 0.49,
        "flag": "few presences; no better than chance",
    },
    {"presences": 200, "auc": 0.51, "auc_low": 0.47, "auc_high": 0.55, "flag": "no better than chance"},
    {
        "presences": 300, "auc": 0.92, "auc_low": 0.88, "auc_high": 0.95, "auc_coordinates": 0.98,
        "flag": "no better than coordinates",
    },
]  # fmt: skip
UNPROVEN = "2 of 3 species are unproven"


def with_tests(card: Card, tested: list[dict[str, object]]) -> Card:
    species = tuple(replace(one, **figures) for one, figures in zip(card.species, tested, strict=True))
    return replace(card, species=species)


@pytest.fixture
def tested(job: MapJob, tmp_path: Path) -> MapJob:
    """A map job of a model of which one species of three is proven."""
    model = read_model(job.model)
    path = tmp_path / "tested.safetensors"
    write_model(path, replace(model, card=with_tests(model.card, TESTED)))
    return replace(job, model=str(path), products=("probability", "richness", "top"))


def values(job: MapJob, name: str) -> np.ma.MaskedArray:
    with rasterio.open(Path(job.out) / f"{name}.tif") as source:
        return source.read(1, masked=True)


def unproven(warnings: tuple[str, ...]) -> list[str]:
    return [text for text in warnings if UNPROVEN in text]


def test_the_map_names_them_and_sums_up_the_others(tested: MapJob) -> None:
    result = run_map(tested, Monitor())
    (warning,) = unproven(result.warnings)
    assert "Species 0 (few presences: 5, no better than chance: AUC 0.28 [0.11 to 0.49])" in warning
    assert "Species 1 (no better than chance: AUC 0.51 [0.47 to 0.55])" in warning
    (beaten,) = [text for text in result.warnings if "coordinates alone" in text]
    assert "Species 2 (AUC 0.92, coordinates 0.98)" in beaten
    slope, intercept = read_model(tested.model).card.species[2].calibration
    p = values(tested, "species_2").astype(np.float64)
    np.testing.assert_allclose(
        values(tested, "richness"), expit(slope * np.log(p / (1 - p)) + intercept), atol=1e-5
    )
    assert set(np.unique(values(tested, "top").compressed())) == {1}
    with rasterio.open(Path(tested.out) / "top.tif") as source:
        assert source.tags()["CATEGORY_1"] == "Species 2" and "CATEGORY_2" not in source.tags()
        assert "Species 0 (few presences" in source.tags()["LEFT_OUT"]
    with rasterio.open(Path(tested.out) / "richness.tif") as source:
        assert (
            source.tags()["SPECIES_COUNT"] == "1"
            and "Unproven species are left out" in source.tags()["MEANING"]
        )
    with rasterio.open(Path(tested.out) / "species_1.tif") as source:
        assert source.tags()["FLAG"] == "no better than chance"
    assert any("count 1 of 3 species" in text for text in result.warnings)


def test_asked_for_they_count(tested: MapJob, job: MapJob) -> None:
    run_map(replace(tested, include_unproven=True), Monitor())
    plain = replace(job, products=tested.products, out=f"{job.out}-plain")
    run_map(plain, Monitor())
    for name in ("richness", "top"):
        np.testing.assert_array_equal(values(tested, name), values(plain, name))
    tags = [rasterio.open(Path(tested.out) / f"{name}.tif").tags() for name in ("richness", "top")]
    for text in (tags[0]["MEANING"], tags[1]["UNPROVEN"]):
        assert "Species 0 (few presences" in text and "Species 1" in text and "Species 2" not in text


@pytest.mark.parametrize("include", [False, True])
def test_finished_maps_remember_them(tested: MapJob, tmp_path: Path, include: bool) -> None:
    whole = replace(tested, out=str(tmp_path / "whole"), include_unproven=include)
    run_map(whole, Monitor())
    alone = replace(tested, products=("probability",))
    run_map(alone, Monitor())
    made = run_products(ProductsJob(alone.out, ("richness", "top"), include_unproven=include), Monitor())
    assert any("count 1 of 3 species" in text for text in made.warnings) is not include
    assert any("count 2 of 3 species that are unproven" in text for text in made.warnings) is include
    binary = run_products(ProductsJob(alone.out, ("binary",), include_unproven=include), Monitor())
    assert any("2 of 3 species mapped here are unproven" in text for text in binary.warnings)
    for name in ("richness", "top"):
        np.testing.assert_array_equal(values(alone, name), values(whole, name))


def test_richness_counts_thresholds_of_proven_species_alone(tested: MapJob, tmp_path: Path) -> None:
    model = read_model(tested.model)
    species = tuple(replace(one, calibration=None) for one in model.card.species)
    bare = (replace(species[0], thresholds={}), *species[1:])  # a species in one block has no threshold
    path = tmp_path / "bare.safetensors"
    write_model(path, replace(model, card=replace(model.card, species=bare)))
    job = replace(tested, model=str(path), threshold="minimum-presence")
    result = run_map(job, Monitor())
    np.testing.assert_array_equal(values(job, "richness"), values(job, "species_2") >= np.float32(0.1))
    assert not any("No threshold" in text for text in result.warnings)


def test_without_a_proven_species_there_is_nothing_to_sum_up(tested: MapJob) -> None:
    some = replace(tested, species=("Species 0", "Species 1"))
    with pytest.raises(InputError, match=r"No species counts .* Species 0 \(few presences.*--include-unproven"):
        run_map(some, Monitor())
    with pytest.raises(InputError, match="No species counts"):
        run_check(CheckJob(**{**vars(some), "out": ""}))
    assert not list(Path(tested.out).glob("*.tif"))
    run_map(replace(some, products=("probability",)), Monitor())


def test_areas_profile_effects_inspect_and_check_name_them(tested: MapJob, tmp_path: Path) -> None:
    alone = replace(tested, products=("probability",))
    run_map(alone, Monitor())
    areas = run_areas(AreasJob((alone.out,), str(tmp_path / "areas")), Monitor())
    assert unproven(tuple(text.replace("species mapped here", "species") for text in areas.warnings))
    rows = list(csv.DictReader((tmp_path / "areas" / "areas.csv").open()))
    assert {row["species"]: row["flag"] for row in rows} == {
        f"Species {n}": one["flag"] for n, one in enumerate(TESTED)
    }
    common = {"model": tested.model, "inputs": tested.inputs}
    assert unproven(run_profile(ProfileJob(**common), Monitor()).warnings)
    one = EffectsJob(**common, out=str(tmp_path / "effects"), species=("Species 1",))
    assert any("The species is unproven" in text for text in run_effects(one, Monitor()).warnings)
    for file in sorted((tmp_path / "effects").glob("*.tif")):
        with rasterio.open(file) as source:
            assert source.tags()["FLAG"] == "no better than chance", file.name
    with rasterio.open(Path(alone.out) / "species_0.tif") as source:
        row, column = np.argwhere(source.read(1, masked=True).mask == 0)[0]
        at = source.xy(row, column)
    answer = run_inspect(InspectJob(**common, at=at, species="Species 0"))
    assert any("few presences: 5" in text for text in answer.warnings)
    assert {one.species: bool(one.unproven) for one in answer.top} == {
        "Species 0": True, "Species 1": True, "Species 2": False,
    }  # fmt: skip
    assert "Species 1 (unproven: no better than chance: AUC 0.51" in _inspection_text(answer)
    cautions = run_check(CheckJob(**{**vars(tested), "out": ""})).warnings
    assert [one.kind for one in cautions if UNPROVEN in one.message] == ["species"]


def test_the_card_names_them(tested: MapJob) -> None:
    text = card_text(read_model(tested.model).card)
    assert "AUC 0.510 [0.470 to 0.550]" in text and "* no better than chance" in text
    assert "* few presences: fewer than 10 presences to test with" in text and "coordinates alone 0.980" in text


@pytest.mark.parametrize(
    ("species", "flags"),
    [
        (Species("Few", 5, "po", auc=0.28), ("few presences", "no better than chance")[:2]),
        (Species("Noise", 200, "po", auc=0.49), ("no better than chance",)),
        (Species("In one block", 200, "po"), ("few blocks",)),
        (Species("Fine", 200, "po", auc=0.9), ()),
    ],
    ids=lambda one: one.name if isinstance(one, Species) else "",
)
def test_a_card_without_intervals_says_what_it_knows(
    job: MapJob, species: Species, flags: tuple[str, ...]
) -> None:
    card = read_model(job.model).card
    fine = Species("Other", 100, "po", auc=0.8)
    assert replace(card, species=(species, fine)).flags(species) == flags
    assert replace(card, species=(replace(species, auc=None),)).flags(replace(species, auc=None)) == ()


def test_the_command_counts_them_when_asked(tested: MapJob) -> None:
    run_map(replace(tested, products=("probability",)), Monitor())
    arguments = ["products", tested.out, "--products", "richness", "--json"]
    left_out, counted = (CliRunner().invoke(cli, [*arguments, *more]) for more in ([], ["--include-unproven"]))
    assert "count 1 of 3 species" in json.loads(left_out.stdout)["warnings"][0]
    (warning,) = json.loads(counted.stdout)["warnings"]
    assert "count 2 of 3 species that are unproven" in warning


def test_of_many_presences_few_may_be_left_to_test_with(tested: MapJob) -> None:
    model = read_model(tested.model)
    few = {"presences": 30, "auc": 0.9, "auc_low": 0.8, "auc_high": 1.0, "flag": "few presences"}
    card = with_tests(model.card, [few, *TESTED[1:]])
    assert reasons(card, card.species[0]) == "few presences to test with, of 30"


def test_pixels_without_a_number_are_said(tested: MapJob) -> None:
    model = read_model(tested.model)
    with torch.no_grad():  # features that are large, and weights by which they become infinite in both ways
        for weights in model.network.branches.parameters():
            weights.mul_(1e3)
        model.network.head.weight[:] = 3e38
        model.network.head.weight[:, ::2] = -3e38
    write_model(Path(tested.model), model)
    result = run_map(replace(tested, products=("probability",)), Monitor())
    (said,) = [text for text in result.warnings if "the network gives no number" in text]
    share = 1 - values(tested, "species_2").count() / result.valid_pixels
    assert share > 0.5 and f"At {share:.1%} of the pixels" in said


def test_the_record_of_the_run_names_them(tested: MapJob) -> None:
    model = read_model(tested.model)
    card = replace(model.card, metrics={"auc_median": 0.9, "n_species": 3, "against": "survey"})
    write_model(Path(tested.model), replace(model, card=card))
    run_map(replace(tested, products=("probability",)), Monitor())
    run_odmap(OdmapJob(tested.out))
    text = (Path(tested.out) / "odmap.csv").read_text(encoding="utf-8")
    assert "Tests prove nothing for Species 0 (few presences: 5" in text
