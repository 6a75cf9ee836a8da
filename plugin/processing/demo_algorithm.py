"""The algorithm ``demo``: the demo landscape."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFile,
    QgsProcessingOutputRasterLayer,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterNumber,
)

from ...engine.protocol import DemoJob
from ..core.translation import tr
from .engine_algorithm import EngineAlgorithm
from .engine_run import run_job

LEAST_SIZE = 1024  # as engine.demo.landscape.SMALLEST_SIZE


class DemoAlgorithm(EngineAlgorithm):
    """Write the demo landscape: rasters, sites and the true maps of a dozen virtual species."""

    GROUP = EngineAlgorithm.SAMPLE_GROUP
    OUTPUT, SIZE, SEED = "OUTPUT", "SIZE", "SEED"
    SATELLITE, BIOCLIM, LANDSCAPE = "SATELLITE", "BIOCLIM", "LANDSCAPE"

    def name(self) -> str:
        return "demo"

    def displayName(self) -> str:
        return tr("Make the demo landscape")

    def tags(self) -> list[str]:
        return tr("species,sample data,virtual,tutorial").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Makes a landscape that exists nowhere: a satellite scene (10 m), climate (1 km), and a dozen "
            "virtual species whose true response, and the scale of it, are known. The shipped demo model "
            "maps them.\n\n"
            "Size: the side of the scene in pixels. Seed: another number is another landscape."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        integer = QgsProcessingParameterNumber.Type.Integer
        job = DemoJob("")
        self.addParameter(
            QgsProcessingParameterNumber(
                self.SIZE, tr("Size in pixels"), integer, job.size, minValue=LEAST_SIZE
            )
        )
        self.addParameter(QgsProcessingParameterNumber(self.SEED, tr("Seed"), integer, job.seed, minValue=0))
        self.addParameter(QgsProcessingParameterFolderDestination(self.OUTPUT, tr("Folder for the landscape")))
        self.addOutput(QgsProcessingOutputRasterLayer(self.SATELLITE, tr("Satellite scene")))
        self.addOutput(QgsProcessingOutputRasterLayer(self.BIOCLIM, tr("Climate")))
        self.addOutput(QgsProcessingOutputFile(self.LANDSCAPE, tr("Description (landscape.json)")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        folder = Path(self.parameterAsString(parameters, self.OUTPUT, context)).absolute()
        size = self.parameterAsInt(parameters, self.SIZE, context)
        seed = self.parameterAsInt(parameters, self.SEED, context)
        if not run_job("demo", DemoJob(str(folder), size, seed), feedback):
            return {self.OUTPUT: str(folder)}
        return {
            self.OUTPUT: str(folder),
            self.SATELLITE: str(folder / "satellite.tif"),
            self.BIOCLIM: str(folder / "bioclim.tif"),
            self.LANDSCAPE: str(folder / "landscape.json"),
        }
