"""A training config: what it may hold, and every fault named at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from scalescape.engine.demo.files import train_toml
from scalescape.engine.recipes.config import TrainingConfig
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.recipes.recipe import OURS, SAMPLES, recipe_of
from scalescape.engine.recipes.shape import (
    SAMPLE_CHANNELS,
    SAMPLE_OUT_SIZE,
    SAMPLE_WIDTHS,
    architecture_of,
    backbone_notes,
    backbone_of,
    scales_of,
)
from scalescape.engine.running.errors import InputError
from scalescape.models.presets import architecture

SMALL = """
[sites]
train = "po.csv"
kind = "po"
species = "species"
[modality.bioclim]
inputs = ["bio1.tif"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with empty files of the names that the configs below use."""
    names = [
        "po.csv",
        "pa.csv",
        "bg.csv",
        "bio1.tif",
        "rgbn.tif",
        "sites_po.csv",
        "sites_pa.csv",
        "bioclim.tif",
    ]
    for name in [*names, "satellite.tif"]:
        (tmp_path / name).touch()
    return tmp_path


def read(folder: Path, text: str) -> TrainingConfig:
    path = folder / "train.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def faults(folder: Path, text: str) -> dict[str, str]:
    """Faults of a config by their keys."""
    with pytest.raises(InputError) as caught:
        read(folder, text)
    lines = str(caught.value).splitlines()[1:]
    return {key.strip(): words for key, _, words in (line.partition(": ") for line in lines)}


def test_the_demo_config_is_read_and_names_every_setting(folder: Path) -> None:
    config = read(folder, train_toml(["A", "B"]))
    recipe = recipe_of(config)
    assert (recipe.epochs, recipe.seed, recipe.lambda2, recipe.n_background) == (10, 42, 0.5, 10_000)
    assert (recipe.width, recipe.folds, recipe.blocks_km) == (0.125, 5, "auto")
    assert config.modality["satellite"].scales == (25, 59, 115)
    assert config.sites.train == str(folder / "sites_po.csv")
    assert config.modality["bioclim"].inputs == (str(folder / "bioclim.tif"),)
    test = config.sites.test_source()
    assert test is not None
    assert (test.kind, test.species_columns, test.species, test.x) == ("pa", ("A", "B"), None, "x")


def test_surveys_of_the_demo_train_without_background(folder: Path) -> None:
    text = train_toml(["A", "B"])
    text = text.replace('train = "sites_po.csv"', 'train = "sites_pa.csv"').replace(
        'test = "sites_pa.csv"\n', ""
    )
    text = text.replace('kind = "po"', 'kind = "pa"').replace('species = "species"\n', "")
    text = text.replace("test_species_columns", "species_columns")
    told = recipe_of(read(folder, text))
    assert (told.lambda2, told.n_background) == (0.5, 10_000)
    untold = recipe_of(read(folder, text.replace("lambda2 = 0.5\nn_background = 10000\n", "")))
    assert (untold.lambda2, untold.n_background) == (1.0, 0)


def test_untold_settings_are_the_presets(folder: Path) -> None:
    assert recipe_of(read(folder, SMALL)) == OURS
    paper = recipe_of(read(folder, SMALL + '[model]\npreset = "paper-bimodal"\n[training]\nepochs = 2\n'))
    assert (paper.optimiser, paper.learning_rate, paper.momentum, paper.weight_decay) == ("sgd", 1e-2, 0, 1e-4)
    assert (paper.schedule, paper.augment, paper.scale_dropout, paper.patience) == ("none", False, False, 0)
    assert (paper.lambda2, paper.n_background, paper.batch_size, paper.epochs) == (1, 0, 256, 2)


def test_samples_with_data_have_a_recipe_and_widths_of_their_own(folder: Path) -> None:
    text = '[sites]\ntrain = "po.csv"\nspecies = "s"\nkind = "po"\nx = "x"\ny = "y"\ncrs = "EPSG:4326"\n'
    text += 'background = "bg.csv"\n[modality.soil]\ncolumns = ["ph", "clay"]\n'
    config = read(folder, text)
    assert recipe_of(config) == SAMPLES
    shape = architecture_of(config, {"soil": 2}, 3, 1.0)
    (branch,) = shape.modality("soil").branches
    assert shape.modality("soil").widths == SAMPLE_WIDTHS and not shape.branch_norm
    assert (branch.channels, branch.out_size) == (SAMPLE_CHANNELS, SAMPLE_OUT_SIZE)
    told = read(folder, text + "[model.widths]\nsoil = [8]\n[training]\nepochs = 3\n")
    assert (recipe_of(told).epochs, recipe_of(told).dropout) == (3, SAMPLES.dropout)
    assert architecture_of(told, {"soil": 2}, 3, 1.0).modality("soil").widths == (8,)
    both = read(folder, text + '[modality.bioclim]\ninputs = ["bio1.tif"]\n')
    assert recipe_of(both) == OURS
    assert architecture_of(both, {"soil": 2, "bioclim": 1}, 3, 1.0).branch_norm
    paper = read(
        folder, text + '[model]\npreset = "paper-single"\n[training]\nn_background = 0\nlambda2 = 1.0\n'
    )
    assert recipe_of(paper).optimiser == "sgd"
    assert architecture_of(paper, {"soil": 2}, 3, 1.0).modality("soil").widths == (32, 64, 128, 256)


@pytest.mark.parametrize("preset", ["default", "paper-bimodal", "boxes-32-64-128"])
def test_a_preset_gives_its_architecture(folder: Path, preset: str) -> None:
    text = SMALL + f'[modality.satellite]\ninputs = ["rgbn.tif"]\n[model]\npreset = "{preset}"\n'
    bands = {"bioclim": 2, "satellite": 4}
    assert architecture_of(read(folder, text), bands, 7, 0.25) == architecture(preset, bands, 7, 0.25)


def test_fields_of_a_preset_can_be_set_and_the_scales_of_a_modality_win(folder: Path) -> None:
    config = read(
        folder,
        SMALL.replace("[modality.bioclim]", "[modality.bioclim]\nscales = [3]")
        + '[modality.wood]\ninputs = ["rgbn.tif"]\n[model]\nchannels = 16\nout_size = 8\nbranch_norm = false\n'
        "[model.scales]\nbioclim = [5]\nwood = [25, 31]\n[model.widths]\nwood = [4, 4, 8]\n",
    )
    assert scales_of(config, "bioclim") == (3,)
    assert (scales_of(config, "wood"), backbone_of(config, "wood")) == ((25, 31), "residual")
    built = architecture_of(config, {"bioclim": 1, "wood": 3}, 2, 1.0)
    assert built.modality("wood").widths == (4, 4, 8)
    assert built.modality("wood").branches[1].channels == 16
    assert not built.branch_norm


@pytest.mark.parametrize(
    ("scales", "backbone"),
    [([1, 5, 17], "pointwise"), ([1, 25, 59], "pointwise"), ([25, 59], "residual"), ([27], "residual")],
)
def test_a_modality_that_the_preset_knows_takes_the_backbone_that_gives_its_scales(
    folder: Path, scales: list[int], backbone: str
) -> None:
    config = read(folder, SMALL + f'[modality.satellite]\ninputs = ["rgbn.tif"]\nscales = {scales}\n')
    assert backbone_of(config, "satellite") == backbone
    built = architecture_of(config, {"bioclim": 1, "satellite": 4}, 2, 0.1)
    assert [branch.scale for branch in built.modality("satellite").branches] == scales
    notes = backbone_notes(config)
    assert [one.startswith("satellite takes the pointwise backbone") for one in notes] == [True] * (
        backbone == "pointwise"
    )


def test_a_backbone_that_the_user_names_is_taken_at_its_word(folder: Path) -> None:
    text = SMALL + '[modality.satellite]\ninputs = ["rgbn.tif"]\nscales = [1, 5]\nbackbone = "residual"\n'
    assert "residual backbone" in faults(folder, text)["modality.satellite.scales"]


def test_samples_with_data_have_scale_one(folder: Path) -> None:
    text = SMALL.replace('inputs = ["bio1.tif"]', 'columns = ["a", "veg"]\ncategorical = ["veg"]')
    text = text.replace('kind = "po"', 'kind = "po"\nbackground = "bg.csv"')
    config = read(folder, text)
    assert scales_of(config, "bioclim") == (1,)
    assert architecture_of(config, {"bioclim": 2}, 3, 1.0).modality("bioclim").scales == (1,)


def test_several_tables_take_what_sites_tells(folder: Path) -> None:
    config = read(
        folder,
        """
        [sites]
        kind = "po"
        species = "taxon"
        crs = "EPSG:4326"
        x = "lon"
        y = "lat"
        [[sites.source]]
        file = "po.csv"
        [[sites.source]]
        file = "pa.csv"
        kind = "pa-balanced"
        species_name = "Abies concolor"
        presence = "pr_ab"
        crs = "EPSG:3310"
        x = "x"
        y = "y"
        where = "pr_ab >= 0"
        [modality.bioclim]
        inputs = ["bio1.tif#1,2"]
        """,
    )
    first, second = config.sites.sources()
    assert (first.file, first.kind, first.species, first.x) == (str(folder / "po.csv"), "po", "taxon", "lon")
    assert (second.kind, second.species, second.species_name) == ("pa-balanced", None, "Abies concolor")
    assert (second.presence, second.crs, second.x) == ("pr_ab", "EPSG:3310", "x")
    assert config.modality["bioclim"].inputs == (str(folder / "bio1.tif") + "#1,2",)


def test_all_faults_are_named_at_once_each_with_its_key(folder: Path) -> None:
    found = faults(
        folder,
        """
        [sites]
        train = "none.csv"
        kind = "pO"
        spcies = "taxon"
        species = "taxon"
        x = "lon"
        crs = "EPSG:99999"
        where = "a = 1"
        [modality.bioclim]
        inputs = ["none.tif"]
        scales = [2, "b"]
        [modality.satellite]
        inputs = ["rgbn.tif"]
        columns = ["a"]
        scales = [26]
        [model]
        preset = "defualt"
        [training]
        epochs = "many"
        batch_size = 0
        blocks_km = "atuo"
        learning_rat = 0.1
        lambda2 = 1.5
        folds = 2.5
        augment = 1
        """,
    )
    assert set(found) == {
        "sites.train", "sites.kind", "sites.spcies", "sites.y", "sites.crs", "sites.where",
        "modality.bioclim.inputs", "modality.bioclim.scales", "modality.bioclim.scales[2]",
        "modality.satellite.columns", "modality.satellite.scales", "model.preset", "training.epochs",
        "training.batch_size", "training.blocks_km", "training.learning_rat", "training.lambda2",
        "training.folds", "training.augment",
    }  # fmt: skip
    assert "did you mean species?" in found["sites.spcies"]
    assert "did you mean default?" in found["model.preset"]
    assert "did you mean learning_rate?" in found["training.learning_rat"]
    assert found["training.epochs"] == "must be a whole number, not 'many'"
    assert found["training.batch_size"] == "must be at least 1, not 0"
    assert found["training.augment"] == "must be true or false, not 1"
    assert "none.tif" in found["modality.bioclim.inputs"]


BIO = "[modality.bioclim]\n"
INPUTS = 'inputs = ["bio1.tif"]'
NAMED = 'species = "species"'


@pytest.mark.parametrize(
    ("change", "key", "words"),
    [
        (('train = "po.csv"\n', ""), "sites.train", "is missing"),
        (('kind = "po"\n', ""), "sites.kind", "is missing"),
        (('species = "species"\n', ""), "sites.species", "is missing"),
        ((NAMED, 'species = "a"\nspecies_name = "b"'), "sites.species_name", "species is given"),
        ((f'kind = "po"\n{NAMED}', 'kind = "pa"\nspecies_name = "b"'), "sites.presence", "is missing"),
        ((NAMED, 'species = "a"\npresence = "p"'), "sites.presence", "goes with species_name"),
        (('kind = "po"', 'kind = "po"\nx = "a"'), "sites.y", "is missing"),
        (('kind = "po"', 'kind = "po"\ny = "a"'), "sites.x", "is missing"),
        (('kind = "po"', 'kind = "po"\nbackground = "bg.csv"\nbias = "bio1.tif"'), "sites.bias", "not both"),
        (('kind = "po"', 'kind = "po"\nmax_uncertainty_m = 0'), "sites.max_uncertainty_m", "more than 0"),
        (('kind = "po"', 'kind = "po"\ntest_species_columns = ["a"]'), "sites.test_species_columns", "test"),
        ((BIO, "[modality.climate]\n"), "modality.climate.scales", "is missing"),
        ((BIO, "[modality.Bio]\nscales = [1]\n"), "modality.Bio", "lower-case"),
        (('["bio1.tif"]', "[]"), "modality.bioclim.inputs", "is missing"),
        ((INPUTS, 'columns = ["a"]'), "sites.background", "is missing"),
        ((INPUTS, 'columns = ["a"]\nscales = [1, 5]'), "modality.bioclim.scales", "scale 1 alone"),
        ((INPUTS, 'columns = ["a"]\ncategorical = ["b"]'), "modality.bioclim.categorical", "'b'"),
        ((BIO, BIO + "scales = [4]\n"), "modality.bioclim.scales", "3 or 5"),
        ((BIO, BIO + "scales = [5, 5]\n"), "modality.bioclim.scales", "twice"),
        ((BIO, "[training]\nn_background = 0\n" + BIO), "training.lambda2", "0.5"),
        ((BIO, "[model.scales]\nsat = [25]\n" + BIO), "model.scales.sat", "sat"),
        ((BIO, "[training]\nprecision = 'half'\n" + BIO), "training.precision", "of"),
        ((BIO, "[training]\nblocks_km = 0\n" + BIO), "training.blocks_km", "more than 0"),
        (
            (f'kind = "po"\n{NAMED}', 'test = "pa.csv"\nkind = "po"\nspecies_name = "A"'),
            "sites.presence",
            "test table",
        ),
        (("[sites]\n", "folder = '.'\n[sites]\n"), "folder", "unknown key"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(folder: Path, change: tuple[str, str], key: str, words: str) -> None:
    assert change[0] in SMALL
    found = faults(folder, SMALL.replace(*change))
    assert words in found[key]


def test_a_missing_patch_tree_and_a_window_wider_than_a_patch_are_named(folder: Path) -> None:
    text = SMALL + '[modality.satellite]\npatches = "tree"\nscales = [151]\n'
    found = faults(folder, text)
    assert "no file tree" in found["modality.satellite.patches"]
    assert "128" in found["modality.satellite.scales"]


def test_a_syntax_error_is_one_sentence_with_its_line(folder: Path) -> None:
    with pytest.raises(
        InputError, match=r"train.toml is not TOML at line 3, column 8 \(.*\); fix that line\.$"
    ):
        read(folder, '[sites]\ntrain = "a"\nkind = po\n')
    with pytest.raises(InputError, match=r"at line 2, its end"):
        read(folder, '[sites]\ntrain = "a')


def test_a_missing_config_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none.toml can't be read \(No such file or directory\)"):
        read_config(tmp_path / "none.toml")


@pytest.mark.slow
def test_config_and_sites_need_no_torch() -> None:
    code = (
        "import sys, scalescape.engine.recipes.config_checks, scalescape.engine.sites.preparation, "
        "scalescape.engine.sites.fold_distance; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "nodata"),
    [
        ("nodata = -9999", {"bio1.tif": -9999.0, "rgbn.tif": -9999.0}),
        ('nodata = "0 249..255"', {"bio1.tif": (0.0, (249.0, 255.0)), "rgbn.tif": (0.0, (249.0, 255.0))}),
        ("nodata = [0, [249, 255]]", {"bio1.tif": (0.0, (249.0, 255.0)), "rgbn.tif": (0.0, (249.0, 255.0))}),
        ('nodata = {"bio1.tif" = 7, "rgbn.tif" = "1..2"}', {"bio1.tif": 7.0, "rgbn.tif": ((1.0, 2.0),)}),
        ("", {}),
    ],
)  # fmt: skip
def test_nodata_may_be_numbers_ranges_and_by_file(folder: Path, said: str, nodata: dict[str, object]) -> None:
    text = SMALL.replace('["bio1.tif"]', '["bio1.tif", "rgbn.tif#2,1"]') + said
    found = read(folder, text).modality["bioclim"].nodata_by_file()
    assert found == {str(folder / file): value for file, value in nodata.items()}


def test_a_crs_may_be_given_for_all_rasters_or_by_file(folder: Path) -> None:
    text = SMALL.replace('["bio1.tif"]', '["bio1.tif", "rgbn.tif#2,1"]')
    one = read(folder, text + 'crs = "EPSG:4326"').modality["bioclim"]
    assert one.crs_by_file() == {str(folder / name): "EPSG:4326" for name in ("bio1.tif", "rgbn.tif")}
    other = read(folder, text + '[modality.bioclim.crs]\n"rgbn.tif" = "EPSG:3857"').modality["bioclim"]
    assert other.crs_by_file() == {str(folder / "rgbn.tif"): "EPSG:3857"}


@pytest.mark.parametrize(
    ("said", "key", "words"),
    [
        ('nodata = "x"', "modality.bioclim.nodata", "a number, a list of numbers and ranges"),
        ("nodata = [[2, 1]]", "modality.bioclim.nodata", "a number, a list of numbers and ranges"),
        ("nodata = true", "modality.bioclim.nodata", "a number, a list of numbers and ranges"),
        ("crs = 4326", "modality.bioclim.crs", "the name of a CRS in quotes"),
        ('nodata = {"bio2.tif" = 7}', "modality.bioclim.nodata", "is none of inputs; did you mean"),
        ('[modality.bioclim.crs]\n"x" = "EPSG:1"', "modality.bioclim.crs", "is none of inputs"),
    ],
)  # fmt: skip
def test_what_is_no_nodata_or_crs_is_told(folder: Path, said: str, key: str, words: str) -> None:
    assert words in faults(folder, SMALL + said)[key]
