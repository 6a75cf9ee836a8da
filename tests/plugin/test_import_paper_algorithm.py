"""Importing a checkpoint from Processing."""

from __future__ import annotations

import pytest
from feedback import Feedback
from qgis.core import QgsProcessingContext
from scalescape.models.card import Band
from scalescape.plugin.core import settings
from scalescape.plugin.gui.modality_input import _band_tip
from scalescape.plugin.processing.import_paper_algorithm import ImportPaperAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")


@pytest.fixture
def parameters(tmp_path):
    files = {"CHECKPOINT": "best.pth", "CONFIG": "config.json", "SPECIES": "s.csv", "STATS": "stats.csv"}
    for file in files.values():
        (tmp_path / file).write_text("")
    out = tmp_path / "theirs.safetensors"
    return {**{name: str(tmp_path / file) for name, file in files.items()}, "OUTPUT": str(out)}


def test_an_import_declares_its_outputs_and_passes_notes_on(parameters, engine, project):
    algorithm = ImportPaperAlgorithm().create({})
    feedback = Feedback()
    results, good = algorithm.run(parameters, QgsProcessingContext(), feedback)
    assert good and results == {"OUTPUT": parameters["OUTPUT"], "SPECIES_COUNT": 7}
    assert settings.recent_models() == [parameters["OUTPUT"]]
    assert feedback.said == ["Mapped window by window. {}", parameters["STATS"]]
    feedback = Feedback()
    algorithm.run({**parameters, "PIXELS": "satellite=20m, bioclim = 1deg"}, QgsProcessingContext(), feedback)
    assert feedback.said[0] == "Mapped window by window. {'satellite': '20m', 'bioclim': '1deg'}"
    good, said = algorithm.checkParameterValues({**parameters, "PIXELS": "20m"}, QgsProcessingContext())
    assert not good and "satellite=20m" in said
    assert set(results) <= {output.name() for output in algorithm.outputDefinitions()}


def test_a_missing_file_is_named(parameters, tmp_path):
    algorithm = ImportPaperAlgorithm().create({})
    (tmp_path / "s.csv").unlink()
    good, said = algorithm.checkParameterValues(parameters, QgsProcessingContext())
    assert not good and "s.csv does not exist" in said


def test_a_band_without_quantiles_has_a_tip():
    assert _band_tip(Band("bio1", 11.5, 4, 11.5, unit="°C")) == "bio1\nTrained on 11.5 ± 4 °C"
    assert "between 1 and 9" in _band_tip(Band("bio1", 5, 2, 5, (1.0, *[5.0] * 99, 9.0)))
