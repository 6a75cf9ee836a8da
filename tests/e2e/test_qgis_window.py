"""The whole road in the real QGIS window: choose the model, press Run, look at the maps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from qgis_run import DEMO_MODEL, ENGINE, HERE, PICTURES, run, visited
from rasterio.transform import Affine
from unusable_raster import CORNER, CRS, FAR, noise_raster

SIZE, SEED, STEP = 1024, 11, 2
LONGEST_GAP_S = 2.0
SAME = 1e-5
PRODUCTS = ("probability", "binary", "richness", "top", "novelty")

pytestmark = pytest.mark.skipif(
    shutil.which("qgis") is None or shutil.which("xvfb-run") is None, reason="needs QGIS and xvfb-run"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> dict:
    """Return what the script in the window saw; pictures lie in build/e2e."""
    folder = tmp_path_factory.mktemp("e2e")
    for old in PICTURES.glob("*.png"):
        old.unlink()
    landscape, model = folder / "landscape", DEMO_MODEL
    run(*ENGINE, "demo", str(landscape), "--size", str(SIZE), "--seed", str(SEED))
    if not model.exists():
        model = folder / "random.safetensors"
        run(ENGINE[0], str(HERE / "random_model.py"), str(landscape), str(model))
    inputs = [f"--input={name}={landscape / name}.tif" for name in ("satellite", "bioclim")]
    how = ("--step", str(STEP), "--products", ",".join(PRODUCTS))
    run(*ENGINE, "map", str(model), *inputs, "--out", str(folder / "reference"), *how)
    task = {
        "landscape": str(landscape),
        "model": str(model),
        "out": str(folder / "maps"),
        "reference": str(folder / "reference"),
        "step": STEP,
        "products": PRODUCTS,
        "bad": {name: [modality, str(file)] for name, (modality, file) in bad_rasters(folder).items()},
    }
    return visited("window_script.py", task, folder, PICTURES, "1500x1000")


def bad_rasters(folder: Path) -> dict[str, tuple[str, Path]]:
    """Write rasters that can't be used; by what is wrong, the modality that gets each."""
    cases = {
        "no CRS": ("satellite", (4, 300, 300), CORNER, None),
        "rotated": ("satellite", (4, 300, 300), CORNER @ Affine.rotation(15), CRS),
        "one pixel": ("satellite", (4, 1, 1), CORNER, CRS),
        "no overlap": ("bioclim", (2, 30, 30), FAR, CRS),
        "missing band": ("satellite", (3, 300, 300), CORNER, CRS),
    }
    return {
        name: (modality, noise_raster(folder / f"{name.replace(' ', '_')}.tif", *grid))
        for name, (modality, *grid) in cases.items()
    }


SENTENCES = {
    "no CRS": "no coordinate system",
    "rotated": "rotated",
    "one pixel": "1 × 1 pixels",
    "no overlap": "does not overlap",
    "missing band": "needs 4 bands",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_an_unusable_raster_gets_its_sentence_in_the_dock(report, name):
    said, can_run = report["said"][name]
    assert SENTENCES[name] in said and not can_run, said
    assert "--" not in said, "the dock has no command-line options"


def test_a_press_of_run_ends_well(report):
    assert report["end"][0] == "success", report["end"]
    assert report["was_hidden"] and report["cancel_enabled"]


def test_every_species_has_a_layer_in_one_group(report):
    assert len(report["groups"]) == 1
    assert len(report["layers"]) == 12
    assert all("elative suitability" in layer["title"].lower() for layer in report["layers"])


def test_values_are_probabilities_and_the_style_is_the_same_for_all(report):
    for layer in report["layers"]:
        assert 0 <= layer["min"] <= layer["max"] <= 1
        assert layer["spread"] > 1e-4, "a map of one value shows nothing"
        assert layer["share_valid"] > 0.5
        assert layer["style"] == [0, 1]


def test_the_maps_are_those_of_the_command_line(report):
    for layer in report["layers"]:
        assert layer["same_nodata"] and layer["difference"] <= SAME, layer


def test_every_kind_of_map_is_a_part_with_the_maps_of_the_command_line(report):
    assert report["ticked"] == list(PRODUCTS)
    parts = report["parts"]
    assert list(parts) == ["Novelty", "Richness and top species", "Above threshold"]
    assert [len(layers) for layers in parts.values()] == [9, 2, 12]
    for name, same_nodata, difference in (layer for layers in parts.values() for layer in layers):
        assert same_nodata and difference <= 1e-3, name


def test_a_preview_came_first_and_was_replaced(report):
    assert report["previews"] == 12
    assert report["preview_s"] < report["run_s"]
    assert report["left_over"] == []


def test_neither_view_nor_active_layer_was_taken_from_the_user(report):
    assert report["canvas_kept"] and report["active_kept"]


def test_qgis_stayed_responsive(report):
    print(f"longest gap of the event loop: {report['longest_gap_s']} s in {report['run_s']} s")
    assert report["longest_gap_s"] < LONGEST_GAP_S, report["gaps_over_100_ms"]
