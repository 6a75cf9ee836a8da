"""The algorithm ``products``: what is made of finished maps, without the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputFolder,
    QgsProcessingOutputMultipleLayers,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
)

from ...engine.protocol import ProductsJob
from ...engine.protocol.finished_results import ProductsResult
from ..core.translation import tr
from .engine_run import answered
from .opened_products import open_products
from .prepared_algorithm import PreparedAlgorithm
from .product_parameters import INCLUDE_UNPROVEN, products_of, products_parameter, unproven_parameter
from .text_options import OptionError
from .threshold_parameter import threshold_of, threshold_parameters

MAKEABLE = ("occurrence", "binary", "richness", "top")  # without the network


@dataclass(frozen=True)
class _Prepared:
    job: ProductsJob
    open_maps: bool


class ProductsAlgorithm(PreparedAlgorithm):
    """Make occurrence, yes-or-no maps, richness and the most favoured species of finished maps."""

    GROUP = PreparedAlgorithm.DECISIONS_GROUP
    FOLDER, OPEN, MAPS = "FOLDER", "OPEN", "MAPS"

    def name(self) -> str:
        return "products"

    def displayName(self) -> str:
        return tr("Make products of finished maps")

    def tags(self) -> list[str]:
        return tr("species,binary,threshold,richness,occurrence,presence,absence,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Makes further maps of the finished maps in a folder, without the network, and puts them there.\n\n"
            "occurrence: the probability of presence, calibrated on surveys; refused with the reason where "
            "the model learnt from records alone.\n\n"
            "binary: 1 where the value reaches a threshold; not where the species is, or how large its range "
            "is.\n\n"
            "richness: the expected number of modelled species, the sum of occurrence; without occurrence the "
            "number above their thresholds, and it is called so.\n\n"
            "top: the species most favoured relative to its own average, which need not be the one most "
            "likely to be there.\n\n"
            "Threshold rule and threshold instead: for binary, and for richness without occurrence.\n\n"
            "Count unproven species: by default richness and top leave out species for which tests prove "
            "nothing, and name them.\n\n"
            "Novelty is none of them, since it needs the rasters: “Map species” makes it."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.addParameter(QgsProcessingParameterFile(self.FOLDER, tr("Folder of maps"), folder))
        self.addParameter(products_parameter(MAKEABLE, ("binary",)))
        for parameter in threshold_parameters():
            self.addParameter(parameter)
        self.addParameter(unproven_parameter())
        self.addParameter(QgsProcessingParameterBoolean(self.OPEN, tr("Open the maps"), True))
        self.addOutput(QgsProcessingOutputFolder(self.OUTPUT, tr("Folder of maps")))
        self.addOutput(QgsProcessingOutputMultipleLayers(self.MAPS, tr("Maps")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        prepared: _Prepared = self.prepared()
        folder = prepared.job.folder
        result = answered(ProductsResult, "products", prepared.job, feedback)
        if result is None:
            return {self.OUTPUT: folder}
        said = tr("{} maps of {} × {} pixels in {}").format(
            len(result.files), result.width, result.height, folder
        )
        feedback.pushInfo(said)
        if prepared.open_maps and context.project() is not None:
            group = tr("{}: {}").format(Path(folder).name, ", ".join(prepared.job.products))
            open_products(result.files, group, (said,), context, self.MAPS)
        return {self.OUTPUT: folder, self.MAPS: list(result.files)}

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> _Prepared:
        folder = Path(self.parameterAsFile(parameters, self.FOLDER, context)).absolute()
        if not folder.is_dir():
            raise OptionError(tr("The folder {} does not exist.").format(folder))
        job = ProductsJob(
            folder=str(folder),
            products=products_of(self, parameters, context),
            threshold=threshold_of(self, parameters, context),
            include_unproven=self.parameterAsBool(parameters, INCLUDE_UNPROVEN, context),
        )
        return _Prepared(job, self.parameterAsBool(parameters, self.OPEN, context))
