"""What all algorithms of the provider have in common."""

from __future__ import annotations

from typing import Any, Optional

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsProcessingFeedback
from qgis.PyQt.QtGui import QIcon

from ..core import settings
from ..core.translation import tr
from ..gui.icons import plugin_icon


class EngineAlgorithm(QgsProcessingAlgorithm):
    """Base of the algorithms; a subclass says its ``GROUP`` and, in ``fault``, what can't be asked of it.

    One that makes a model file puts its path into ``made_model``: the dock then offers it.
    """

    MAPS_GROUP, SCALES_GROUP, DECISIONS_GROUP = "maps", "scales", "decisions"
    MODELS_GROUP, SAMPLE_GROUP = "models", "sample"
    GROUP = ""

    def __init__(self) -> None:
        super().__init__()
        self.made_model = ""

    def createInstance(self) -> EngineAlgorithm:
        return type(self)()

    def icon(self) -> QIcon:
        return plugin_icon()

    def groupId(self) -> str:
        return self.GROUP

    def group(self) -> str:
        titles = {
            self.MAPS_GROUP: tr("Maps"),
            self.SCALES_GROUP: tr("Scales"),
            self.DECISIONS_GROUP: tr("Decisions"),
            self.MODELS_GROUP: tr("Models"),
            self.SAMPLE_GROUP: tr("Sample data"),
        }
        return titles.get(self.GROUP, "")

    def checkParameterValues(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> tuple[bool, str]:
        good, said = super().checkParameterValues(parameters, context)
        if not good:
            return good, said
        said = self.fault(parameters, context)
        return not said, said

    def postProcessAlgorithm(
        self, context: QgsProcessingContext, feedback: Optional[QgsProcessingFeedback]
    ) -> dict[str, Any]:
        if self.made_model:
            settings.remember_model(self.made_model)
        return {}

    def fault(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return in one sentence what is wrong with values of the right type; empty where nothing is."""
        return ""
