"""Areas above threshold from Processing."""

from __future__ import annotations

import pytest
from algorithm_runs import asked, finished, opened, refusal, run
from feedback import Feedback
from plugin_stand_ins import add_raster, polygon_layer, read_attributes, write_raster
from qgis.core import (
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsRasterLayer,
    QgsVectorLayer,
)
from scalescape.plugin.processing.areas_algorithm import AreasAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app", "engine")


@pytest.fixture
def maps(tmp_path):
    return [str(write_raster(tmp_path / f"{name}.tif", {name: 0.5})) for name in ("Picea", "Fagus")]


@pytest.fixture
def parameters(maps, tmp_path):
    return {"MAPS": maps, "OUTPUT": str(tmp_path / "areas")}


def test_what_is_chosen_becomes_the_job(parameters, maps, context, tmp_path):
    novelty = write_raster(tmp_path / "novelty.tif", {"MESS": 5.0})
    parameters |= {"FOLDER": str(tmp_path), "THRESHOLD": 0.5, "NOVELTY": str(novelty)}
    outputs, said = run(AreasAlgorithm(), parameters, context)
    folder = str(tmp_path / "areas")
    assert asked(said) == {
        "maps": [*maps, str(tmp_path)], "out": folder, "polygons": None, "name_field": None, "threshold": 0.5,
        "novelty": str(novelty),
    }  # fmt: skip
    assert outputs == {
        "OUTPUT": folder, "AREAS": f"{folder}/areas.gpkg", "TABLE": f"{folder}/areas.csv",
        "CHART": f"{folder}/areas.svg", "ROWS": 3,
    }  # fmt: skip


def test_a_report_gives_the_whole_map_by_each_rule(parameters, context):
    _, said = run(AreasAlgorithm(), parameters, context)
    assert asked(said)["threshold"] is None and asked(said)["novelty"] is None
    assert said[1:] == [
        "Picea (picea.tif): above threshold 1,234 km² (largest TSS, 0.41), 4 km² (given, 0.5), of 80 km² with "
        "a value, of which 8 km² lie outside the training range",
        "Fagus (fagus.tif): above threshold 0.03 km² (given, 0.5), of 80 km² with a value, of which 8 km² lie "
        "outside the training range",
    ]


def test_a_report_of_many_species_ends(parameters, context):
    _, said = run(AreasAlgorithm(), {**parameters, "THRESHOLD": 0.75}, context)
    assert len(said) == 22 and said[-1] == "3 more are in the table."


def test_a_memory_layer_or_its_selection_is_saved_with_its_names(parameters, project, context):
    parks = polygon_layer([(500000, 4799920, 10), (500020, 4799920, 20)])
    project.addMapLayer(parks)
    parameters["NAME_FIELD"] = "fid"
    _, said = run(AreasAlgorithm(), {**parameters, "POLYGONS": parks.id()}, context)
    assert asked(said)["name_field"] == "fid"
    assert [one["fid"] for one in read_attributes(asked(said)["polygons"])] == ["the same", "the same"]
    parks.select(2)
    some = QgsProcessingFeatureSourceDefinition(parks.id(), True)
    _, said = run(AreasAlgorithm(), {**parameters, "POLYGONS": some}, context)
    assert len(read_attributes(asked(said)["polygons"])) == 1


def test_layers_of_the_project_are_their_files(parameters, maps, project, context):
    layers = [add_raster(project, file, "a map").id() for file in maps]
    _, said = run(AreasAlgorithm(), {**parameters, "MAPS": layers}, context)
    assert asked(said)["maps"] == maps


def test_the_table_opens_and_says_what_its_numbers_are(parameters, context, tmp_path):
    run(AreasAlgorithm(), parameters, context)
    file = str(tmp_path / "areas" / "areas.gpkg")
    assert opened(context) == {file: "Areas above threshold (km²)"}
    table = finished(context, file, QgsVectorLayer("None?field=species:string", "areas", "memory"))
    assert "neither a range" in table.abstract()


def test_the_table_may_stay_shut(parameters, context):
    run(AreasAlgorithm(), {**parameters, "OPEN": False}, context)
    assert opened(context) == {}


def test_a_map_that_is_gone_is_named_though_others_are_there(parameters, maps, context):
    said = refusal(AreasAlgorithm(), {**parameters, "MAPS": [maps[0], "/nowhere/gone.tif"]}, context)
    assert "MAPS" in said


def test_one_map_may_come_as_text_or_as_a_layer(parameters, maps, context):
    for one in (maps[0], [QgsRasterLayer(maps[0], "a layer")]):
        _, said = run(AreasAlgorithm(), {**parameters, "MAPS": one}, context)
        assert asked(said)["maps"] == [maps[0]]


def test_a_cancelled_run_opens_nothing(parameters, engine, context):
    engine.append("cancelled")
    outputs, said = run(AreasAlgorithm(), parameters, context)
    assert set(outputs) == {"OUTPUT"} and said == ["Cancelled; nothing was written."] and not opened(context)


def test_an_answer_that_lacks_something_is_one_sentence(parameters, engine, context):
    engine.append("lacks")
    algorithm = AreasAlgorithm().create({})
    with pytest.raises(QgsProcessingException, match="answer can't be understood"):
        algorithm.run(parameters, context, Feedback(), catchExceptions=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MAPS": []}, "Choose maps, or a folder of maps."),
        ({"FOLDER": "/nowhere"}, "The folder /nowhere does not exist."),
    ],
)
def test_what_is_wrong_is_named(parameters, context, changes, said):
    assert refusal(AreasAlgorithm(), {**parameters, **changes}, context) == said
