"""The Processing provider ``scalescape``."""

from __future__ import annotations

from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..gui.icons import plugin_icon
from .areas_algorithm import AreasAlgorithm
from .assess_algorithm import AssessAlgorithm
from .compare_algorithm import CompareAlgorithm
from .demo_algorithm import DemoAlgorithm
from .effects_algorithm import EffectsAlgorithm
from .evaluate_algorithm import EvaluateAlgorithm
from .import_paper_algorithm import ImportPaperAlgorithm
from .inspect_algorithm import InspectAlgorithm
from .map_algorithm import MapAlgorithm
from .odmap_algorithm import OdmapAlgorithm
from .products_algorithm import ProductsAlgorithm
from .profile_algorithm import ProfileAlgorithm
from .scenarios_algorithm import ScenariosAlgorithm
from .study_algorithm import StudyAlgorithm
from .train_algorithm import TrainAlgorithm


class ScalescapeProvider(QgsProcessingProvider):
    """Holds the algorithms."""

    def id(self) -> str:
        return "scalescape"

    def name(self) -> str:
        return "Scalescape"

    def icon(self) -> QIcon:
        return plugin_icon()

    def loadAlgorithms(self) -> None:
        mapping = (MapAlgorithm, EffectsAlgorithm, InspectAlgorithm, ProfileAlgorithm)
        judging = (EvaluateAlgorithm, StudyAlgorithm)
        finished = (ProductsAlgorithm, AreasAlgorithm, CompareAlgorithm, AssessAlgorithm, OdmapAlgorithm)
        models = (TrainAlgorithm, *judging, ImportPaperAlgorithm)
        for algorithm in (*mapping, ScenariosAlgorithm, *finished, *models, DemoAlgorithm):
            self.addAlgorithm(algorithm())
