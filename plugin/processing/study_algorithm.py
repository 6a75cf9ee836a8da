"""The algorithm ``study``: which scales, which modalities, and does it pay?"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
)

from ...engine.protocol import StudyJob
from ..core.translation import tr
from .engine_algorithm import EngineAlgorithm
from .engine_run import run_job
from .lasting_output import cancelled, study_parameter, temporary_fault


class StudyAlgorithm(EngineAlgorithm):
    """Compare scales and modalities beside a forest, MaxEnt, coordinates alone and a placebo."""

    GROUP = EngineAlgorithm.MODELS_GROUP
    CONFIG, OUTPUT, SEEDS, PLACEBOS, JOBS = "CONFIG", "OUTPUT", "SEEDS", "PLACEBOS", "JOBS"
    REFITS, KEEP_BEST, RESUME = "REFITS", "KEEP_BEST", "RESUME"
    TABLE, SUMMARY, REPORT, MODEL, FITS = "TABLE", "SUMMARY", "REPORT", "MODEL", "FITS"

    def name(self) -> str:
        return "study"

    def displayName(self) -> str:
        return tr("Compare scales and modalities")

    def tags(self) -> list[str]:
        return tr("species,distribution,scale,modality,placebo,MaxEnt,random forest,sdm,compare").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Trains networks that see one scale, two, or all of each modality, and several modalities, and "
            "judges them on the same buffered blocks of land. Beside them stand a network that sees one pixel "
            "of climate, a random forest and MaxEnt (with the pixel's values, and with means over windows) "
            "and coordinates alone.\n\n"
            "What a model adds to its reference is tested against placebos: the reference's predictors stay "
            "real, and what is added is replaced by rasters with the same roughness that know nothing of the "
            "species. An addition “helps” only where the interval of its gain lies above 0 and the gain is "
            "more than a further placebo would bring. Otherwise there is no evidence, or it cannot be told "
            "from a placebo, or there are too few placebos to tell.\n\n"
            "Config: a training config (TOML), such as “Train a model” writes beside its model. Its scales and "
            "modalities are those compared.\n\n"
            "Seeds: how often each network is trained. Placebos: how many are made; every model is fitted to "
            "each. Refits: networks on resampled blocks that say how certain the scale of effect is. "
            "Processes: how many fit side by side; 0 means one per core.\n\n"
            "Keep the best: trains the best network again and writes it as best.safetensors.\n\n"
            "It takes long: several hundred fits. What it will take is said at the start. Resume: goes on from "
            "what a stopped study in the same folder has done, if there is one."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        configs = tr("Training configs (*.toml);;All files (*)")
        file = QgsProcessingParameterFile.Behavior.File
        whole = QgsProcessingParameterNumber.Type.Integer
        self.addParameter(QgsProcessingParameterFile(self.CONFIG, tr("Config"), file, fileFilter=configs))
        for name, text, default, least in (
            (self.SEEDS, tr("Seeds"), StudyJob.seeds, 1),
            (self.PLACEBOS, tr("Placebos"), StudyJob.placebos, 0),
            (self.REFITS, tr("Refits"), StudyJob.refits, 0),
            (self.JOBS, tr("Processes (0: all cores)"), StudyJob.jobs, 0),
        ):
            self.addParameter(
                QgsProcessingParameterNumber(name, text, whole, defaultValue=default, minValue=least)
            )
        self.addParameter(QgsProcessingParameterBoolean(self.KEEP_BEST, tr("Keep the best"), False))
        self.addParameter(QgsProcessingParameterBoolean(self.RESUME, tr("Resume"), True))
        self.addParameter(study_parameter(self.OUTPUT, tr("Folder for the study")))
        self.addOutput(QgsProcessingOutputFile(self.TABLE, tr("AUC by model, fold and species (CSV)")))
        self.addOutput(QgsProcessingOutputFile(self.SUMMARY, tr("Summary by model (CSV)")))
        self.addOutput(QgsProcessingOutputHtml(self.REPORT, tr("Report")))
        self.addOutput(QgsProcessingOutputFile(self.MODEL, tr("Best model")))
        self.addOutput(QgsProcessingOutputNumber(self.FITS, tr("Number of fits")))

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        file = self.parameterAsFile(parameters, self.CONFIG, context)
        if not Path(file).is_file():
            return tr("{} does not exist.").format(file)
        return temporary_fault(Path(self.parameterAsString(parameters, self.OUTPUT, context)))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        folder = Path(self.parameterAsString(parameters, self.OUTPUT, context)).absolute()
        job = StudyJob(
            config=str(Path(self.parameterAsFile(parameters, self.CONFIG, context)).absolute()),
            out=str(folder),
            seeds=self.parameterAsInt(parameters, self.SEEDS, context),
            placebos=self.parameterAsInt(parameters, self.PLACEBOS, context),
            jobs=self.parameterAsInt(parameters, self.JOBS, context),
            refits=self.parameterAsInt(parameters, self.REFITS, context),
            keep="best" if self.parameterAsBool(parameters, self.KEEP_BEST, context) else "",
            resume=self.parameterAsBool(parameters, self.RESUME, context),
        )
        result = run_job("study", job, feedback, partial(cancelled, Path(job.fits)))
        if not result:
            return {self.OUTPUT: str(folder)}
        for warning in result.get("warnings") or ():
            feedback.pushWarning(str(warning))
        for question, verdict in (result.get("verdicts") or {}).items():
            feedback.pushInfo(f"{question}: {verdict}")
        outputs = {
            self.OUTPUT: str(folder),
            self.TABLE: str(folder / "study.csv"),
            self.SUMMARY: str(folder / "summary.csv"),
            self.REPORT: str(folder / "study.html"),
            self.FITS: result["fits"],
        }
        if result.get("model"):
            outputs[self.MODEL] = self.made_model = result["model"]
        return outputs
