"""The algorithms about scales: what they ask, what they say, and what they write."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from feedback import Feedback
from plugin_stand_ins import polygon_layer, read_shapes, write_raster
from qgis.core import QgsProcessingContext, QgsProject
from scalescape.plugin.core.effect_layers import add_effects, effect_maps, map_title
from scalescape.plugin.core.layer_metadata import QUANTITY_PROPERTY
from scalescape.plugin.core.raster_style import rounded_up
from scalescape.plugin.core.result_layers import RunSummary
from scalescape.plugin.processing.effects_algorithm import EffectsAlgorithm
from scalescape.plugin.processing.inspect_algorithm import InspectAlgorithm
from scalescape.plugin.processing.profile_algorithm import ProfileAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def parameters(map_parameters):
    return map_parameters


def run(algorithm, parameters):
    algorithm = algorithm.create({})
    context, feedback = QgsProcessingContext(), Feedback()
    context.setProject(QgsProject.instance())
    good, said = algorithm.checkParameterValues(parameters, context)
    assert good, said
    outputs, good = algorithm.run(parameters, context, feedback)
    assert good, feedback.said
    return outputs, feedback.said, context


def refusal(algorithm, parameters):
    algorithm = algorithm.create({})
    good, said = algorithm.checkParameterValues(parameters, QgsProcessingContext())
    assert not good
    return said


def test_inspect_gives_numbers_and_windows(engine, parameters, tmp_path):
    file = tmp_path / "windows.gpkg"
    parameters |= {"POINT": "500100,4799900 [EPSG:32631]", "SPECIES": "Fagus sylvatica", "OUTPUT": str(file)}
    outputs, said, _ = run(InspectAlgorithm(), parameters)
    assert outputs["SPECIES_SHOWN"] == "Fagus sylvatica" and outputs["BIAS"] == -1.0
    assert outputs["LOGIT"] == pytest.approx(-1.0) and outputs["QUANTITY"] == "relative suitability"
    assert "satellite 590 m: +0.5000" in said
    *shapes, crs = read_shapes(file)
    assert crs == "EPSG:32631"
    assert [round(area**0.5) for area, _ in shapes] == [5000, 1150, 1000, 590, 250]
    assert shapes[1][1]["value"] == 1.0 and shapes[1][1]["scale_px"] == 115


def test_inspect_refuses_two_species(parameters):
    parameters |= {"POINT": "1,2", "SPECIES": "Fagus sylvatica; Quercus ilex"}
    assert "Name one species" in refusal(InspectAlgorithm(), parameters)


@pytest.fixture
def effects_folder(tmp_path):
    """Return a folder with maps as the engine writes them, of constant values."""
    from osgeo import gdal

    folder = tmp_path / "effects"
    folder.mkdir()
    keys = [("bioclim", 1), ("bioclim", 5), ("satellite", 25), ("satellite", 59), ("satellite", 115)]
    for place, (name, scale) in enumerate(keys):
        write_raster(folder / f"contribution_{name}_{scale}.tif", {"c": 0.5 * place})
        write_raster(folder / f"ablation_{name}_{scale}.tif", {"a": -0.0313 * place})
    write_raster(folder / "margin.tif", {"m": 0.5})
    write_raster(folder / "dominant.tif", {"d": 2.0})
    table, names = gdal.ColorTable(), ["no value"]
    for place, (name, scale) in enumerate(keys, start=1):
        table.SetColorEntry(place, (10 * place, 0, 0, 255))
        names.append(f"{name} {scale} px (9 m)")
    dataset = gdal.GetDriverByName("GTiff").Create(str(folder / "dominant.tif"), 8, 8, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform((500000.0, 10.0, 0.0, 4800000.0, 0.0, -10.0))
    band = dataset.GetRasterBand(1)
    band.SetColorTable(table)
    band.SetCategoryNames(names)
    band.Fill(4)
    del band, dataset
    return folder


def test_effects_are_asked_for_one_species(engine, parameters, effects_folder):
    parameters |= {"SPECIES": "Fagus sylvatica", "OUTPUT": str(effects_folder)}
    outputs, said, context = run(EffectsAlgorithm(), parameters)
    assert outputs["BIAS"] == -1.25 and outputs["LIMIT"] == 2.317 and len(outputs["MAPS"]) == 12
    assert outputs["DOMINANT"] == str(effects_folder / "dominant.tif")
    assert "Effects are the model's." in said
    opened = {details.name for details in context.layersToLoadOnCompletion().values()}
    assert {"Dominant scale", "satellite 590 m", "without satellite 590 m, 1.15 km"} <= opened
    assert "one at a time" in refusal(
        EffectsAlgorithm(), {**parameters, "SPECIES": "Fagus sylvatica;Quercus ilex"}
    )


def test_a_run_of_effects_is_one_group(card, effects_folder):
    project = QgsProject.instance()
    project.clear()
    files = [str(file) for file in sorted(effects_folder.glob("*.tif"))]
    layers = add_effects(project, card, files, 2.317, RunSummary("effects", ("a line",)))
    (group,) = project.layerTreeRoot().children()
    assert group.name() == "effects" and len(layers) == 12
    assert [one.name() for one in group.children()] == [
        "Dominant scale", "What each scale adds", "What is lost without",
    ]  # fmt: skip
    shown = [layer.name() for layer in layers if project.layerTreeRoot().findLayer(layer.id()).isVisible()]
    assert shown == ["Faded: small margin", "Dominant scale"], "the margin lies over it"
    ranges = {
        (layer.renderer().classificationMin(), layer.renderer().classificationMax())
        for layer in layers
        if layer.customProperty(QUANTITY_PROPERTY) == "Contribution (logit)"
    }
    assert ranges == {(-2.4, 2.4)}, "symmetric about zero, and the same for all"
    dominant = next(layer for layer in layers if layer.name() == "Dominant scale")
    labels = {one.label: one.color.red() for one in dominant.renderer().classes()}
    assert labels == {"bioclim 1 km": 10, "bioclim 5 km": 20, "satellite 250 m": 30, "satellite 590 m": 40,
                      "satellite 1.15 km": 50}  # fmt: skip
    project.clear()


def test_titles_of_ablations_say_what_is_off(card, effects_folder):
    maps = effect_maps(card, [str(file) for file in effects_folder.glob("*.tif")])
    titles = [map_title(card, one) for one in maps if one.kind == "ablation"]
    assert titles[0] == "without bioclim" and titles[-1] == "without satellite 1.15 km"


@pytest.mark.parametrize(("value", "end"), [(2.317, 2.4), (0.0841, 0.085), (12, 12), (0, 1), (float("nan"), 1)])
def test_the_end_of_a_ramp_has_two_digits(value, end):
    assert rounded_up(value) == pytest.approx(end)


def test_profile_writes_a_table_of_an_area(engine, parameters, tmp_path, model_file):
    file = tmp_path / "profile.csv"
    layer = polygon_layer([(500000, 4799950, 40)])
    QgsProject.instance().addMapLayer(layer)
    parameters |= {
        "OUTPUT": str(file),
        "MASK": layer.id(),
        "SPECIES": "Quercus ilex",
        "REFITS": [str(model_file)],
    }
    outputs, said, _ = run(ProfileAlgorithm(), parameters)
    QgsProject.instance().clear()
    assert (outputs["PIXELS"], outputs["STEP_USED"], outputs["MODELS"]) == (1234, 4, 2)
    assert any(line.endswith(".gpkg") for line in said), "a memory layer is saved for the engine"
    assert any("end of the range tried" in line and "2 of 2 models agree" in line for line in said)
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sum(float(row["variance_share"]) for row in rows) == pytest.approx(1)
    assert (
        rows[0]["variance_share"] == "-0.0625" and rows[4]["dominant"] == "yes" and rows[4]["at_end"] == "yes"
    )


def test_profile_names_a_refit_that_is_missing(parameters, tmp_path):
    parameters |= {"OUTPUT": str(tmp_path / "p.csv"), "REFITS": [str(Path("/nowhere/refit.safetensors"))]}
    assert "/nowhere/refit.safetensors does not exist" in refusal(ProfileAlgorithm(), parameters)
