"""A map tool that draws one polygon: a click adds a corner, a right click ends it, Escape forgets it."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

LEAST_CORNERS = 3
STROKE, FILL, WIDTH = QColor(90, 0, 120), QColor(90, 0, 120, 30), 2


class PolygonTool(QgsMapTool):
    """Draws; the polygon stays on the canvas until ``clear``.

    Signals
    -------
    drawn : (object)
        The QgsGeometry, in the canvas's CRS.
    """

    drawn = pyqtSignal(object)

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._corners: list[QgsPointXY] = []
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._band.setStrokeColor(STROKE)
        self._band.setFillColor(FILL)
        self._band.setWidth(WIDTH)

    def clear(self) -> None:
        """Forget the polygon."""
        self._corners = []
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def close(self) -> None:
        """Take the polygon from the canvas for good."""
        self.clear()
        scene = self.canvas().scene()
        if scene is not None:
            scene.removeItem(self._band)

    def canvasPressEvent(self, event: Any) -> None:
        """Add a corner, or end."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._corners.append(self.toMapCoordinates(event.pos()))
            self._show(self._corners)
        elif event.button() == Qt.MouseButton.RightButton and len(self._corners) >= LEAST_CORNERS:
            outline = QgsGeometry.fromPolygonXY([self._corners])
            self._show(self._corners)
            self._corners = []
            self.drawn.emit(outline)

    def canvasMoveEvent(self, event: Any) -> None:
        """Show where the next corner would be."""
        if self._corners:
            self._show([*self._corners, self.toMapCoordinates(event.pos())])

    def keyPressEvent(self, event: Any) -> None:
        """Forget the polygon on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()

    def _show(self, corners: list[QgsPointXY]) -> None:
        self._band.setToGeometry(QgsGeometry.fromPolygonXY([corners]), None)
