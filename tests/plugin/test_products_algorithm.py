"""Products of finished maps, and the record of their run, from Processing."""

from __future__ import annotations

import json

import pytest
from algorithm_runs import asked, finished, opened, refusal, run
from plugin_stand_ins import tag_raster, write_raster
from qgis.core import QgsRasterLayer
from scalescape.plugin.processing.odmap_algorithm import OdmapAlgorithm
from scalescape.plugin.processing.opened_products import open_products
from scalescape.plugin.processing.products_algorithm import ProductsAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app", "engine")


@pytest.fixture
def maps(tmp_path):
    """Return a folder that holds already what the engine would make."""
    folder = tmp_path / "maps"
    folder.mkdir()
    file = write_raster(folder / "picea_binary.tif", {"Picea: binary": 1}, byte=True)
    tag_raster(file, PRODUCT="binary", SPECIES="Picea", QUANTITY="above threshold (largest TSS)")
    return folder


def test_products_are_asked_for_and_open_styled(maps, context):
    outputs, said = run(ProductsAlgorithm(), {"FOLDER": str(maps)}, context)
    assert asked(said) == {
        "folder": str(maps), "products": ["binary"], "threshold": "largest-tss", "include_unproven": False,
    }  # fmt: skip
    file = str(maps / "picea_binary.tif")
    assert outputs == {"OUTPUT": str(maps), "MAPS": [file]}
    assert said[1] == f"1 maps of 8 × 9 pixels in {maps}"
    assert opened(context) == {file: "Picea: above threshold (largest TSS)"}
    layer = finished(context, file, QgsRasterLayer(file, "picea"))
    assert [one.label for one in layer.renderer().classes()] == ["below threshold", "at or above threshold"]


def test_the_novelty_of_each_scale_is_left_in_the_folder(tmp_path, context):
    files = [
        str(tag_raster(write_raster(tmp_path / f"{name}.tif", {name: 1.0}), PRODUCT=product))
        for name, product in (("novelty", "novelty"), ("novelty_features_bioclim_1", "novelty of features"))
    ]
    open_products(files, "a run", (), context, "MAPS")
    assert list(opened(context)) == files[:1]


@pytest.mark.parametrize("products", [["top", "richness"], "top,richness"])
def test_several_products_may_come_as_a_list_or_text(maps, context, products):
    parameters = {"FOLDER": str(maps), "PRODUCTS": products, "RULE": "minimum-presence"}
    _, said = run(ProductsAlgorithm(), parameters, context)
    assert asked(said)["products"] == ["top", "richness"] and asked(said)["threshold"] == "minimum-presence"


def test_what_is_wrong_is_named(maps, context):
    assert (
        refusal(ProductsAlgorithm(), {"FOLDER": "/nowhere"}, context) == "The folder /nowhere does not exist."
    )
    said = refusal(ProductsAlgorithm(), {"FOLDER": str(maps), "PRODUCTS": ["novelty"]}, context)
    assert "PRODUCTS" in said or "Products" in said


def test_a_record_says_how_much_is_left(maps, model_file, context):
    (maps / "run.json").write_text("{}")
    outputs, said = run(OdmapAlgorithm(), {"FOLDER": str(maps), "MODEL": str(model_file)}, context)
    assert json.loads(outputs["CSV"]) == {"folder": str(maps), "model": str(model_file)}
    assert (outputs["ANSWERED"], outputs["LEFT"]) == (41, 12)
    assert said == [f"41 elements are filled in and 12 are left to the author: {maps}/odmap.html"]


def test_a_record_needs_a_run_and_its_model(maps, context):
    said = refusal(OdmapAlgorithm(), {"FOLDER": str(maps)}, context)
    assert said == f"{maps} holds no run.json; choose the folder of a run."
    (maps / "run.json").write_text("{}")
    _, told = run(OdmapAlgorithm(), {"FOLDER": str(maps)}, context)
    assert len(told) == 1
    parameters = {"FOLDER": str(maps), "MODEL": "/nowhere/a.safetensors"}
    assert refusal(OdmapAlgorithm(), parameters, context) == "/nowhere/a.safetensors does not exist."
