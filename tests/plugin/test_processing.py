"""The algorithms: parameters that are wrong are named before anything runs."""

from __future__ import annotations

import json

import pytest
from feedback import Feedback
from plugin_stand_ins import polygon_layer, read_shapes, tag_raster, write_raster
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRasterLayer,
)
from scalescape.engine.protocol import RasterInput
from scalescape.plugin.core.vector_file import copy_of
from scalescape.plugin.processing.demo_algorithm import DemoAlgorithm
from scalescape.plugin.processing.map_algorithm import MapAlgorithm
from scalescape.plugin.processing.provider import ScalescapeProvider

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def algorithm():
    return MapAlgorithm().create({})


@pytest.fixture
def parameters(map_parameters, tmp_path):
    return {**map_parameters, "OUTPUT": str(tmp_path / "maps")}


def job_of(algorithm, parameters):
    context = QgsProcessingContext()
    good, said = algorithm.checkParameterValues(parameters, context)
    assert good, said
    return algorithm._prepare(parameters, context).job


def test_provider_and_ids():
    provider = ScalescapeProvider()
    provider.refreshAlgorithms()
    assert provider.id() == "scalescape"
    assert sorted(one.id() for one in provider.algorithms()) == [
        f"scalescape:{name}"
        for name in (
            "areas", "assess", "compare", "demo", "effects", "evaluate", "importpaper", "inspect", "map",
            "odmap", "products", "profile", "scenarios", "study", "train",
        )
    ]  # fmt: skip


def test_names_are_short_and_the_help_is_in_its_place():
    provider = ScalescapeProvider()
    provider.refreshAlgorithms()
    for one in provider.algorithms():
        assert 0 < len(one.displayName()) < 40, one.displayName()
        assert len(one.shortHelpString()) > 100, one.id()
        assert not one.icon().isNull() and one.tags()
        for parameter in one.parameterDefinitions():
            assert len(parameter.description()) <= 25, parameter.description()


def test_the_model_is_the_shipped_one_unless_told(algorithm):
    default = algorithm.parameterDefinition("MODEL").defaultValue()
    assert default.endswith("models/zoo/demo.safetensors")


def test_named_files_become_inputs_in_the_card_s_order(algorithm, parameters, rasters):
    job = job_of(algorithm, parameters)
    assert job.inputs == (
        RasterInput("bioclim", str(rasters["bioclim"]), (1, 2)),
        RasterInput("satellite", str(rasters["satellite"])),
    )
    assert (job.step, job.species, job.scales, job.edge, job.device, job.memory) == (
        1, (), {}, "nodata", "auto", 2 * 1024**3,
    )  # fmt: skip


def test_picked_layers_are_matched_by_name(algorithm, parameters, rasters):
    layers = [QgsRasterLayer(str(file), name) for name, file in rasters.items()]
    for layer in layers:
        QgsProject.instance().addMapLayer(layer)
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    parameters |= {"INPUTS": "", "LAYERS": [layer.id() for layer in layers]}
    job = algorithm._prepare(parameters, context).job
    QgsProject.instance().clear()
    assert [one.bands for one in job.inputs] == [(1, 2), (1, 2, 3, 4)]


def test_values_may_come_as_strings_or_lists(algorithm, parameters, rasters):
    file = rasters["satellite"]
    parameters |= {
        "INPUTS": [f"bioclim={rasters['bioclim']}", f"satellite={file}"],
        "STEP": "4",
        "SPECIES": "Quercus ilex; Fagus sylvatica",
        "SCALES": "satellite=25,59",
        "NODATA": f"{file}=0",
        "EDGE": "fill",
        "DEVICE": "cpu",
        "MEMORY": "0.5",
        "EXTENT": "500000,500040,4799960,4800000 [EPSG:32631]",
    }
    job = job_of(algorithm, parameters)
    assert (job.step, job.species) == (4, ("Quercus ilex", "Fagus sylvatica"))
    assert (job.scales, job.nodata) == ({"satellite": (25, 59)}, {str(file): 0.0})
    assert (job.edge, job.device, job.memory) == ("fill", "cpu", 1024**3 // 2)
    assert job.extent == (500000, 4799960, 500040, 4800000) and job.extent_crs == "EPSG:32631"


def test_how_a_map_is_computed_can_be_told(algorithm, parameters):
    job = job_of(algorithm, parameters)
    assert (job.blend, job.precision, job.method, job.verify, job.mask) == (False, "auto", "auto", 0, None)
    parameters |= {"BLEND": "true", "PRECISION": "bfloat16", "METHOD": "patch", "VERIFY": "50"}
    job = job_of(algorithm, parameters)
    assert (job.blend, job.precision, job.method, job.verify) == (True, "bfloat16", "patch", 50)


def test_what_is_made_can_be_told(algorithm, parameters):
    job = job_of(algorithm, parameters)
    assert (job.products, job.threshold, job.encoding, job.layout, job.cut_novel, job.clamp) == (
        ("probability", "novelty"), "largest-tss", "float32", "per-species", False, False,
    )  # fmt: skip
    parameters |= {"PRODUCTS": ["binary", "novelty"], "RULE": "minimum-presence", "ENCODING": "uint8",
                   "LAYOUT": "multiband", "CUT_NOVEL": "true", "CLAMP": True}  # fmt: skip
    job = job_of(algorithm, parameters)
    assert (job.products, job.threshold, job.encoding, job.layout, job.cut_novel, job.clamp) == (
        ("binary", "novelty"), "minimum-presence", "uint8", "multiband", True, True,
    )  # fmt: skip
    assert job_of(algorithm, {**parameters, "PRODUCTS": "top,richness", "THRESHOLD": "0.3"}).threshold == "0.3"


def prepared_job(algorithm, parameters):
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    assert algorithm.checkParameterValues(parameters, context)[0]
    assert algorithm.prepareAlgorithm(parameters, context, Feedback())
    return algorithm._prepared.job


def test_a_mask_file_is_passed_on_and_a_layer_or_its_selection_is_saved(algorithm, parameters, tmp_path):
    parks = polygon_layer([(500000, 4799920, 10), (500020, 4799920, 20)])
    file = copy_of(parks, file=tmp_path / "parks.gpkg")
    assert prepared_job(algorithm, {**parameters, "MASK": file}).mask == file
    QgsProject.instance().addMapLayer(parks)
    saved = prepared_job(algorithm, {**parameters, "MASK": parks.id()}).mask
    whole = prepared_job(
        algorithm, {**parameters, "MASK": QgsProcessingFeatureSourceDefinition(parks.id(), False)}
    ).mask
    parks.select(2)
    some = QgsProcessingFeatureSourceDefinition(parks.id(), True)
    selected = prepared_job(algorithm, {**parameters, "MASK": some}).mask
    first = prepared_job(
        algorithm, {**parameters, "MASK": QgsProcessingFeatureSourceDefinition(parks.id(), False, 1)}
    ).mask
    QgsProject.instance().clear()
    assert [[area for area, _ in read_shapes(one)[:-1]] for one in (saved, whole, selected, first)] == [
        [100, 400], [100, 400], [400], [100],
    ]  # fmt: skip
    assert saved.endswith("/parks.gpkg") and read_shapes(saved)[-1] == "EPSG:32631"


def test_a_mask_that_is_no_layer_is_named(algorithm, parameters):
    good, said = algorithm.checkParameterValues({**parameters, "MASK": "gone.gpkg"}, QgsProcessingContext())
    assert not good and "MASK" in said


def test_only_an_estimate_needs_no_folder_and_runs_nothing(algorithm, parameters, engine, tmp_path):
    engine.append("estimate")
    del parameters["OUTPUT"]
    good, said = algorithm.checkParameterValues(parameters, QgsProcessingContext())
    assert not good and said == "Choose a folder for the maps."
    feedback = Feedback()
    results, good = algorithm.run({**parameters, "ESTIMATE": True}, QgsProcessingContext(), feedback)
    assert good and results == {
        "WIDTH": 512, "HEIGHT": 498, "SECONDS": 200.0, "MEMORY_BYTES": 10**9, "DISK_BYTES": 9 * 10**6,
    }  # fmt: skip
    assert feedback.said == ["About 3 min, 1 GB of memory and at most 9 MB of disk for 512 × 498 pixels."]


def test_a_run_says_first_what_it_will_take(algorithm, parameters, engine, write_maps, tmp_path):
    engine.append("estimate")
    write_maps(tmp_path / "maps")
    feedback = Feedback()
    results, _ = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert feedback.said[0].startswith("About 3 min") and results["SECONDS"] == 0.1


def test_a_modality_that_is_off_needs_no_raster(algorithm, parameters, rasters):
    parameters |= {"INPUTS": f"satellite={rasters['satellite']}", "SCALES": "bioclim=none"}
    job = job_of(algorithm, parameters)
    assert [one.modality for one in job.inputs] == ["satellite"] and job.scales == {"bioclim": ()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MODEL": "gone.safetensors"}, "gone.safetensors can't be read"),
        ({"SPECIES": "Homo sapiens"}, "does not know the species “Homo sapiens”; it knows Quercus ilex"),
        ({"SCALES": "satellite=27"}, "satellite has no scale 27; it has 25, 59, 115"),
        ({"SCALES": "satellite=big"}, "names no scales"),
        ({"SCALES": "radar=1"}, "no modality “radar”; it has bioclim, satellite"),
        ({"SCALES": "satellite=none;bioclim=none"}, "All scales are off"),
        ({"INPUTS": "satellite"}, "write MODALITY=FILE"),
        ({"INPUTS": "satellite=gone.tif"}, "gone.tif does not exist"),
        ({"INPUTS": ""}, "bio1, bio12 is missing"),
        ({"NODATA": "zero"}, "no NoData value"),
        ({"EXTENT": "5,5,6,6 [EPSG:32631]"}, "extent is empty"),
    ],
)
def test_what_is_wrong_is_named(algorithm, parameters, changes, said):
    good, sentence = algorithm.checkParameterValues({**parameters, **changes}, QgsProcessingContext())
    assert not good and said in sentence


def test_a_missing_band_is_named(algorithm, parameters, tmp_path):
    half = write_raster(tmp_path / "half.tif", {"bio1": 1})
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    layer = QgsRasterLayer(str(half), "half")
    QgsProject.instance().addMapLayer(layer)
    parameters |= {"INPUTS": parameters["INPUTS"].splitlines()[0], "LAYERS": [layer.id()]}
    good, sentence = algorithm.checkParameterValues(parameters, context)
    QgsProject.instance().clear()
    assert not good and "No raster was given for bioclim: bio12 is missing" in sentence


def test_a_run_declares_its_outputs(algorithm, parameters, engine, write_maps, tmp_path):
    files = write_maps(tmp_path / "maps")
    feedback = Feedback()
    results, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert good and results["MAPS"] == sorted(files)
    assert sum("A warning of the engine." in said for said in feedback.said) == 1
    assert (results["WIDTH"], results["VALID_PIXELS"], results["DEVICE_USED"]) == (8, 64, "cpu")
    assert results["REPORT"] == str(tmp_path / "maps" / "run.json")
    declared = {output.name() for output in algorithm.outputDefinitions()}
    assert set(results) <= declared
    json.dumps(results)


def test_in_a_project_the_maps_are_opened_styled(algorithm, parameters, engine, write_maps, tmp_path):
    write_maps(tmp_path / "maps")
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    algorithm.run(parameters, context, Feedback())
    details = context.layersToLoadOnCompletion()
    assert sorted(one.name for one in details.values()) == [
        "Fagus sylvatica",
        "Pinus halepensis",
        "Quercus ilex",
    ]
    file, one = next(iter(details.items()))
    layer = QgsRasterLayer(file, "x")
    one.postProcessor().postProcessLayer(layer, context, Feedback())
    assert layer.renderer().shader().maximumValue() == 1
    assert "relative suitability" in layer.metadata().title()


def test_products_open_beside_the_maps_and_say_what_they_are(
    algorithm, parameters, engine, write_maps, tmp_path, context
):
    write_maps(tmp_path / "maps")
    novelty = tag_raster(
        write_raster(tmp_path / "maps" / "novelty.tif", {"MESS": -3}), PRODUCT="novelty", MEANING="MESS says."
    )
    stack = write_raster(tmp_path / "maps" / "probability.tif", {"Quercus ilex": 0.1, "Fagus sylvatica": 0.2})
    algorithm.run({**parameters, "CLAMP": True, "CUT_NOVEL": True}, context, Feedback())
    details = context.layersToLoadOnCompletion()
    assert details[str(stack)].name == "Quercus ilex (the first of 2 bands)"
    assert details[str(novelty)].name.startswith("Novelty (MESS)") and len(details) == 5
    layer = QgsRasterLayer(str(novelty), "x")
    details[str(novelty)].postProcessor().postProcessLayer(layer, context, Feedback())
    assert layer.renderer().classificationMin() == -20
    assert layer.abstract().startswith("MESS says.\nModel: test landscape")
    assert "Predictors clamped to the training range\nLeft out where it is novel" in layer.abstract()


def test_an_error_of_the_engine_is_one_sentence(algorithm, parameters, engine):
    engine.append("refuse")
    with pytest.raises(QgsProcessingException, match="bio1 is missing. Add the band."):
        algorithm.run(parameters, QgsProcessingContext(), Feedback(), catchExceptions=False)


def test_an_engine_python_that_does_not_exist_is_one_sentence(algorithm, parameters, monkeypatch):
    monkeypatch.setenv("SCALESCAPE_PYTHON", "/nowhere/python")
    with pytest.raises(QgsProcessingException, match="/nowhere/python, does not exist"):
        algorithm.run(parameters, QgsProcessingContext(), Feedback(), catchExceptions=False)


def test_cancel_ends_the_algorithm(algorithm, parameters, engine, tmp_path, model_file):
    import threading
    import time

    slow = model_file.rename(tmp_path / "slow.safetensors")
    feedback = Feedback()
    threading.Timer(0.5, feedback.cancel).start()
    start = time.monotonic()
    results, _ = algorithm.run({**parameters, "MODEL": str(slow)}, QgsProcessingContext(), feedback)
    assert time.monotonic() - start < 3
    assert "MAPS" not in results


def test_the_demo_algorithm_says_where_the_files_are(engine, tmp_path):
    algorithm = DemoAlgorithm().create({})
    results, good = algorithm.run({"OUTPUT": str(tmp_path / "d")}, QgsProcessingContext(), Feedback())
    assert good and results["SATELLITE"] == str(tmp_path / "d" / "satellite.tif")
