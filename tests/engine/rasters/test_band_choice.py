"""Which band of the files is taken for which: by name, in the order given and said, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, band, write_raster
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.effects_job import run_effects
from scalescape.engine.jobs.inspect_job import run_inspect
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.profile_job import run_profile
from scalescape.engine.jobs.scenarios_job import run_scenarios
from scalescape.engine.protocol import (
    Caution,
    CheckJob,
    EffectsJob,
    InspectJob,
    MapJob,
    ProfileJob,
    RasterInput,
    Scenario,
    ScenariosJob,
)
from scalescape.engine.rasters.predictors import open_predictors
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import Card, Modality, Species, Training


def card_of(**modalities: Sequence[str]) -> Card:
    """A card whose modalities have bands of these names, with mean 1, 2, 3 ..."""
    return Card(
        "c", "c", "CC0", "c", {},
        tuple(
            Modality(name, tuple(band(one, i + 1) for i, one in enumerate(bands)), 10.0, "metre", (1,))
            for name, bands in modalities.items()
        ),
        (Species("s", 1, "po"),), Training("d", 1.0),
    )  # fmt: skip


def constant(path: Path, names: Sequence[str], first: float = 1) -> str:
    """A file whose bands hold 1, 2, 3 ... (from ``first`` on) and bear these names."""
    values = np.stack([np.full((4, 4), first + i, np.float32) for i in range(len(names))])
    return str(write_raster(path, values, 10, names=list(names)))


def taken(card: Card, inputs: Sequence[RasterInput]) -> tuple[list[float], list[Caution]]:
    """What each band of the card's first modality holds, and what was said of it."""
    name = card.modalities[0].name
    predictor = open_predictors(card, [name], inputs, {})[name]
    try:
        predictor.put_on_working_grid((LEFT + 20, TOP - 20), predictor.crs, None)
        return predictor.values(slice(0, 1), slice(0, 1))[0][:, 0, 0].tolist(), list(predictor.cautions)
    finally:
        predictor.close()


BIO = ("bio1", "bio2", "bio5")


@pytest.mark.parametrize(
    "names",
    [
        ["wc2.1_30s_bio_5", "wc2.1_30s_bio_2", "wc2.1_30s_bio_1"], ["BIO_05", "BIO_02", "BIO_01"],
        ["CHELSA_bio5_1981-2010_V.2.1", "CHELSA_bio2_1981-2010_V.2.1", "CHELSA_bio1_1981-2010_V.2.1"],
    ],
)  # fmt: skip
def test_names_decide_over_the_order_and_it_is_said(tmp_path: Path, names: list[str]) -> None:
    values, (said,) = taken(card_of(bioclim=BIO), [RasterInput("bioclim", constant(tmp_path / "a.tif", names))])
    assert values == [3, 2, 1]
    assert said.kind == "order" and not said.blocking and "matched by name" in said.message
    assert f"band 3 ({names[2]}) of a.tif is bio1" in said.message


def test_the_model_s_own_names_in_its_own_order_need_no_word(tmp_path: Path) -> None:
    names = ["BIO1", "bio_2", "bio05"]
    assert taken(card_of(bioclim=BIO), [RasterInput("bioclim", constant(tmp_path / "a.tif", names))]) == (
        [1, 2, 3],
        [],
    )


def test_single_files_are_told_by_their_names_or_descriptions(tmp_path: Path) -> None:
    files = [
        constant(tmp_path / "wc2.1_30s_bio_5.tif", [""], 5), constant(tmp_path / "rain.tif", ["BIO 02"], 2),
        constant(tmp_path / "bio_01.tif", ["Band 1"], 1),
    ]  # fmt: skip
    values, _ = taken(card_of(bioclim=BIO), [RasterInput("bioclim", file) for file in files])
    assert values == [1, 2, 5]


def test_sentinel_s_numbers_are_colours(tmp_path: Path) -> None:
    file = constant(tmp_path / "a.tif", ["B02", "B03", "B04", "B08"])
    assert taken(card_of(satellite=("red", "green", "blue", "nir")), [RasterInput("satellite", file)])[0] == [
        3, 2, 1, 4,
    ]  # fmt: skip


@pytest.mark.parametrize("names", [["", "", ""], ["Band 1", "Band 2", "Band 3"], ["a_1", "a_2", "a_3"]])
def test_without_names_the_order_counts_and_it_is_said(tmp_path: Path, names: list[str]) -> None:
    values, (said,) = taken(card_of(bioclim=BIO), [RasterInput("bioclim", constant(tmp_path / "a.tif", names))])
    assert values == [1, 2, 3]
    assert not said.blocking and "taken in the order given" in said.message
    for i, one in enumerate(BIO, start=1):
        assert f"band {i}" in said.message and f"for {one}" in said.message


def test_names_that_say_something_else_want_to_be_acknowledged(tmp_path: Path) -> None:
    file = constant(tmp_path / "a.tif", ["heat", "range", "hottest"])
    values, (said,) = taken(card_of(bioclim=BIO), [RasterInput("bioclim", file)])
    assert values == [1, 2, 3] and said.blocking
    assert (
        "bear none of the model's names" in said.message
        and "band 3 (hottest) of a.tif for bio5" in said.message
    )


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.tif": ["bio1", "bio2", "bio7"]}, r"bio1 is band 1 .*of a.tif\) and others are not \(bio5\)"),
        ({"a.tif": ["bio1", "bio2"]}, r"others are not \(bio5\); rename"),
        ({"a.tif": ["bio1", "bio2", ""]}, r"\(bio5\); what is left is band 3 of a.tif"),
        ({"a.tif": ["bio1", "bio2"], "b.tif": ["heat"]}, r"\(bio5\); what is left is b.tif \(heat\)"),
        ({"a.tif": ["x_bio1", "y_bio1", "bio2", "bio5"]}, r"name bio1 .* fits band 1 \(x_bio1\).*band 2"),
        ({"a.tif": ["bio1", "bio2", "bio5"], "b.tif": ["bio1"]}, r"bio1 .* fits band 1 .* of a.tif and b.tif"),
        ({"bio1.tif": [""], "bio_1.tif": [""], "bio2.tif": [""]}, r"bio1 .* fits bio1.tif and bio_1.tif"),
        ({"bio1.tif": ["bio5"], "bio2.tif": [""], "bio9.tif": [""]}, r"fits bio1.tif \(bio5\), and so does"),
        ({"bio1.tif": ["bio9"], "bio2.tif": [""], "bio5.tif": [""]}, r"bio1.tif \(bio9\) is called one way"),
    ],
)  # fmt: skip
def test_half_a_match_and_a_doubtful_one_are_refused(
    tmp_path: Path, files: dict[str, list[str]], sentence: str
) -> None:
    inputs = [RasterInput("bioclim", constant(tmp_path / file, names)) for file, names in files.items()]
    with pytest.raises(InputError, match=sentence) as caught:
        taken(card_of(bioclim=BIO), inputs)
    assert "choose bands (FILE#1,2)" in str(caught.value) and "\n" not in str(caught.value)


def test_files_of_one_name_are_told_by_their_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    files = [constant(tmp_path / folder / "bio1.tif", [""]) for folder in ("a", "b")]
    with pytest.raises(InputError, match=r"fits bio1.tif \(.*a/bio1.tif\) and bio1.tif \(.*b/bio1.tif\)"):
        taken(card_of(bioclim=["bio1", "bio2"]), [RasterInput("bioclim", file) for file in files])


def test_a_variable_of_netcdf_is_known_by_its_name(tmp_path: Path) -> None:
    for number, name in ((5, "bio5"), (2, "bio2"), (1, "bio1")):
        values = np.full((1, 4, 4), number, np.float32)
        path = write_raster(tmp_path / f"part{number}.tif", values, 10)
        with rasterio.open(path, "r+") as target:
            target.update_tags(1, NETCDF_VARNAME=name)
    inputs = [RasterInput("bioclim", str(tmp_path / f"part{number}.tif")) for number in (5, 2, 1)]
    assert taken(card_of(bioclim=BIO), inputs)[0] == [1, 2, 5]


def test_half_of_a_sensor_s_bands_is_refused(tmp_path: Path) -> None:
    file = constant(tmp_path / "a.tif", ["B02", "B03", "B04", "B8A"])
    with pytest.raises(InputError, match=r"others are not \(nir\); what is left is band 4 \(B8A\)"):
        taken(card_of(satellite=("red", "green", "blue", "nir")), [RasterInput("satellite", file)])


def test_what_a_person_chose_wins_and_a_contradiction_is_said(tmp_path: Path) -> None:
    file = constant(tmp_path / "a.tif", ["bio5", "bio2", "bio1"])
    values, said = taken(card_of(bioclim=BIO), [RasterInput("bioclim", file, (1, 2, 3))])
    assert values == [1, 2, 3]
    assert [(one.band, one.blocking) for one in said] == [("bio1", True), ("bio5", True)]
    assert "You chose band 1 (bio5) of a.tif for bio1 (bioclim), though band 3 (bio1)" in said[0].message
    assert taken(card_of(bioclim=BIO), [RasterInput("bioclim", file, (3, 2, 1))]) == ([3, 2, 1], [])


def test_a_chosen_band_of_another_known_name_is_said_even_alone(tmp_path: Path) -> None:
    _, (said,) = taken(
        card_of(bioclim=["bio1"]), [RasterInput("bioclim", constant(tmp_path / "bio_9.tif", [""]), (1,))]
    )
    assert "bio_9.tif for bio1" in said.message and "its name says something else" in said.message


def test_a_file_that_gives_nothing_is_named(tmp_path: Path) -> None:
    inputs = [
        RasterInput("bioclim", constant(tmp_path / "a.tif", BIO)),
        RasterInput("bioclim", constant(tmp_path / "b.tif", ["x"])),
    ]
    values, (said,) = taken(card_of(bioclim=BIO), inputs)
    assert values == [1, 2, 3] and "b.tif gives no band to bioclim" in said.message


@pytest.fixture
def reversed_climate(landscape: dict[str, Path], tmp_path: Path) -> str:
    """The landscape's climate with its bands the other way round, under WorldClim's names."""
    with rasterio.open(landscape["bioclim"]) as source:
        values = source.read()[::-1]
    names = ["wc2.1_30s_bio_12", "wc2.1_30s_bio_1"]
    return str(write_raster(tmp_path / "wc.tif", values, 200, names=names, corner=(LEFT - 1480, TOP + 1530)))


def test_all_jobs_match_alike_and_say_it(
    small_model: Path, landscape: dict[str, Path], tmp_path: Path, reversed_climate: str
) -> None:
    scene, right = (RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    job = MapJob(str(small_model), (scene, right), str(tmp_path / "out"), step=8)
    other = replace(job, inputs=(scene, RasterInput("bioclim", reversed_climate)), out=str(tmp_path / "other"))
    said = "The bands of bioclim were matched by name: band 2 (wc2.1_30s_bio_1) of wc.tif is bio1"

    first, second = run_map(job, Monitor()), run_map(other, Monitor())
    for one, two in zip(first.files, second.files, strict=True):
        with rasterio.open(one) as a, rasterio.open(two) as b:
            np.testing.assert_array_equal(a.read(), b.read())
    assert any(said in one for one in second.warnings)
    assert said in (tmp_path / "other" / "run.json").read_text()

    fields = {name: value for name, value in vars(other).items() if name not in ("inputs", "out")}
    scenario = Scenario("wc", (RasterInput("bioclim", reversed_climate),))
    several = run_scenarios(
        ScenariosJob(**fields, inputs=job.inputs, out=str(tmp_path / "s"), scenarios=(scenario,)), Monitor()
    )
    effects = run_effects(
        EffectsJob(**{**fields, "species": ("Species 0",)}, inputs=other.inputs, out=str(tmp_path / "e")),
        Monitor(),
    )
    profile = run_profile(ProfileJob(**fields, inputs=other.inputs), Monitor())
    check = run_check(CheckJob(**vars(other)))
    at = LEFT + 505.0, TOP - 455.0
    question = InspectJob(str(small_model), job.inputs, at)
    answer = run_inspect(question)
    again = run_inspect(replace(question, inputs=other.inputs))
    assert again.logit == answer.logit
    for warnings in (
        several.scenarios[0].warnings, effects.warnings, profile.warnings, again.warnings,
        [one.message for one in check.warnings],
    ):  # fmt: skip
        assert any(said in one for one in warnings)
    assert not any("matched by name" in one for one in answer.warnings)
