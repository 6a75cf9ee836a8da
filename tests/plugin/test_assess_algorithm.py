"""A map tested with a survey from Processing."""

from __future__ import annotations

import pytest
from algorithm_runs import asked, finished, opened, refusal, run
from plugin_stand_ins import point_layer, read_attributes, write_raster
from qgis.core import QgsProcessingFeatureSourceDefinition
from scalescape.plugin.processing.assess_algorithm import AssessAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app", "engine")


@pytest.fixture
def survey(project):
    """Return a memory layer of the project with found and not found, and one that was not surveyed."""
    layer = point_layer([("a", 1, 0), ("b", 0, 1), ("c", None, 1)], "survey")
    project.addMapLayer(layer)
    return layer


@pytest.fixture
def parameters(survey, tmp_path):
    picea = write_raster(tmp_path / "picea.tif", {"Picea": 0.6})
    return {"MAP": str(picea), "SITES": survey.id(), "PRESENCE": "oak", "OUTPUT": str(tmp_path / "out")}


def test_what_is_chosen_becomes_the_job(parameters, context):
    outputs, said = run(AssessAlgorithm(), parameters, context)
    job = asked(said)
    assert read_attributes(job.pop("sites"))[1]["oak"] == 0, "a memory layer is saved with its fields"
    assert job == {
        "map": parameters["MAP"], "out": parameters["OUTPUT"], "presence": "oak", "x": None, "y": None,
        "crs": None, "threshold": None,
    }  # fmt: skip
    assert (outputs["AUC"], outputs["AUC_LOW"], outputs["AUC_HIGH"]) == (0.871, 0.84, 0.9021)
    assert outputs["BRIER"] is None and outputs["TSS"] == 0.61 and outputs["BOYCE"] == 0.9
    assert (outputs["N_PRESENCE"], outputs["N_ABSENCE"], outputs["N_BLOCKS"]) == (34, 66, 23)
    assert outputs["ERRORS"].endswith("/out/errors.gpkg") and outputs["REPORT"].endswith("/out/report.html")


@pytest.mark.parametrize(
    ("changes", "threshold"),
    [({"RULE": "auto"}, None), ({"RULE": "largest-tss"}, "largest-tss"), ({"THRESHOLD": 0.3}, "0.3")],
)
def test_a_threshold_may_be_asked_for(parameters, context, changes, threshold):
    _, said = run(AssessAlgorithm(), {**parameters, **changes}, context)
    assert asked(said)["threshold"] == threshold


def test_a_selection_is_the_survey(parameters, survey, context):
    survey.select(2)
    some = QgsProcessingFeatureSourceDefinition(survey.id(), True)
    _, said = run(AssessAlgorithm(), {**parameters, "SITES": some, "PRESENCE": None}, context)
    assert [one["species"] for one in read_attributes(asked(said)["sites"])] == ["b"]
    assert asked(said)["presence"] is None


def test_figures_are_told_with_intervals_and_numbers(parameters, context):
    _, said = run(AssessAlgorithm(), parameters, context)
    assert said[1:] == [
        "Picea: 34 presences and 66 absences in 23 blocks of land",
        "AUC 0.871 (95 % interval 0.840 to 0.902)",
        "Average precision 0.500 (without an interval)",
        "TSS 0.610 (95 % interval 0.500 to 0.700) at the threshold 0.41 (largest TSS of the model's card)",
        "Boyce index 0.900 (95 % interval 0.700 to 1.000)",
        "Brier score none",
        "At the threshold: hit 30, miss 4, false alarm 11, correct rejection 55",
    ]


def test_points_open_coloured_by_outcome(parameters, context):
    from qgis.core import QgsVectorLayer

    outputs, _ = run(AssessAlgorithm(), parameters, context)
    assert opened(context) == {outputs["ERRORS"]: "Picea: hits and errors at 0.41"}
    points = QgsVectorLayer("Point?crs=EPSG:32631&field=outcome:string", "errors", "memory")
    renderer = finished(context, outputs["ERRORS"], points).renderer()
    assert renderer.classAttribute() == "outcome"
    assert {one.value(): one.label().rsplit("(")[-1] for one in renderer.categories()} == {
        "hit": "30)", "miss": "4)", "false alarm": "11)", "correct rejection": "55)",
    }  # fmt: skip
    assert len({one.symbol().color().name() for one in renderer.categories()}) == 4
    assert "AUC 0.871" in points.abstract()


def test_a_map_that_is_gone_is_named(parameters, context):
    assert "MAP" in refusal(AssessAlgorithm(), {**parameters, "MAP": "gone.tif"}, context)
