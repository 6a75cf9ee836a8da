"""The algorithm ``scenarios``: maps of several states of the world by one network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterString,
)

from ...engine.protocol import MapJob, ScenariosJob
from ...engine.protocol.finished_results import ScenarioMaps, ScenariosResult
from ...models.card import Card, read_card
from ..core.answer import made
from ..core.map_run import run_summary, run_title
from ..core.translation import tr
from ..core.world_state import State, states_of
from . import map_options
from .engine_run import answered, not_understood
from .opened_products import open_products
from .product_parameters import product_fields
from .raster_algorithm import RasterAlgorithm


@dataclass(frozen=True)
class _Prepared:
    card: Card
    job: ScenariosJob
    open_maps: bool


class ScenariosAlgorithm(RasterAlgorithm):
    """Map species for several sets of rasters, such as years or climates to come."""

    GROUP = RasterAlgorithm.DECISIONS_GROUP
    SCENARIOS, MAPS, REPORT = "SCENARIOS", "MAPS", "REPORT"

    def name(self) -> str:
        return "scenarios"

    def displayName(self) -> str:
        return tr("Map scenarios")

    def shortHelpString(self) -> str:
        return tr(
            "Maps species for several sets of rasters, such as years or climates to come, with one network: a "
            "folder of maps for each.\n\n"
            "Scenarios: NAME:MODALITY=FILE, one a line; a date makes a temporal stack of the layers, as in "
            "2050@2050-01-01:bioclim=bioclim_2050.tif, and further files follow after semicolons.\n\n"
            "Rasters, rasters by name: those of today. A scenario's own stand in their place; the others are "
            "held, and the layers say so: under a climate of 2050 with the imagery of today a map is a "
            "statement about climate alone. What every scenario brings need not be given.\n\n"
            "“Compare two maps” tells gain and loss between two of them. Look at novelty: a climate to come "
            "often lies outside the training range.\n\n"
            "Model file, extent, mask, step, products and what is advanced are those of “Map species”."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        self.add_inputs()
        self.addParameter(QgsProcessingParameterString(self.SCENARIOS, tr("Scenarios"), multiLine=True))
        self.add_place(MapJob.step)
        self.add_maps()
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the maps")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.MAPS, tr("Maps")))
        self.addOutput(QgsProcessingOutputFile(self.REPORT, tr("The runs (scenarios.json)")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        out = prepared.job.out
        cancelled = tr("Cancelled; the maps of scenarios that were done stay in {}.").format(out)
        result = answered(ScenariosResult, "scenarios", prepared.job, feedback, lambda: cancelled)
        if result is None:
            return {self.OUTPUT: out}
        try:
            scenarios = [made(ScenarioMaps, values) for values in result.scenarios]  # type: ignore[arg-type]
        except TypeError as defect:
            raise not_understood(defect) from defect
        for one, state in zip(scenarios, states_of(scenarios)):
            for warning in one.warnings:
                feedback.pushWarning(f"{one.name}: {warning}")
            feedback.pushInfo(tr("{}: {} maps in {}").format(state.title, len(one.files), one.folder))
            if prepared.open_maps and context.project() is not None:
                self._open(prepared, one, state, context)
        return {
            self.OUTPUT: out,
            self.MAPS: [file for one in scenarios for file in one.files],
            self.REPORT: str(Path(out) / "scenarios.json"),
        }

    def _open(
        self, prepared: _Prepared, one: ScenarioMaps, state: State, context: QgsProcessingContext
    ) -> None:
        """Put one scenario's maps into a group of their own."""
        own = next(each.inputs for each in prepared.job.scenarios if each.name == one.name)
        brought = {each.modality for each in own}
        common = tuple(each for each in prepared.job.inputs if each.modality not in brought)
        job = replace(prepared.job, inputs=(*common, *own), out=one.folder)
        title = f"{state.title} · {run_title(prepared.card, job)}"
        lines = (tr("Scenario: {}").format(state.title), *run_summary(prepared.card, job, None).lines)
        open_products(one.files, title, lines, context, self.MAPS, state)

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        card = read_card(self.parameterAsFile(parameters, self.MODEL, context))
        scenarios = map_options.scenarios(parameters.get(self.SCENARIOS), card)
        brought = [{each.modality for each in one.inputs} for one in scenarios]
        _, values = self.read(parameters, context, elsewhere=set.intersection(*brought))
        out = self.map_folder(parameters, context)
        fields = product_fields(self, parameters, context)
        job = ScenariosJob(**values, **fields, out=out, scenarios=scenarios)
        return _Prepared(card, job, self.parameterAsBool(parameters, self.OPEN, context))
