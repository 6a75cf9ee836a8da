"""What QGIS loads: puts dock, scale explorer and Processing provider in place, and takes them away."""

from __future__ import annotations

from typing import Any, Optional

from qgis.core import Qgis, QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, Qt, QTimer, QUrl
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QPushButton

from .core.engine_bridge import EngineBridge
from .core.map_run import TASK_TITLE
from .core.translation import tr
from .processing.provider import ScalescapeProvider

MENU = "Scalescape"
GOOD_SECONDS = 8
ON_TOP_MS = 300


class ScalescapePlugin(QObject):
    """The plugin; ``iface`` is None in ``qgis_process``, where only the provider is wanted."""

    def __init__(self, iface: Any) -> None:
        super().__init__()
        self._iface = iface
        self._provider: Optional[ScalescapeProvider] = None
        self._bridge: Optional[EngineBridge] = None
        self._action: Any = None
        self._indicators: Any = None
        self.dock: Any = None
        self.explorer: Any = None

    def initProcessing(self) -> None:
        """Add the Processing provider."""
        self._provider = ScalescapeProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Add provider, dock and the action that shows it."""
        from .gui.dock import ScalescapeDock
        from .gui.explorer import Explorer
        from .gui.icons import plugin_icon
        from .gui.summary_indicators import SummaryIndicators

        self.initProcessing()
        self._bridge = EngineBridge(self)
        self.dock = ScalescapeDock(
            self._bridge, QgsProject.instance(), self._iface.mapCanvas(), self._iface.mainWindow()
        )
        self.dock.ended.connect(self._on_end)
        self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self._action = self.dock.toggleViewAction()
        self._action.setIcon(plugin_icon())
        self._action.setToolTip(tr("Scalescape: where species can live"))
        self._iface.addPluginToMenu(MENU, self._action)
        self._iface.addToolBarIcon(self._action)
        self._add_explorer(Explorer(self._bridge, self.dock, self._iface.mapCanvas(), self._iface.mainWindow()))
        view = self._iface.layerTreeView()
        if view is not None:
            self._indicators = SummaryIndicators(QgsProject.instance(), view, self)

    def _add_explorer(self, explorer: Any) -> None:
        self.explorer = explorer
        area = Qt.DockWidgetArea.RightDockWidgetArea
        self._iface.addDockWidget(area, explorer.panel)
        self._iface.mainWindow().tabifyDockWidget(self.dock, explorer.panel)
        explorer.panel.hide()
        explorer.ended.connect(self._on_end)
        self._iface.addPluginToMenu(MENU, explorer.action)
        self._iface.addToolBarIcon(explorer.action)
        self._iface.mapCanvas().currentLayerChanged.connect(explorer.follow_layer)

    def _remove_explorer(self) -> None:
        if self.explorer is None:
            return
        self._iface.mapCanvas().currentLayerChanged.disconnect(self.explorer.follow_layer)
        self._iface.removePluginMenu(MENU, self.explorer.action)
        self._iface.removeToolBarIcon(self.explorer.action)
        self.explorer.close()
        self._iface.removeDockWidget(self.explorer.panel)
        self.explorer.panel.deleteLater()
        self.explorer.deleteLater()
        self.explorer = None

    def unload(self) -> None:
        """Remove all that was added and shut the engine down."""
        if self._indicators is not None:
            self._indicators.close()
            self._indicators = None
        self._remove_explorer()
        if self.dock is not None:
            self._iface.removePluginMenu(MENU, self._action)
            self._iface.removeToolBarIcon(self._action)
            self.dock.desk.cancel()
            self.dock.close()
            self._iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = self._action = None
        if self._bridge is not None:
            self._bridge.close()
            self._bridge = None
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None

    def _on_end(self, level: str, title: str, sentence: str, folder: str) -> None:
        # QGIS 3.22 to 3.24 push a message of their own at the end of a long task ("Task failed" where it was
        # cancelled); it comes at once, and ours, which says more, takes its place.
        QTimer.singleShot(ON_TOP_MS, lambda: self._say_end(level, title, sentence, folder))

    def _say_end(self, level: str, title: str, sentence: str, folder: str) -> None:
        levels = {
            "success": Qgis.MessageLevel.Success,
            "info": Qgis.MessageLevel.Info,
            "warning": Qgis.MessageLevel.Warning,
            "critical": Qgis.MessageLevel.Critical,
        }
        seconds = GOOD_SECONDS if level in ("success", "info") else 0
        bar = self._iface.messageBar()
        for item in bar.items():
            if item.text().startswith(TASK_TITLE):
                bar.popWidget(item)
        message = bar.createMessage(title, sentence)
        if folder:
            button = QPushButton(tr("Open the folder"), message)
            button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(folder)))
            message.layout().addWidget(button)
        bar.pushWidget(message, levels[level], seconds)
