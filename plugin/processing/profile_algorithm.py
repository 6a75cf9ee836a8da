"""The algorithm ``profile``: how much species rely on each scale over an area."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMultipleLayers,
)

from ...engine.protocol import ProfileJob
from ...models.card import Card
from ..core.point_table import write_csv
from ..core.profile_table import profile_records, profile_sentences
from ..core.scale_answers import profile_result
from ..core.translation import tr
from .engine_run import not_understood, run_job
from .raster_algorithm import RasterAlgorithm
from .text_options import OptionError, entries


@dataclass(frozen=True)
class _Prepared:
    card: Card
    job: ProfileJob
    file: str


class ProfileAlgorithm(RasterAlgorithm):
    """Sum up over an area how much each species relies on each scale."""

    GROUP = RasterAlgorithm.SCALES_GROUP
    REFITS, PIXELS, MODELS, STEP_USED = "REFITS", "PIXELS", "MODELS", "STEP_USED"

    def name(self) -> str:
        return "profile"

    def displayName(self) -> str:
        return tr("Scale profile")

    def shortHelpString(self) -> str:
        return tr(
            "Sums up over an extent, or within polygons, how much each species relies on each scale: the mean "
            "absolute contribution, and the share of the logit's variance. The shares of a species add up to "
            "1; a negative one means that a scale works against the others.\n\n"
            "Refits: further model files, trained alike. The spread over them is all that says how certain the "
            "figures are; with one model there is none.\n\n"
            "Step: 0, the default, chooses one by which about 40,000 pixels count. Model file, rasters, "
            "extent, mask and what is advanced are those of “Map species”."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.add_inputs()
        files = QgsProcessing.SourceType.TypeFile
        self.addParameter(QgsProcessingParameterMultipleLayers(self.REFITS, tr("Refits"), files, optional=True))
        self.add_species()
        self.add_place(0, 0)
        computing = [one for one in self.computing_parameters() if one.name() != self.VERIFY]
        self.add_advanced(*self.reading_parameters(), *computing)
        self.addParameter(QgsProcessingParameterFileDestination(self.OUTPUT, tr("Table"), tr("Tables (*.csv)")))
        self.addOutput(QgsProcessingOutputNumber(self.PIXELS, tr("Pixels that counted")))
        self.addOutput(QgsProcessingOutputNumber(self.STEP_USED, tr("Step used")))
        self.addOutput(QgsProcessingOutputNumber(self.MODELS, tr("Models")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        values = run_job("profile", prepared.job, feedback)
        if not values:
            return {}
        try:
            result = profile_result(values)
            write_csv(profile_records(result), Path(prepared.file))
        except (KeyError, TypeError) as defect:
            raise not_understood(defect) from defect
        except OSError as error:
            said = tr("{} can't be written ({}).").format(prepared.file, error.strerror or error)
            raise QgsProcessingException(said) from error
        for warning in result.warnings:
            feedback.pushWarning(warning)
        for one in result.species:
            feedback.pushInfo(f"{one.name}: {' '.join(profile_sentences(prepared.card, result, one))}")
        return {
            self.OUTPUT: prepared.file,
            self.PIXELS: result.pixels,
            self.STEP_USED: result.step,
            self.MODELS: result.models,
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        card, values = self.read(parameters, context)
        refits = tuple(entries(parameters.get(self.REFITS)))
        for file in refits:
            if not Path(file).is_file():
                raise OptionError(tr("The refit {} does not exist.").format(file))
        file = self.parameterAsFileOutput(parameters, self.OUTPUT, context)
        return _Prepared(card, ProfileJob(**values, refits=refits), file)
