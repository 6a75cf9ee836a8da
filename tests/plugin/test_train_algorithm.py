"""Training and judging from Processing: what is chosen becomes a config, a job, and outputs."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest
from feedback import Feedback
from plugin_stand_ins import point_layer, polygon_layer, read_attributes, write_raster
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsRasterLayer,
    QgsRasterRange,
)
from scalescape.engine.protocol import EvaluateJob, TrainJob
from scalescape.plugin.core import settings
from scalescape.plugin.core.training_config import MARK
from scalescape.plugin.core.vector_file import copy_of
from scalescape.plugin.processing.evaluate_algorithm import EvaluateAlgorithm
from scalescape.plugin.processing.train_algorithm import TrainAlgorithm

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def algorithm():
    return TrainAlgorithm().create({})


@pytest.fixture
def sites(project):
    layer = point_layer([("Quercus ilex", 1, 0), ("Fagus sylvatica", 0, None)])
    project.addMapLayer(layer)
    return layer


@pytest.fixture
def parameters(sites, rasters, project, tmp_path):
    layers = {name: QgsRasterLayer(str(file), name) for name, file in rasters.items()}
    for layer in layers.values():
        project.addMapLayer(layer)
    return {
        "SITES": sites.id(),
        "SPECIES_FIELD": "species",
        "CLIMATE": [layers["bioclim"].id()],
        "IMAGERY": [layers["satellite"].id()],
        "OUTPUT": str(tmp_path / "made" / "oaks.safetensors"),
    }


def config_of(algorithm, parameters, context):
    """Return the config that is written, read by Python's own reader of TOML."""
    tomllib = pytest.importorskip("tomllib")
    good, said = algorithm.checkParameterValues(parameters, context)
    assert good, said
    assert algorithm.prepareAlgorithm(parameters, context, Feedback())
    with open(algorithm._job.config, "rb") as file:
        return tomllib.load(file)


def test_layers_of_the_project_become_a_config_beside_the_model(
    algorithm, parameters, context, rasters, tmp_path
):
    config = config_of(algorithm, parameters, context)
    assert config == {
        "sites": {"train": "oaks.train.gpkg", "kind": "po", "species": "species"},
        "modality": {
            "bioclim": {"inputs": [str(rasters["bioclim"])]},
            "satellite": {"inputs": [str(rasters["satellite"])]},
        },
        "model": {"preset": "default"},
    }
    made = tmp_path / "made"
    assert algorithm._job == TrainJob(str(made / "oaks.toml"), str(made / "oaks.safetensors"), True, "auto")
    rows = read_attributes(made / "oaks.train.gpkg")
    assert [row["species"] for row in rows] == ["Quercus ilex", "Fagus sylvatica"]
    text = (made / "oaks.toml").read_text()
    assert text.startswith(MARK) and "scalescape train oaks.toml --out oaks.safetensors" in text


def test_everything_that_can_be_said_is_in_the_config(
    algorithm, parameters, context, project, rasters, tmp_path
):
    area = polygon_layer([(500000, 4799920, 10)], "reachable")
    tests = point_layer([("", 1, 1)], "surveys")
    background = point_layer([("", 0, 0)], "effort")
    for layer in (area, tests, background):
        project.addMapLayer(layer)
    ndvi = write_raster(tmp_path / "ndvi.tif", {"ndvi": 0.5})
    parameters |= {
        "SPECIES_FIELD": "", "SPECIES_FIELDS": ["oak", "beech"], "KIND": "pa-balanced",
        "TEST": tests.id(), "TEST_FIELDS": "oak;beech", "BACKGROUND": background.id(), "AREA": area.id(),
        "INPUTS": f"ndvi={ndvi}#1\nsatellite={rasters['satellite']}#1,2", "SCALES": "ndvi=25,5\nbioclim=1",
        "PRESET": "paper-bimodal", "EPOCHS": "3", "SEED": 0, "FOLDS": 1, "LAMBDA2": "0.25",
        "N_BACKGROUND": 500, "MIN_RECORDS": 2, "THIN_M": 100, "BUFFER_KM": 0, "BLOCKS_KM": 2.5,
        "WIDTH": 0.125, "DEVICE": "cpu", "RESUME": False,
    }  # fmt: skip
    config = config_of(algorithm, parameters, context)
    assert config["sites"] == {
        "train": "oaks.train.gpkg", "test": "oaks.test.gpkg", "kind": "pa-balanced",
        "species_columns": ["oak", "beech"], "test_species_columns": ["oak", "beech"],
        "background": "oaks.background.gpkg", "area": "oaks.area.gpkg",
    }  # fmt: skip
    assert config["modality"] == {
        "bioclim": {"inputs": [str(rasters["bioclim"])], "scales": [1]},
        "ndvi": {"inputs": [f"{ndvi}#1"], "scales": [5, 25]},
        "satellite": {"inputs": [f"{rasters['satellite']}#1,2"]},
    }
    assert config["model"] == {"preset": "paper-bimodal"}
    assert config["training"] == {
        "epochs": 3, "seed": 0, "folds": 1, "lambda2": 0.25, "n_background": 500, "min_records": 2,
        "thin_m": 100.0, "buffer_km": 0.0, "blocks_km": 2.5, "width": 0.125,
    }  # fmt: skip
    assert (algorithm._job.resume, algorithm._job.device) == (False, "cpu")


def test_the_engine_takes_the_config_as_it_is(algorithm, parameters, context):
    """Its own reader finds no fault in it, and finds the files where they are."""
    python, package = ROOT / ".venv" / "bin" / "python", ROOT / "build" / "import"
    if not python.exists() or not package.exists():
        pytest.skip("needs the engine's environment")
    assert algorithm.prepareAlgorithm({**parameters, "SCALES": "bioclim=1"}, context, Feedback())
    code = (
        "import sys; from pathlib import Path; from scalescape.engine.recipes.config_file import read_config; "
        "found = read_config(Path(sys.argv[1])); print(found.sites.train, found.modality['bioclim'].scales)"
    )
    done = subprocess.run(
        [str(python), "-c", code, algorithm._job.config],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(package)}, check=False,
    )  # fmt: skip
    model = parameters["OUTPUT"]
    assert done.stdout.strip() == f"{model[: -len('.safetensors')]}.train.gpkg (1,)", done.stderr


def test_a_file_stays_where_it_is_and_a_selection_is_copied(algorithm, parameters, context, sites, tmp_path):
    file = copy_of(sites, file=tmp_path / "records.gpkg")
    assert config_of(algorithm, {**parameters, "SITES": file}, context)["sites"]["train"] == file
    sites.select(2)
    some = QgsProcessingFeatureSourceDefinition(sites.id(), True)
    config = config_of(algorithm, {**parameters, "SITES": some}, context)
    (row,) = read_attributes(tmp_path / "made" / config["sites"]["train"])
    assert row["species"] == "Fagus sylvatica"


def test_a_bias_raster_is_named(algorithm, parameters, context, tmp_path):
    bias = write_raster(tmp_path / "effort.tif", {"effort": 1})
    assert config_of(algorithm, {**parameters, "BIAS": str(bias)}, context)["sites"]["bias"] == str(bias)


def test_a_config_goes_before_all_else(algorithm, context, tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text("[sites]\n")
    parameters = {"CONFIG": str(config), "OUTPUT": str(tmp_path / "oaks.safetensors")}
    assert algorithm.checkParameterValues(parameters, context)[0]
    assert algorithm.prepareAlgorithm(parameters, context, Feedback())
    assert algorithm._job == TrainJob(str(config), str(tmp_path / "oaks.safetensors"), resume=True)
    assert not (tmp_path / "oaks.toml").exists() and config.read_text() == "[sites]\n"


def test_a_config_written_by_hand_is_not_replaced(algorithm, parameters, context, tmp_path):
    config_of(algorithm, parameters, context)
    config_of(algorithm, parameters, context)
    config = tmp_path / "made" / "oaks.toml"
    config.write_text("# mine\n")
    good, said = algorithm.checkParameterValues(parameters, context)
    assert not good and "oaks.toml is there already and was not written by this algorithm" in said
    with pytest.raises(QgsProcessingException, match="was not written by this algorithm"):
        algorithm.prepareAlgorithm(parameters, context, Feedback())
    assert config.read_text() == "# mine\n"


def test_a_full_disk_leaves_the_config_of_before(algorithm, parameters, context, tmp_path, monkeypatch):
    config_of(algorithm, parameters, context)
    config = tmp_path / "made" / "oaks.toml"
    before = config.read_text()

    def full(path, other):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(QgsProcessingException, match=r"oaks.toml can't be written \(No space left"):
            algorithm.prepareAlgorithm({**parameters, "SEED": 3}, context, Feedback())
    assert config.read_text() == before and not list(config.parent.glob("*.partial"))
    config.write_text("")
    assert algorithm.prepareAlgorithm(parameters, context, Feedback()), "an empty one is in nobody's way"
    assert config.read_text() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SITES": None}, "Choose the layer of sites, or a config."),
        ({"SITES": "table"}, "records is a table without points"),
        ({"SPECIES_FIELD": ""}, "Choose either the field with the species"),
        ({"SPECIES_FIELDS": ["oak"]}, "Choose either the field with the species"),
        ({"CLIMATE": [], "IMAGERY": []}, "Choose climate or imagery rasters"),
        ({"INPUTS": "ndvi=gone.tif"}, "gone.tif does not exist"),
        ({"SCALES": "ndvi=5"}, "There are scales for “ndvi”, but no raster"),
        ({"SCALES": "bioclim=none"}, "bioclim needs scales"),
        ({"SCALES": "five"}, "names no scales"),
        ({"CONFIG": "gone.toml"}, "gone.toml does not exist"),
        ({"OUTPUT": "oaks.pth"}, "oaks.pth must end in .safetensors"),
        ({"BACKGROUND": "sites", "BIAS": "bioclim"}, "not both"),
    ],
)
def test_what_is_wrong_is_named_before_anything_is_written(
    algorithm, parameters, context, sites, rasters, tmp_path, changes, said
):
    table = tmp_path / "records.csv"
    table.write_text("species,x,y\nQuercus ilex,1,2\n")
    known = {"table": str(table), "sites": sites.id(), "bioclim": str(rasters["bioclim"])}
    changes = {name: known.get(v, v) if isinstance(v, str) else v for name, v in changes.items()}
    good, sentence = algorithm.checkParameterValues({**parameters, **changes}, context)
    assert not good and said in sentence
    assert not (tmp_path / "made").exists()


def test_training_reports_and_declares_its_outputs(algorithm, parameters, context, engine):
    feedback = Feedback()
    results, good = algorithm.run(parameters, context, feedback)
    assert good and (results["AUC_MEDIAN"], results["N_SPECIES"], results["N_SITES"]) == (0.8125, 3, 120)
    assert results["REPORT"].endswith("oaks.toml.html") and results["OUTPUT"] == parameters["OUTPUT"]
    assert "Two records lie in the sea." in feedback.said
    assert "fold 1, loss 0.31, AUC 0.80" in feedback.phases
    assert "3 species, 120 sites, median AUC 0.812" in feedback.said
    assert set(results) <= {output.name() for output in algorithm.outputDefinitions()}
    assert settings.recent_models() == [parameters["OUTPUT"]]


def test_evaluation_reports_and_declares_its_outputs(model_file, engine, tmp_path):
    algorithm = EvaluateAlgorithm().create({})
    parameters = {"MODEL": str(model_file), "OUTPUT": str(tmp_path / "figures")}
    feedback = Feedback()
    results, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert good and results == {
        "OUTPUT": str(tmp_path / "figures"), "AUC_MEDIAN": 0.871,
        "SPECIES": str(tmp_path / "figures" / "species.csv"),
        "SUMMARY": str(tmp_path / "figures" / "summary.json"),
        "REPORT": str(tmp_path / "figures" / "report.html"),
    }  # fmt: skip
    assert feedback.said == ["None", "Median AUC 0.871 (0.840 to 0.902) over 3 species, against survey"]
    assert set(results) <= {output.name() for output in algorithm.outputDefinitions()}
    config = tmp_path / "c.toml"
    good, said = algorithm.checkParameterValues({**parameters, "CONFIG": str(config)}, QgsProcessingContext())
    assert not good and "c.toml does not exist" in said
    config.write_text("")
    feedback = Feedback()
    algorithm.run({**parameters, "CONFIG": str(config)}, QgsProcessingContext(), feedback)
    assert feedback.said[0] == str(config)


def test_the_jobs_are_those_of_the_protocol():
    assert TrainJob("c", "m") == TrainJob("c", "m", False, "auto")
    assert EvaluateJob("m", None, "o").config is None


def test_training_writes_what_layers_say_into_its_config(algorithm, parameters, project, context, rasters):
    (bioclim,) = project.mapLayersByName("bioclim")
    (satellite,) = project.mapLayersByName("satellite")
    bioclim.setCrs(QgsCoordinateReferenceSystem("EPSG:32632"))
    for band in range(1, 5):
        satellite.dataProvider().setUserNoDataValue(
            band, [QgsRasterRange(-9999, -9999), QgsRasterRange(249, 255)]
        )
    config = config_of(algorithm, parameters, context)
    assert config["modality"] == {
        "bioclim": {"inputs": [str(rasters["bioclim"])], "crs": {str(rasters["bioclim"]): "EPSG:32632"}},
        "satellite": {
            "inputs": [str(rasters["satellite"])],
            "nodata": {str(rasters["satellite"]): "-9999 249..255"},
        },
    }
    bioclim.dataProvider().setUseSourceNoDataValue(1, False)
    with pytest.raises(QgsProcessingException, match="switched off"):
        TrainAlgorithm().create({}).prepareAlgorithm(parameters, context, None)
