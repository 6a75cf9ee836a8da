"""Two maps compared from Processing."""

from __future__ import annotations

import pytest
from algorithm_runs import asked, finished, opened, refusal, run
from plugin_stand_ins import add_raster, tag_raster, write_raster
from qgis.core import QgsRasterLayer
from scalescape.plugin.processing.compare_algorithm import CompareAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app", "engine")


@pytest.fixture
def parameters(tmp_path):
    """Return parameters whose folder holds already what the engine would write."""
    out = tmp_path / "change"
    out.mkdir()
    loss = {"stable present": (0, 109, 44), "loss": (217, 95, 2)}
    write_raster(out / "change.tif", {"change": 2}, byte=True)
    tag_raster(out / "change.tif", loss, PRODUCT="change", SPECIES="Picea")
    write_raster(out / "difference.tif", {"difference": -0.25})
    tag_raster(out / "difference.tif", PRODUCT="difference", SPECIES="Picea", MEANING="Second minus first.")
    maps = {
        name: str(write_raster(tmp_path / f"{name}.tif", {"Picea": value}))
        for name, value in (("today", 0.6), ("2050", 0.4))
    }
    return {"BEFORE": maps["today"], "AFTER": maps["2050"], "OUTPUT": str(out)}


def test_what_is_chosen_becomes_the_job(parameters, context):
    outputs, said = run(CompareAlgorithm(), parameters, context)
    assert asked(said) == {
        "before": parameters["BEFORE"], "after": parameters["AFTER"], "out": parameters["OUTPUT"],
        "threshold": "largest-tss",
    }  # fmt: skip
    assert {name: outputs[name] for name in outputs if name.endswith("KM2")} == {
        "GAIN_KM2": 0.0125, "LOSS_KM2": 3.25, "STABLE_PRESENT_KM2": 30.0, "STABLE_ABSENT_KM2": 1040.0,
        "ONLY_ONE_KM2": 7.0,
    }  # fmt: skip
    assert outputs["MEAN_DIFFERENCE"] == -0.125 and outputs["SPECIES"] == "Picea"


@pytest.mark.parametrize(
    ("changes", "threshold"),
    [
        ({"RULE": "minimum-presence"}, "minimum-presence"),
        ({"RULE": "minimum-presence", "THRESHOLD": 0.5}, "0.5"),
        ({"THRESHOLD": "0.25"}, "0.25"),
        ({"THRESHOLD": 0}, "0.0"),
    ],
)
def test_a_number_goes_before_the_rule(parameters, context, changes, threshold):
    _, said = run(CompareAlgorithm(), {**parameters, **changes}, context)
    assert asked(said)["threshold"] == threshold


def test_a_report_gives_thresholds_areas_and_what_is_left_out(parameters, context):
    _, said = run(CompareAlgorithm(), parameters, context)
    assert "(threshold 0.41)" in said[1] and "(threshold 0.52), by the rule largest TSS" in said[1]
    assert said[2:] == [
        "Picea, area above threshold: stable present 30 km², loss 3.25 km², gain 0.0125 km², stable absent "
        "1,040 km²",
        "Mean difference -0.125",
        "7 km² have a value in one map alone",
    ]


def test_change_opens_with_its_categories_and_the_difference_about_zero(parameters, context):
    outputs, _ = run(CompareAlgorithm(), parameters, context)
    change, difference = outputs["CHANGE"], outputs["DIFFERENCE"]
    assert opened(context) == {
        change: "Picea: gain and loss of area above threshold",
        difference: "Picea: difference, second minus first map",
    }
    layer = finished(context, change, QgsRasterLayer(change, "change"))
    assert [one.label for one in layer.renderer().classes()] == ["stable present", "loss"]
    assert "loss 3.25 km²" in layer.abstract(), "each layer carries the areas"
    layer = finished(context, difference, QgsRasterLayer(difference, "difference"))
    assert layer.renderer().classificationMin() == -layer.renderer().classificationMax() == -0.25
    assert layer.abstract().startswith("Second minus first.")


def test_a_layer_of_the_project_is_its_file(parameters, project, context):
    layer = add_raster(project, parameters["BEFORE"], "today")
    _, said = run(CompareAlgorithm(), {**parameters, "BEFORE": layer.id()}, context)
    assert asked(said)["before"] == parameters["BEFORE"]


def test_what_can_t_be_read_is_named(parameters, context):
    assert "AFTER" in refusal(CompareAlgorithm(), {**parameters, "AFTER": "gone.tif"}, context)


def test_the_maps_may_stay_shut(parameters, context):
    run(CompareAlgorithm(), {**parameters, "OPEN": False}, context)
    assert opened(context) == {}
