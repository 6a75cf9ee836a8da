"""The algorithm ``inspect``: what the network gives at a point, and through which scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterPoint,
    QgsProcessingParameterString,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QVariant

from ...engine.protocol import InspectJob
from ...engine.protocol.scale_results import Contribution
from ...models.card import Card
from ..core.point_table import branch_name, quantity_words
from ..core.raster_facts import crs_text
from ..core.scale_answers import inspect_result
from ..core.translation import tr
from . import map_options
from .engine_run import not_understood, run_job
from .raster_algorithm import RasterAlgorithm
from .text_options import OptionError

COLUMNS = (("modality", QVariant.String), ("scale_px", QVariant.Int), ("width_m", QVariant.Double),
           ("is_on", QVariant.Int), ("value", QVariant.Double), ("colour", QVariant.String))  # fmt: skip


@dataclass(frozen=True)
class _Prepared:
    card: Card
    job: InspectJob


class InspectAlgorithm(RasterAlgorithm):
    """Say what a model gives at one point and what each scale adds; the windows become polygons."""

    GROUP = RasterAlgorithm.SCALES_GROUP
    POINT, SPECIES_SHOWN, PROBABILITY, LOGIT, BIAS = "POINT", "SPECIES_SHOWN", "PROBABILITY", "LOGIT", "BIAS"
    QUANTITY = "QUANTITY"

    def name(self) -> str:
        return "inspect"

    def displayName(self) -> str:
        return tr("Inspect a point")

    def shortHelpString(self) -> str:
        return tr(
            "Says what the network gives at one point and what each scale adds to it; the windows of all "
            "scales become polygons with what they add in their attributes.\n\n"
            "BIAS plus the values of all windows is LOGIT. A value is zero where the scale adds as much as on "
            "average over the training area.\n\n"
            "Species: the one with the highest value at the point unless you name one. Model file, rasters and "
            "what is advanced are those of “Map species”."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.add_inputs()
        self.addParameter(QgsProcessingParameterPoint(self.POINT, tr("Point")))
        self.addParameter(QgsProcessingParameterString(self.SPECIES, tr("Species"), optional=True))
        extent = QgsProcessingParameterExtent(self.EXTENT, tr("Extent of the map"), optional=True)
        self.add_advanced(*self.reading_parameters(), extent)
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(
            QgsProcessingParameterFeatureSink(self.OUTPUT, tr("Windows"), polygons, None, optional=True)
        )
        self.addOutput(QgsProcessingOutputString(self.SPECIES_SHOWN, tr("Species shown")))
        self.addOutput(QgsProcessingOutputString(self.QUANTITY, tr("What the value is")))
        self.addOutput(QgsProcessingOutputNumber(self.PROBABILITY, tr("Value from 0 to 1")))
        self.addOutput(QgsProcessingOutputNumber(self.LOGIT, tr("Logit")))
        self.addOutput(QgsProcessingOutputNumber(self.BIAS, tr("Logit without contributions")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        values = run_job("inspect", prepared.job, feedback)
        if not values:
            return {}
        try:
            result = inspect_result(values)
        except (KeyError, TypeError) as defect:
            raise not_understood(defect) from defect
        for warning in result.warnings:
            feedback.pushWarning(warning)
        feedback.pushInfo(f"{result.species}: {quantity_words(result)} {result.probability:.4f}")
        for one in result.contributions:
            feedback.pushInfo(f"{branch_name(prepared.card, one.modality, one.scale)}: {one.value:+.4f}")
        found: dict[str, Any] = {
            self.SPECIES_SHOWN: result.species,
            self.QUANTITY: result.quantity,
            self.PROBABILITY: result.probability,
            self.LOGIT: result.logit,
            self.BIAS: result.bias,
        }
        fields = QgsFields()
        for name, kind in COLUMNS:
            fields.append(QgsField(name, kind))
        crs = QgsCoordinateReferenceSystem()
        crs.createFromUserInput(result.crs)
        kind = QgsWkbTypes.Type.Polygon
        sink, where = self.parameterAsSink(parameters, self.OUTPUT, context, fields, kind, crs)
        if sink is None:
            return found
        for one in sorted(result.contributions, key=lambda part: -(part.width_m or (0.0,))[0]):
            sink.addFeature(_feature(fields, one))
        return {**found, self.OUTPUT: where}

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        card, values = self.read(parameters, context, computing=False)
        if parameters.get(self.POINT) in (None, ""):
            raise OptionError(tr("Choose a point; write x,y [EPSG:…]."))
        point = self.parameterAsPoint(parameters, self.POINT, context)
        crs = self.parameterAsPointCrs(parameters, self.POINT, context)
        named = map_options.species(parameters.get(self.SPECIES), card)
        if len(named) > 1:
            raise OptionError(tr("Name one species, or none for the one with the highest value."))
        species = named[0] if named else None
        text = crs_text(crs) if crs.isValid() else None
        return _Prepared(card, InspectJob(**values, at=(point.x(), point.y()), crs=text, species=species))


def _feature(fields: QgsFields, one: Contribution) -> QgsFeature:
    feature = QgsFeature(fields)
    width = one.width_m[0] if one.width_m is not None else None
    feature.setAttributes([one.modality, one.scale, width, int(one.on), one.value, one.colour])
    if one.window is not None:
        feature.setGeometry(QgsGeometry.fromPolygonXY([[QgsPointXY(*corner) for corner in one.window]]))
    return feature
