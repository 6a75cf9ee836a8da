"""The algorithm ``odmap``: the record of a run that journals and agencies ask for."""

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
)

from ...engine.protocol import OdmapJob
from ...engine.protocol.finished_results import OdmapResult
from ..core.translation import tr
from .engine_run import answered
from .prepared_algorithm import PreparedAlgorithm
from .text_options import OptionError
from .vector_parameter import is_given


class OdmapAlgorithm(PreparedAlgorithm):
    """Write a record of a run by the ODMAP protocol."""

    GROUP = PreparedAlgorithm.DECISIONS_GROUP
    FOLDER, MODEL = "FOLDER", "MODEL"
    CSV, PAGE, ANSWERED, LEFT = "CSV", "PAGE", "ANSWERED", "LEFT"

    def name(self) -> str:
        return "odmap"

    def displayName(self) -> str:
        return tr("Write an ODMAP record")

    def tags(self) -> list[str]:
        return tr("species,report,reproducible,standard,protocol,metadata,sdm").split(",")

    def shortHelpString(self) -> str:
        return tr(
            "Writes the record that journals and agencies ask for, ODMAP (Zurell et al. 2020), of a run: as "
            "CSV for the protocol's web form, and as a page. What the model's card and the run know is filled "
            "in; what only you can say is left blank and is red on the page. What you write into odmap.csv "
            "stays when you run it again.\n\n"
            "Folder of a run: holds maps and run.json; the record is put there.\n\n"
            "Model file: where it is now, if it is not where it was."
        )

    def initAlgorithm(self, config: Optional[dict[str, Any]] = None) -> None:
        behavior = QgsProcessingParameterFile.Behavior
        models = tr("Scalescape models (*.safetensors);;All files (*)")
        self.addParameter(QgsProcessingParameterFile(self.FOLDER, tr("Folder of a run"), behavior.Folder))
        self.addParameter(
            QgsProcessingParameterFile(
                self.MODEL, tr("Model file"), behavior.File, optional=True, fileFilter=models
            )
        )
        self.addOutput(QgsProcessingOutputFile(self.CSV, tr("Record (CSV)")))
        self.addOutput(QgsProcessingOutputHtml(self.PAGE, tr("Record (page)")))
        self.addOutput(QgsProcessingOutputNumber(self.ANSWERED, tr("Elements filled in")))
        self.addOutput(QgsProcessingOutputNumber(self.LEFT, tr("Elements left to the author")))

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        result = answered(OdmapResult, "odmap", self.prepared(), feedback)
        if result is None:
            return {}
        said = tr("{} elements are filled in and {} are left to the author: {}")
        feedback.pushInfo(said.format(result.answered, result.left, result.files[1]))
        return {
            self.CSV: result.files[0],
            self.PAGE: result.files[1],
            self.ANSWERED: result.answered,
            self.LEFT: result.left,
        }

    def _prepare(self, parameters: dict[str, Any], context: QgsProcessingContext) -> OdmapJob:
        folder = Path(self.parameterAsFile(parameters, self.FOLDER, context)).absolute()
        if not (folder / "run.json").is_file():
            raise OptionError(tr("{} holds no run.json; choose the folder of a run.").format(folder))
        model = None
        if is_given(parameters, self.MODEL):
            model = str(Path(self.parameterAsFile(parameters, self.MODEL, context)).absolute())
            if not Path(model).is_file():
                raise OptionError(tr("{} does not exist.").format(model))
        return OdmapJob(str(folder), model)
