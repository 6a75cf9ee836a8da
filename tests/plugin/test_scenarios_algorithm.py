"""Several states of the world mapped from Processing."""

from __future__ import annotations

import pytest
from algorithm_runs import asked, finished, opened, refusal, run
from plugin_stand_ins import add_raster, tag_raster, write_raster
from qgis.core import QgsDateTimeRange, QgsRasterLayer
from qgis.PyQt.QtCore import QDate, QDateTime, Qt, QTime
from scalescape.engine.protocol.finished_results import ScenarioMaps
from scalescape.plugin.core.world_state import states_of
from scalescape.plugin.processing.scenarios_algorithm import ScenariosAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app", "engine")


@pytest.fixture
def future(tmp_path):
    return write_raster(tmp_path / "climate_2050.tif", {"bio1": 14.0, "bio12": 700.0}, pixel=1000)


@pytest.fixture
def parameters(model_file, rasters, future, tmp_path):
    """Return two scenarios that bring their climate, and a scene of today; their maps are there already."""
    for name in ("today", "2050"):
        folder = tmp_path / "futures" / name
        folder.mkdir(parents=True)
        file = write_raster(folder / "picea.tif", {"Picea": 0.4})
        tag_raster(file, PRODUCT="probability", SPECIES="Picea", MEANING="Relative.")
    return {
        "MODEL": str(model_file),
        "INPUTS": f"satellite={rasters['satellite']}",
        "SCENARIOS": f"today:bioclim={rasters['bioclim']}\n2050@2050-01-01:bioclim={future}#1,2",
        "OUTPUT": str(tmp_path / "futures"),
    }


def test_what_every_scenario_brings_need_not_be_given(parameters, rasters, future, context):
    _, said = run(ScenariosAlgorithm(), parameters, context)
    job = asked(said)
    scene = {"modality": "satellite", "file": str(rasters["satellite"]), "bands": []}
    assert job["inputs"] == [scene]
    assert job["scenarios"] == [
        {"name": "today", "date": "",
         "inputs": [{"modality": "bioclim", "file": str(rasters["bioclim"]), "bands": []}]},
        {"name": "2050", "date": "2050-01-01",
         "inputs": [{"modality": "bioclim", "file": str(future), "bands": [1, 2]}]},
    ]  # fmt: skip
    assert job["products"] == ["probability", "novelty"] and job["step"] == 1


def test_what_some_scenario_lacks_must_be_given(parameters, rasters, future, project, context):
    parameters["SCENARIOS"] = [f"a:bioclim={future}", f"b:satellite={rasters['satellite']}"]
    said = refusal(ScenariosAlgorithm(), parameters, context)
    assert "No raster was given for bioclim" in said
    layer = add_raster(project, rasters["bioclim"], "climate")
    _, said = run(ScenariosAlgorithm(), {**parameters, "LAYERS": [layer.id()]}, context)
    assert [one["modality"] for one in asked(said)["inputs"]] == ["bioclim", "satellite"]


def test_layers_say_their_scenario_and_what_was_held(parameters, context, tmp_path):
    outputs, said = run(ScenariosAlgorithm(), parameters, context)
    folder = tmp_path / "futures"
    now, then = str(folder / "today" / "picea.tif"), str(folder / "2050" / "picea.tif")
    assert outputs["MAPS"] == [now, then] and outputs["REPORT"] == str(folder / "scenarios.json")
    assert said[1:] == [
        "today: Mind this.", f"today (satellite held at today): 1 maps in {folder / 'today'}",
        "2050: Mind this.", f"2050 (satellite held at today): 1 maps in {folder / '2050'}",
    ]  # fmt: skip
    assert opened(context) == {
        now: "Picea · today (satellite held at today)", then: "Picea · 2050 (satellite held at today)",
    }  # fmt: skip
    layer = finished(context, then, QgsRasterLayer(then, "x"))
    assert layer.abstract().startswith("Relative.\nScenario: 2050 (satellite held at today)")
    assert "bioclim: climate_2050.tif" in layer.abstract()
    begin, end = (QDateTime(QDate(year, 1, 1), QTime(0, 0), Qt.TimeSpec.UTC) for year in (2050, 2051))
    properties = layer.temporalProperties()
    assert properties.isActive()
    assert properties.fixedTemporalRange() == QgsDateTimeRange(begin, end, True, False)
    assert not finished(context, now, QgsRasterLayer(now, "x")).temporalProperties().isActive()


def test_a_cancelled_run_says_what_stays(parameters, engine, context):
    engine.append("cancelled")
    outputs, said = run(ScenariosAlgorithm(), parameters, context)
    assert outputs == {"OUTPUT": parameters["OUTPUT"]}
    assert said == [f"Cancelled; the maps of scenarios that were done stay in {parameters['OUTPUT']}."]


def test_a_state_shows_until_the_next_and_the_last_as_long_as_the_one_before():
    dates = ("2070-01-01", "", "2030-01-01", "2050-01-01")
    states = states_of([ScenarioMaps(f"s{date}", date, "", (), (), ()) for date in dates])
    spans = [None if one.begin is None else (one.begin.year, one.end.year) for one in states]
    assert spans == [(2070, 2090), None, (2030, 2050), (2050, 2070)]
    assert states[0].title == "s2070-01-01", "nothing was held"


@pytest.mark.parametrize(
    ("scenarios", "said"),
    [
        (" ", "at least one scenario"),
        ("2050", "“2050” is no scenario"),
        (":bioclim={file}", "is no scenario"),
        ("2050@soon:bioclim={file}", "“soon” is no date of the scenario 2050"),
        ("2050:radar={file}", "no modality “radar”"),
        ("2050:bioclim=gone.tif", "gone.tif does not exist"),
        ("2050:bioclim={file}\n2050:bioclim={file}", "Two scenarios are called “2050”"),
    ],
)
def test_what_is_wrong_is_named(parameters, future, context, scenarios, said):
    parameters["SCENARIOS"] = scenarios.format(file=future)
    assert said in refusal(ScenariosAlgorithm(), parameters, context)
