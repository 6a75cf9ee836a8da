"""Comparing scales and modalities from Processing."""

from __future__ import annotations

import pytest
from qgis.core import QgsProcessingContext, QgsProcessingFeedback
from scalescape.plugin.core.engine_client import EngineClient, Patience
from scalescape.plugin.processing import engine_run
from scalescape.plugin.processing.study_algorithm import StudyAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")


class Feedback(QgsProcessingFeedback):
    """Keeps what is said."""

    def __init__(self):
        super().__init__(False)
        self.said = []

    def pushInfo(self, text):
        self.said.append(text)

    def pushWarning(self, text):
        self.said.append(f"! {text}")


@pytest.fixture
def algorithm():
    found = StudyAlgorithm()
    found.initAlgorithm({})
    return found


@pytest.fixture
def parameters(tmp_path):
    config = tmp_path / "train.toml"
    config.write_text("")
    return {"CONFIG": str(config), "OUTPUT": str(tmp_path / "study")}


@pytest.fixture(autouse=True)
def fake(fake_launch, tmp_path, monkeypatch):
    monkeypatch.setattr(
        engine_run, "new_client", lambda: EngineClient(fake_launch(), tmp_path / "log", Patience(grace=0.5))
    )


def test_a_study_gives_its_tables_and_says_its_verdicts(algorithm, parameters, tmp_path):
    feedback = Feedback()
    results, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    folder = tmp_path / "study"
    assert good and results == {
        "OUTPUT": str(folder),
        "TABLE": str(folder / "study.csv"),
        "SUMMARY": str(folder / "summary.csv"),
        "REPORT": str(folder / "study.html"),
        "FITS": 42,
    }
    assert feedback.said == ["! 3 seeds, 5 placebos, 0 refits", "several scales of climate: no evidence"]
    assert set(results) <= {output.name() for output in algorithm.outputDefinitions()}


def test_the_best_model_is_named_where_it_was_kept(algorithm, parameters, tmp_path):
    chosen = {**parameters, "KEEP_BEST": True, "SEEDS": 5, "PLACEBOS": 0, "REFITS": 4}
    feedback = Feedback()
    results, _ = algorithm.run(chosen, QgsProcessingContext(), feedback)
    assert results["MODEL"] == f"{tmp_path / 'study'}/best.safetensors"
    assert feedback.said[0] == "! 5 seeds, 0 placebos, 4 refits"


def test_a_missing_config_is_named(algorithm, parameters, tmp_path):
    (tmp_path / "train.toml").unlink()
    good, said = algorithm.checkParameterValues(parameters, QgsProcessingContext())
    assert not good and "train.toml does not exist" in said
