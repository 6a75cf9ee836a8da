"""The algorithm ``evaluate``: how far a model can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
)

from ...engine.protocol import EvaluateJob
from ..core.translation import tr
from .engine_algorithm import EngineAlgorithm
from .engine_run import run_job
from .train_algorithm import auc_text
from .vector_parameter import is_given


class EvaluateAlgorithm(EngineAlgorithm):
    """Judge a model on test sites, or on the values of its sites from networks that did not see them."""

    GROUP = EngineAlgorithm.MODELS_GROUP
    MODEL, CONFIG, OUTPUT = "MODEL", "CONFIG", "OUTPUT"
    SPECIES, SUMMARY, REPORT, AUC_MEDIAN = "SPECIES", "SUMMARY", "REPORT", "AUC_MEDIAN"

    def name(self) -> str:
        return "evaluate"

    def displayName(self) -> str:
        return tr("Evaluate a model")

    def tags(self) -> list[str]:
        return tr("species,distribution,validation,accuracy,AUC,TSS,sdm,test").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Judges a model: per species AUC, average precision, TSS and its threshold, Boyce index and more, "
            "with intervals from resampled blocks of land; a summary over species; and a report with plots.\n\n"
            "AUC is the chance that a presence gets a higher value than an absence: 0.5 is chance, 1 perfect. "
            "Against surveyed absences it says how well the model tells where a species is from where it is "
            "not. Against background points, which is all that presence-only records allow, it says how well "
            "it tells records from the rest of the land: a large region with places that are obviously "
            "unsuitable gives a high AUC by itself. Folds are scored one by one and averaged. Neither says "
            "that the values are probabilities of occurrence, nor that they hold outside the region.\n\n"
            "Model file: with its out-of-fold values (.oof.csv) beside it.\n\n"
            "Config: a training config (TOML) that names a test table; the model is judged on that. Without "
            "one, or without a test table in it, it is judged on its out-of-fold values alone."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        file = QgsProcessingParameterFile.Behavior.File
        models = tr("Scalescape models (*.safetensors);;All files (*)")
        configs = tr("Training configs (*.toml);;All files (*)")
        self.addParameter(QgsProcessingParameterFile(self.MODEL, tr("Model file"), file, fileFilter=models))
        self.addParameter(
            QgsProcessingParameterFile(self.CONFIG, tr("Config"), file, optional=True, fileFilter=configs)
        )
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the figures")))
        self.addOutput(QgsProcessingOutputFile(self.SPECIES, tr("Figures by species (CSV)")))
        self.addOutput(QgsProcessingOutputFile(self.SUMMARY, tr("Summary (JSON)")))
        self.addOutput(QgsProcessingOutputHtml(self.REPORT, tr("Report")))
        self.addOutput(QgsProcessingOutputNumber(self.AUC_MEDIAN, tr("Median AUC over species")))

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        for name in (self.MODEL, self.CONFIG):
            file = self.parameterAsFile(parameters, name, context)
            if is_given(parameters, name) and not Path(file).is_file():
                return tr("{} does not exist.").format(file)
        return ""

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        folder = Path(self.parameterAsString(parameters, self.OUTPUT, context)).absolute()
        config = None
        if is_given(parameters, self.CONFIG):
            config = str(Path(self.parameterAsFile(parameters, self.CONFIG, context)).absolute())
        model = Path(self.parameterAsFile(parameters, self.MODEL, context)).absolute()
        result = run_job("evaluate", EvaluateJob(str(model), config, str(folder)), feedback)
        if not result:
            return {self.OUTPUT: str(folder)}
        for warning in result.get("warnings") or ():
            feedback.pushWarning(str(warning))
        summary = result["summary"]
        feedback.pushInfo(_summary_text(summary))
        return {
            self.OUTPUT: str(folder),
            self.SPECIES: str(folder / "species.csv"),
            self.SUMMARY: str(folder / "summary.json"),
            self.REPORT: str(folder / "report.html"),
            self.AUC_MEDIAN: summary.get("auc_median"),
        }


def _summary_text(summary: dict[str, Any]) -> str:
    """Return ``Median AUC 0.871 (0.840 to 0.902) over 12 species, against survey``."""
    text = tr("Median AUC {}").format(auc_text(summary.get("auc_median")))
    low, high = summary.get("auc_low"), summary.get("auc_high")
    if low is not None and high is not None:
        text += tr(" ({:.3f} to {:.3f})").format(low, high)
    if summary.get("n_species") is not None:
        text += tr(" over {} species").format(summary["n_species"])
    if summary.get("against"):
        text += tr(", against {}").format(summary["against"])
    return text
