"""The algorithm ``assess``: what surveyed points say about a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputHtml,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
    QgsVectorLayer,
)

from ...engine.protocol import AssessJob
from ...engine.protocol.finished_results import AssessResult
from ..core.error_style import style_errors
from ..core.translation import tr
from .engine_run import answered
from .opened_layers import open_layer
from .prepared_algorithm import PreparedAlgorithm
from .raster_parameter import raster_parameter
from .threshold_parameter import AUTO, threshold_of, threshold_parameters
from .vector_parameter import vector_parameter

# Outputs by the name of the figure.
FIGURES = {
    "auc": "AUC",
    "average_precision": "AVERAGE_PRECISION",
    "tss": "TSS",
    "boyce": "BOYCE",
    "brier": "BRIER",
}


@dataclass(frozen=True)
class _Prepared:
    job: AssessJob
    open_errors: bool


class AssessAlgorithm(PreparedAlgorithm):
    """Test a finished map with surveyed points."""

    GROUP = PreparedAlgorithm.DECISIONS_GROUP
    MAP, SITES, PRESENCE, OPEN = "MAP", "SITES", "PRESENCE", "OPEN"
    ERRORS, REPORT, SUMMARY = "ERRORS", "REPORT", "SUMMARY"
    AUC_LOW, AUC_HIGH = "AUC_LOW", "AUC_HIGH"
    N_PRESENCE, N_ABSENCE, N_BLOCKS = "N_PRESENCE", "N_ABSENCE", "N_BLOCKS"
    THRESHOLD_USED, RULE_USED = "THRESHOLD_USED", "RULE_USED"

    def name(self) -> str:
        return "assess"

    def displayName(self) -> str:
        return tr("Test a map with a survey")

    def tags(self) -> list[str]:
        return tr("species,validation,survey,accuracy,AUC,TSS,Boyce,calibration,error,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Tests a raster of suitability, ours or another tool's, with surveyed points: AUC, average "
            "precision, TSS, Boyce index and calibration, each with its 95 % interval; a report with plots; "
            "and a layer of the points that shows where the map is wrong.\n\n"
            "The survey must not have served to train the model. With few points the intervals are wide: then "
            "the map was not tested yet.\n\n"
            "Map: of one species. Surveyed points: any layer of points with absences, also a temporary one or "
            "a selection.\n\n"
            "Found (1 or 0): the field that is 1 where the species was found and 0 where not; empty points do "
            "not count. Unless chosen, the field called like the species.\n\n"
            "Threshold rule: of the model's card, which our maps bring along. “auto” is that of largest TSS, "
            "or where the map has none, that of the survey itself, which flatters the map. Threshold instead: "
            "a number.\n\n"
            "There is calibration, and a Brier score, only where the map claims a probability of presence."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        points = [QgsProcessing.SourceType.TypeVectorPoint]
        self.addParameter(QgsProcessingParameterRasterLayer(self.MAP, tr("Map")))
        self.addParameter(QgsProcessingParameterFeatureSource(self.SITES, tr("Surveyed points"), points))
        self.addParameter(
            QgsProcessingParameterField(self.PRESENCE, tr("Found (1 or 0)"), None, self.SITES, optional=True)
        )
        for parameter in threshold_parameters(AUTO):
            self.addParameter(parameter)
        self.addParameter(QgsProcessingParameterBoolean(self.OPEN, tr("Open the points"), True))
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the figures")))
        self.addOutput(QgsProcessingOutputVectorLayer(self.ERRORS, tr("Where the map is wrong")))
        self.addOutput(QgsProcessingOutputHtml(self.REPORT, tr("Report")))
        self.addOutput(QgsProcessingOutputFile(self.SUMMARY, tr("Figures (assess.json)")))
        titles = {
            "auc": tr("AUC"),
            "average_precision": tr("Average precision"),
            "tss": tr("TSS at the threshold"),
            "boyce": tr("Boyce index"),
            "brier": tr("Brier score"),
        }
        numbers = {
            **{name: titles[figure] for figure, name in FIGURES.items()},
            self.AUC_LOW: tr("AUC, low end of its 95 % interval"),
            self.AUC_HIGH: tr("AUC, high end of its 95 % interval"),
            self.N_PRESENCE: tr("Presences"),
            self.N_ABSENCE: tr("Absences"),
            self.N_BLOCKS: tr("Blocks of land with points"),
            self.THRESHOLD_USED: tr("Threshold used"),
        }
        for name, description in numbers.items():
            self.addOutput(QgsProcessingOutputNumber(name, description))
        self.addOutput(QgsProcessingOutputString(self.RULE_USED, tr("Rule of the threshold")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        out = Path(prepared.job.out)
        result = answered(AssessResult, "assess", prepared.job, feedback)
        if result is None:
            return {self.OUTPUT: str(out)}
        for line in assess_lines(result):
            feedback.pushInfo(line)
        errors = str(out / "errors.gpkg")
        if prepared.open_errors and context.project() is not None:
            title = tr("{}: hits and errors at {:.3g}").format(result.species, result.threshold)
            open_layer(errors, title, "", partial(_finish, result), context, self.ERRORS)
        return {
            self.OUTPUT: str(out),
            self.ERRORS: errors,
            self.REPORT: str(out / "report.html"),
            self.SUMMARY: str(out / "assess.json"),
            **{name: result.figures[figure]["value"] for figure, name in FIGURES.items()},
            self.AUC_LOW: result.figures["auc"]["low"],
            self.AUC_HIGH: result.figures["auc"]["high"],
            self.N_PRESENCE: result.n_presence,
            self.N_ABSENCE: result.n_absence,
            self.N_BLOCKS: result.n_blocks,
            self.THRESHOLD_USED: result.threshold,
            self.RULE_USED: result.rule,
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        fields = self.parameterAsFields(parameters, self.PRESENCE, context)
        threshold = threshold_of(self, parameters, context)
        job = AssessJob(
            map=raster_parameter(self, parameters, self.MAP, context),
            sites="",
            out=self.folder(parameters, context),
            presence=fields[0] if fields else None,
            threshold=None if threshold == AUTO else threshold,
        )
        return _Prepared(job, self.parameterAsBool(parameters, self.OPEN, context))

    def _with_files(
        self, prepared: _Prepared, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> _Prepared:
        sites = vector_parameter(self, parameters, self.SITES, context)
        return replace(prepared, job=replace(prepared.job, sites=sites))


def assess_lines(result: AssessResult) -> list[str]:
    """Return the figures in a few lines, each with its interval or that it has none."""
    counted = tr("{}: {} presences and {} absences in {} blocks of land")
    figures = {
        "auc": tr("AUC {}"),
        "average_precision": tr("Average precision {}"),
        "tss": tr("TSS {} at the threshold {:.3g} ({})").format("{}", result.threshold, result.rule),
        "boyce": tr("Boyce index {}"),
        "brier": tr("Brier score {}"),
    }
    outcomes = ", ".join(f"{name} {count}" for name, count in result.outcomes.items())
    return [
        counted.format(result.species, result.n_presence, result.n_absence, result.n_blocks),
        *(text.format(_figure(result.figures[name])) for name, text in figures.items()),
        tr("At the threshold: {}").format(outcomes),
        *(
            []
            if result.calibration_error is None
            else [tr("Mean difference of found and predicted shares {:.3f}").format(result.calibration_error)]
        ),
    ]


def _figure(figure: Mapping[str, Optional[float]]) -> str:
    """Return ``0.871 (95 % interval 0.840 to 0.902)``."""
    value, low, high = (figure.get(name) for name in ("value", "low", "high"))
    if value is None:
        return tr("none")
    if low is None or high is None:
        return tr("{:.3f} (without an interval)").format(value)
    return tr("{:.3f} (95 % interval {:.3f} to {:.3f})").format(value, low, high)


def _finish(result: AssessResult, layer: Any) -> None:
    if isinstance(layer, QgsVectorLayer):
        style_errors(layer, result.outcomes)
        layer.setAbstract("\n".join(assess_lines(result)))
