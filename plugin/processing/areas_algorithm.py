"""The algorithm ``areas``: how large the area above threshold is, in all and by polygon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputNumber,
    QgsProcessingOutputVectorLayer,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
)

from ...engine.protocol import AreasJob
from ...engine.protocol.finished_results import AreasResult
from ..core.grid_facts import area
from ..core.translation import tr
from .engine_run import answered
from .opened_layers import open_layer
from .prepared_algorithm import PreparedAlgorithm
from .raster_parameter import raster_parameter, raster_parameters
from .text_options import OptionError
from .threshold_parameter import THRESHOLD, number_parameter
from .vector_parameter import is_given, vector_parameter

WHOLE = "all"  # the zone that is the whole map
MOST_TOLD = 20  # species; the table has all


@dataclass(frozen=True)
class _Prepared:
    job: AreasJob
    open_table: bool


class AreasAlgorithm(PreparedAlgorithm):
    """Measure on finished maps the area above threshold, in km² on the ground."""

    GROUP = PreparedAlgorithm.DECISIONS_GROUP
    MAPS, FOLDER, POLYGONS, NAME_FIELD = "MAPS", "FOLDER", "POLYGONS", "NAME_FIELD"
    NOVELTY, OPEN = "NOVELTY", "OPEN"
    AREAS, TABLE, CHART, ROWS = "AREAS", "TABLE", "CHART", "ROWS"

    def name(self) -> str:
        return "areas"

    def displayName(self) -> str:
        return tr("Measure areas above threshold")

    def tags(self) -> list[str]:
        return tr("species,area,km2,threshold,habitat,reserve,district,zonal,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Measures on finished maps how large the area above threshold is, in km² on the ground in any "
            "coordinate system: per species, by all threshold rules side by side, in all and by polygon. It is "
            "the area where the value reaches the threshold, neither a range nor where the species is.\n\n"
            "Maps: rasters of suitability, ours or another tool's. Folder of maps: a folder of a run, instead "
            "or as well.\n\n"
            "Polygons: reserves, districts; any layer will do, also a temporary one or a selection. Name "
            "field: what they are called; found unless chosen.\n\n"
            "Another threshold: a number beside the thresholds that our maps bring along; maps of other tools "
            "need it.\n\n"
            "Map of novelty: novelty.tif beside the maps unless chosen. It tells which part of an area lies "
            "outside the training range.\n\n"
            "The table, also as CSV, has a row for each species and zone: above_largest_tss_km2 and its like, "
            "the novel part of each, without_value_km2 (NoData) with its novel part, and expected_km2 where "
            "maps of occurrence are beside the others; areas.svg is the chart."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        add = self.addParameter
        rasters = QgsProcessing.SourceType.TypeRaster
        polygons = [QgsProcessing.SourceType.TypeVectorPolygon]
        folder = QgsProcessingParameterFile.Behavior.Folder
        add(QgsProcessingParameterMultipleLayers(self.MAPS, tr("Maps"), rasters, optional=True))
        add(QgsProcessingParameterFile(self.FOLDER, tr("Folder of maps"), folder, optional=True))
        add(QgsProcessingParameterFeatureSource(self.POLYGONS, tr("Polygons"), polygons, optional=True))
        add(QgsProcessingParameterField(self.NAME_FIELD, tr("Name field"), None, self.POLYGONS, optional=True))
        add(number_parameter(tr("Another threshold")))
        add(QgsProcessingParameterRasterLayer(self.NOVELTY, tr("Map of novelty"), optional=True))
        add(QgsProcessingParameterBoolean(self.OPEN, tr("Open the table"), True))
        add(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the areas")))
        self.addOutput(QgsProcessingOutputVectorLayer(self.AREAS, tr("Areas above threshold (km²)")))
        self.addOutput(QgsProcessingOutputFile(self.TABLE, tr("Areas above threshold (CSV)")))
        self.addOutput(QgsProcessingOutputFile(self.CHART, tr("Chart (SVG)")))
        self.addOutput(QgsProcessingOutputNumber(self.ROWS, tr("Number of rows")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        out = Path(prepared.job.out)
        result = answered(AreasResult, "areas", prepared.job, feedback)
        if result is None:
            return {self.OUTPUT: str(out)}
        whole = [row for row in result.rows if row["zone"] == WHOLE]
        for row in whole[:MOST_TOLD]:
            feedback.pushInfo(row_sentence(row))
        if len(whole) > MOST_TOLD:
            feedback.pushInfo(tr("{} more are in the table.").format(len(whole) - MOST_TOLD))
        layer = str(out / "areas.gpkg")
        if prepared.open_table and context.project() is not None:
            open_layer(layer, tr("Areas above threshold (km²)"), "", _describe, context, self.AREAS)
        return {
            self.OUTPUT: str(out),
            self.AREAS: layer,
            self.TABLE: str(out / "areas.csv"),
            self.CHART: str(out / "areas.svg"),
            self.ROWS: len(result.rows),
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        maps = raster_parameters(self, parameters, self.MAPS, context)
        if is_given(parameters, self.FOLDER):
            folder = self.parameterAsFile(parameters, self.FOLDER, context)
            if not Path(folder).is_dir():
                raise OptionError(tr("The folder {} does not exist.").format(folder))
            maps = (*maps, folder)
        if not maps:
            raise OptionError(tr("Choose maps, or a folder of maps."))
        threshold = None
        if is_given(parameters, THRESHOLD):
            threshold = self.parameterAsDouble(parameters, THRESHOLD, context)
        fields = self.parameterAsFields(parameters, self.NAME_FIELD, context)
        job = AreasJob(
            maps=maps,
            out=self.folder(parameters, context),
            name_field=fields[0] if fields else None,
            threshold=threshold,
            novelty=raster_parameter(self, parameters, self.NOVELTY, context) or None,
        )
        return _Prepared(job, self.parameterAsBool(parameters, self.OPEN, context))

    def _with_files(
        self, prepared: _Prepared, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> _Prepared:
        if not is_given(parameters, self.POLYGONS):
            return prepared
        polygons = vector_parameter(self, parameters, self.POLYGONS, context)
        return replace(prepared, job=replace(prepared.job, polygons=polygons))


def row_sentence(row: Mapping[str, Any]) -> str:
    """Return ``Picea abies: above threshold 12.3 km² (largest TSS, 0.41), 4 km² (given, 0.5); of 80 km²``."""
    parts = []
    for name, km2 in row.items():
        if km2 is not None and name.startswith("above_") and not name.endswith("_novel_km2"):
            rule = name[len("above_") : -len("_km2")]
            threshold = row[f"threshold_{rule}"]
            parts.append(tr("{} ({}, {:.3g})").format(area(km2), _rule_name(rule), threshold))
    said = [tr("above threshold {}").format(", ".join(parts))] if parts else []
    if row["expected_km2"] is not None:
        said.append(tr("expected {}").format(area(row["expected_km2"])))
    said.append(tr("of {} with a value").format(area(row["with_value_km2"])))
    if row["novel_km2"] is not None:
        said.append(tr("of which {} lie outside the training range").format(area(row["novel_km2"])))
    return f"{row['species']} ({row['map']}): {', '.join(said)}"


def _rule_name(slug: str) -> str:
    return slug.replace("_", " ").replace("tss", "TSS")


def _describe(layer: Any) -> None:
    """Say of the table what its numbers are."""
    layer.setAbstract(
        tr(
            "Area in km² on the ground where the map's value reaches the threshold, by rule; zone “all” is the "
            "whole map. It is neither a range nor where the species is."
        )
    )
