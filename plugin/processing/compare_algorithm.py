"""The algorithm ``compare``: where a species gains and loses between two maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingOutputRasterLayer,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterRasterLayer,
)

from ...engine.protocol import CompareJob
from ...engine.protocol.finished_results import CompareResult
from ..core.grid_facts import area
from ..core.translation import tr
from .engine_run import answered
from .opened_products import open_products
from .prepared_algorithm import PreparedAlgorithm
from .raster_parameter import raster_parameter
from .threshold_parameter import threshold_of, threshold_parameters

# Outputs by the name of the change.
KM2 = {
    "gain": "GAIN_KM2",
    "loss": "LOSS_KM2",
    "stable present": "STABLE_PRESENT_KM2",
    "stable absent": "STABLE_ABSENT_KM2",
}


@dataclass(frozen=True)
class _Prepared:
    job: CompareJob
    open_maps: bool


class CompareAlgorithm(PreparedAlgorithm):
    """Compare two finished maps of one species: difference, gain, loss, and what is stable."""

    GROUP = PreparedAlgorithm.DECISIONS_GROUP
    BEFORE, AFTER, OPEN = "BEFORE", "AFTER", "OPEN"
    CHANGE, DIFFERENCE, TABLE, SPECIES = "CHANGE", "DIFFERENCE", "TABLE", "SPECIES"
    ONLY_ONE, MEAN_DIFFERENCE = "ONLY_ONE_KM2", "MEAN_DIFFERENCE"

    def name(self) -> str:
        return "compare"

    def displayName(self) -> str:
        return tr("Compare two maps")

    def tags(self) -> list[str]:
        return tr("species,change,gain,loss,difference,scenario,future,area,km2,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Compares two finished maps of one species, such as two years or two scenarios: the second minus "
            "the first, and where it is gained, lost, stable present and stable absent at a threshold, with "
            "the area of each in km² on the ground.\n\n"
            "First map, second map: of one species, one quantity and one grid; they are refused with the "
            "reason where they do not fit.\n\n"
            "Threshold rule: of the model's card; each map brings its own value along. Threshold instead: a "
            "number for both, which maps of other tools need.\n\n"
            "Pixels with a value in one map alone count nowhere else, and their area is told.\n\n"
            "Gain and loss are of area above threshold, neither of range nor of individuals. Under a climate "
            "of 2050 with the imagery of today they are a statement about climate alone."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.addParameter(QgsProcessingParameterRasterLayer(self.BEFORE, tr("First map")))
        self.addParameter(QgsProcessingParameterRasterLayer(self.AFTER, tr("Second map")))
        for parameter in threshold_parameters():
            self.addParameter(parameter)
        self.addParameter(QgsProcessingParameterBoolean(self.OPEN, tr("Open the maps"), True))
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps")))
        self.addOutput(QgsProcessingOutputRasterLayer(self.CHANGE, tr("Gain and loss")))
        self.addOutput(QgsProcessingOutputRasterLayer(self.DIFFERENCE, tr("Second minus first map")))
        self.addOutput(QgsProcessingOutputFile(self.TABLE, tr("Areas of change (CSV)")))
        self.addOutput(QgsProcessingOutputString(self.SPECIES, tr("Species")))
        for change, name in KM2.items():
            self.addOutput(QgsProcessingOutputNumber(name, tr("{} (km²)").format(change.capitalize())))
        self.addOutput(QgsProcessingOutputNumber(self.ONLY_ONE, tr("With a value in one map alone (km²)")))
        self.addOutput(QgsProcessingOutputNumber(self.MEAN_DIFFERENCE, tr("Mean difference")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        out = Path(prepared.job.out)
        result = answered(CompareResult, "compare", prepared.job, feedback)
        if result is None:
            return {self.OUTPUT: str(out)}
        lines = compare_lines(prepared.job, result)
        for line in lines:
            feedback.pushInfo(line)
        change, difference = str(out / "change.tif"), str(out / "difference.tif")
        if prepared.open_maps and context.project() is not None:
            group = tr("{}: {} to {}").format(
                result.species, Path(prepared.job.before).stem, Path(prepared.job.after).stem
            )
            open_products((difference, change), group, lines, context, self.CHANGE)
        return {
            self.OUTPUT: str(out),
            self.CHANGE: change,
            self.DIFFERENCE: difference,
            self.TABLE: str(out / "compare.csv"),
            self.SPECIES: result.species,
            **{name: result.km2.get(change_name) for change_name, name in KM2.items()},
            self.ONLY_ONE: result.only_one_km2,
            self.MEAN_DIFFERENCE: result.mean_difference,
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        job = CompareJob(
            before=raster_parameter(self, parameters, self.BEFORE, context),
            after=raster_parameter(self, parameters, self.AFTER, context),
            out=self.folder(parameters, context),
            threshold=threshold_of(self, parameters, context),
        )
        return _Prepared(job, self.parameterAsBool(parameters, self.OPEN, context))


def compare_lines(job: CompareJob, result: CompareResult) -> list[str]:
    """Return what was found in a few lines: the maps with their thresholds, areas, mean difference."""
    said = tr("{} (threshold {:.3g}) and {} (threshold {:.3g}), by the rule {}")
    areas = ", ".join(tr("{} {}").format(name, area(km2)) for name, km2 in result.km2.items())
    lines = [
        said.format(job.before, result.threshold_before, job.after, result.threshold_after, result.rule),
        tr("{}, area above threshold: {}").format(result.species, areas),
        tr("Mean difference {:+.3g}").format(result.mean_difference),
    ]
    if result.only_one_km2:
        lines.append(tr("{} have a value in one map alone").format(area(result.only_one_km2)))
    return lines
