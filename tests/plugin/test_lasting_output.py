"""What takes hours to make lies where it stays, and after Cancel it is said truly what is kept and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from feedback import Feedback
from qgis.core import QgsProcessing, QgsProcessingContext, QgsProcessingException, QgsProcessingUtils
from scalescape.plugin.core.training_config import TrainingConfigError
from scalescape.plugin.processing import lasting_output, train_algorithm
from scalescape.plugin.processing.import_paper_algorithm import ImportPaperAlgorithm
from scalescape.plugin.processing.study_algorithm import StudyAlgorithm
from scalescape.plugin.processing.train_algorithm import TrainAlgorithm

pytestmark = pytest.mark.usefixtures("qgis_app")
LASTING = (TrainAlgorithm, StudyAlgorithm, ImportPaperAlgorithm)


@pytest.fixture
def home(tmp_path, monkeypatch, project):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert not project.homePath()
    return tmp_path / "home"


@pytest.fixture
def parameters(tmp_path):
    """Enough for each of the algorithms but their outputs."""
    files = {name: tmp_path / f"{name}.txt" for name in ("CONFIG", "CHECKPOINT", "SPECIES", "STATS")}
    for file in files.values():
        file.write_text("")
    return {name: str(file) for name, file in files.items()}


def default(algorithm):
    made = algorithm.create({})
    return Path(made.parameterDefinition("OUTPUT").defaultValue())


@pytest.mark.parametrize("algorithm", [TrainAlgorithm, ImportPaperAlgorithm])
def test_a_model_has_a_place_of_its_own_by_default(algorithm, home, project, tmp_path):
    models = home / "scalescape models"
    assert default(algorithm()) == models / "model.safetensors"
    models.mkdir(parents=True)
    (models / "model.safetensors").write_bytes(b"hours of work")
    assert default(algorithm()) == models / "model-2.safetensors"
    (models / "model-2.safetensors").write_bytes(b"hours of work")
    (models / "model-3.partial").mkdir()
    assert default(algorithm()) == models / "model-3.safetensors", "a stopped run is found again"
    project.setFileName(str(tmp_path / "field.qgz"))
    assert default(algorithm()) == tmp_path / "scalescape models" / "model.safetensors"


def test_a_study_has_a_folder_of_its_own_by_default(home):
    assert default(StudyAlgorithm()) == home / "scalescape study"
    (home / "scalescape study" / "fits").mkdir(parents=True)
    assert default(StudyAlgorithm()) == home / "scalescape study", "a stopped study is found again"
    (home / "scalescape study" / "study.csv").write_text("")
    assert default(StudyAlgorithm()) == home / "scalescape study 2"


def test_a_default_name_never_replaces_a_model_that_was_made_meanwhile(home, parameters, context):
    """As where two trainings run one after the other with the default that the dialog showed."""
    algorithm = TrainAlgorithm().create({})
    shown = algorithm.parameterDefinition("OUTPUT").defaultValue()
    Path(shown).parent.mkdir(parents=True)
    Path(shown).write_bytes(b"hours of work")
    assert algorithm.prepareAlgorithm({**parameters, "OUTPUT": shown}, context, Feedback())
    assert algorithm._job.out == str(Path(shown).with_name("model-2.safetensors"))
    named = Path(shown).with_name("oaks.safetensors")
    named.write_bytes(b"older")
    assert algorithm.prepareAlgorithm({**parameters, "OUTPUT": str(named)}, context, Feedback())
    assert algorithm._job.out == str(named), "a name that the user chose is the user's"


@pytest.mark.parametrize("algorithm", LASTING)
@pytest.mark.parametrize("chosen", [QgsProcessing.TEMPORARY_OUTPUT, "inside"])
def test_a_place_that_qgis_empties_is_refused(algorithm, chosen, parameters, context):
    if chosen == "inside":
        chosen = str(Path(QgsProcessingUtils.tempFolder()) / "hours" / "model.safetensors")
    good, said = algorithm().create({}).checkParameterValues({**parameters, "OUTPUT": chosen}, context)
    assert not good and said == "A temporary output is deleted when QGIS ends; choose where it is to stay."


@pytest.mark.parametrize("algorithm", [TrainAlgorithm, StudyAlgorithm])
def test_resume_is_on_by_default(algorithm):
    made = algorithm().create({})
    assert made.parameterDefinition("RESUME").defaultValue() is True


@pytest.mark.parametrize("finished", ["", "network_0.safetensors", "network_0.ckpt"])
def test_after_cancel_it_is_said_what_is_kept_and_where(parameters, tmp_path, monkeypatch, finished):
    algorithm = TrainAlgorithm().create({})
    chosen = {**parameters, "OUTPUT": str(tmp_path / "oaks.safetensors")}
    kept = tmp_path / "oaks.partial"

    def job(method, job, feedback, cancelled):
        kept.mkdir()
        (kept / "run.json").write_text("{}")
        if finished:
            (kept / finished).write_bytes(b"work")
        feedback.pushInfo(cancelled())
        return {}

    monkeypatch.setattr(train_algorithm, "run_job", job)
    feedback = Feedback()
    assert algorithm.run(chosen, QgsProcessingContext(), feedback)[1]
    nothing = "Cancelled; nothing was done yet that could be kept."
    assert feedback.said[-1] == (lasting_output.cancelled(kept) if finished else nothing)
    assert (str(kept) in feedback.said[-1] and "Resume" in feedback.said[-1]) is bool(finished)


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_made_for_a_refused_training_goes_again(parameters, context, tmp_path, monkeypatch, there):
    folder = tmp_path / "new"
    if there:
        folder.mkdir()
    algorithm = TrainAlgorithm().create({})

    def refused(*arguments):
        folder.mkdir(exist_ok=True)
        raise TrainingConfigError("no")

    monkeypatch.setattr(train_algorithm.train_parameters, "config_of", lambda *rest: "")
    monkeypatch.setattr(train_algorithm.train_parameters, "draft_of", lambda *rest: object())
    monkeypatch.setattr(train_algorithm.train_parameters, "layer_files", refused)
    with pytest.raises(QgsProcessingException, match="no"):
        algorithm.prepareAlgorithm({"OUTPUT": str(folder / "m.safetensors")}, context, Feedback())
    assert folder.exists() is there
