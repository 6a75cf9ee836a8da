"""The algorithm ``effects``: what each scale adds for one species, as maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
)

from ...engine.protocol import EffectsJob
from ...models.card import Card
from ..core.scale_answers import effects_result
from ..core.scale_run import effects_title
from ..core.translation import tr
from .engine_run import not_understood, run_job
from .opened_effects import open_effects
from .raster_algorithm import RasterAlgorithm
from .text_options import OptionError


@dataclass(frozen=True)
class _Prepared:
    card: Card
    job: EffectsJob
    open_maps: bool


class EffectsAlgorithm(RasterAlgorithm):
    """Map what each scale adds to one species' logit, which one dominates, and what is lost without it."""

    GROUP = RasterAlgorithm.SCALES_GROUP
    MAPS, DOMINANT, REPORT = "MAPS", "DOMINANT", "REPORT"
    BIAS, LIMIT, VALID, SECONDS = "BIAS", "LIMIT", "VALID_PIXELS", "SECONDS"

    def name(self) -> str:
        return "effects"

    def displayName(self) -> str:
        return tr("Map scale effects")

    def shortHelpString(self) -> str:
        return tr(
            "Maps through which scale, and which kind of data, places suit one species: a map of what each "
            "scale adds to the logit (contribution), of the scale that adds most (dominant) and by how much it "
            "leads (margin), and of what is lost without the largest scales (ablation). All come out of one "
            "pass.\n\n"
            "A contribution is zero where the net effect of the scale is that of the training area's average; "
            "BIAS plus the contributions of all scales is the logit, exactly. LIMIT is the 98th percentile of "
            "absolute contributions: from -LIMIT to LIMIT all maps of a run compare.\n\n"
            "An ablation is the value without a scale and all larger ones of its kind, minus the value with "
            "them.\n\n"
            "Model file, rasters, extent, mask, step and what is advanced are those of “Map species”."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.add_inputs()
        self.addParameter(QgsProcessingParameterString(self.SPECIES, tr("Species")))
        self.add_place(1)
        self.add_advanced(*self.reading_parameters(), *self.computing_parameters(), self.opening_parameter())
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.MAPS, tr("Maps")))
        self.addOutput(QgsProcessingOutputFile(self.DOMINANT, tr("Dominant scale")))
        self.addOutput(QgsProcessingOutputFile(self.REPORT, tr("The run (run.json)")))
        self.addOutput(QgsProcessingOutputNumber(self.BIAS, tr("Logit without contributions")))
        self.addOutput(QgsProcessingOutputNumber(self.LIMIT, tr("Common range of contributions")))
        self.addOutput(QgsProcessingOutputNumber(self.VALID, tr("Pixels with a value")))
        self.addOutput(QgsProcessingOutputNumber(self.SECONDS, tr("Seconds")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        out = prepared.job.out
        values = run_job("effects", prepared.job, feedback)
        if not values:
            return {self.OUTPUT: out}
        try:
            result = effects_result(values)
        except (KeyError, TypeError) as defect:
            raise not_understood(defect) from defect
        for warning in result.warnings:
            feedback.pushWarning(warning)
        if prepared.open_maps and context.project() is not None:
            title = effects_title(prepared.card, prepared.job)
            open_effects(prepared.card, result.files, result.limit, title, context, self.MAPS)
        return {
            self.OUTPUT: out,
            self.MAPS: list(result.files),
            self.DOMINANT: str(Path(out) / "dominant.tif"),
            self.REPORT: str(Path(out) / "run.json"),
            self.BIAS: result.bias,
            self.LIMIT: result.limit,
            self.VALID: result.valid_pixels,
            self.SECONDS: result.seconds,
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        card, values = self.read(parameters, context)
        out = self.map_folder(parameters, context)
        if len(values["species"]) != 1:
            raise OptionError(tr("Name one species: effects are mapped for one at a time."))
        return _Prepared(
            card, EffectsJob(**values, out=out), self.parameterAsBool(parameters, self.OPEN, context)
        )
