"""The map tool of the scale explorer: click a point, or drag and let it follow."""

from __future__ import annotations

from typing import Any

from qgis.gui import QgsMapCanvas, QgsMapTool
from qgis.PyQt.QtCore import Qt, pyqtSignal

from .icons import explorer_cursor


class ExplorerTool(QgsMapTool):
    """Tells where the left button is pressed, and where it is dragged to.

    Signals
    -------
    pointed : (object)
        The QgsPointXY, in the canvas's CRS.
    """

    pointed = pyqtSignal(object)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self.setCursor(explorer_cursor())

    def canvasPressEvent(self, event: Any) -> None:
        """Point."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.pointed.emit(self.toMapCoordinates(event.pos()))

    def canvasMoveEvent(self, event: Any) -> None:
        """Follow the pointer while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.pointed.emit(self.toMapCoordinates(event.pos()))
