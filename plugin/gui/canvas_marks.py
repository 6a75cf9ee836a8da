"""What the explorer draws on the canvas: the window of each scale at true size, its width, and the pins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem, QgsRubberBand
from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from ...engine.protocol.scale_results import InspectResult
from ..core.explorer_desk import ExplorerState, Pin, Point
from ..core.grid_facts import distance

LINE, CASING = 2.5, QColor(255, 255, 255, 210)
HALO = 3.5  # px of white around a label
LEAST_SIDE = 14  # px; a smaller window has no label
PIN_SIZE = 9  # px, radius
PAD = 3  # px
SHIFTS = 6  # how often a label gives way to another

Label = tuple[QgsGeometry, str, QColor, bool]
"""Outline, text, colour, and whether the text stands below the outline."""


class CanvasMarks:
    """Draws the state of the explorer; ``clear`` takes all away."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self._state = ExplorerState()
        self.bands: list[QgsRubberBand] = []
        self._labels: Optional[_Labels] = None
        canvas.destinationCrsChanged.connect(self._again)

    def close(self) -> None:
        """Draw nothing any more."""
        self.clear()
        self._canvas.destinationCrsChanged.disconnect(self._again)

    def show_state(self, state: ExplorerState) -> None:
        """Draw the windows of the point that is shown, and the pins."""
        same = state.result is self._state.result and state.point == self._state.point
        if same and state.pins == self._state.pins:
            self._state = state
            return
        self.clear()
        self._state = state
        labels: list[Label] = []
        if state.result is not None:
            labels = self._draw_windows(state.result)
        pins = [(self._placed(pin.point, pin.result), pin) for pin in state.pins]
        point = self._placed(state.point, state.result) if state.point is not None else None
        if labels or pins or point is not None:
            self._labels = _Labels(self._canvas, labels, pins, point, state.result is not None)

    def clear(self) -> None:
        """Take all away."""
        scene = self._canvas.scene()
        for item in (*self.bands, self._labels):
            if item is not None and scene is not None:
                scene.removeItem(item)
        self.bands, self._labels = [], None
        self._state = ExplorerState()

    def _draw_windows(self, result: InspectResult) -> list[Label]:
        """Draw the windows, the largest below, and return the label of each."""
        shown = [one for one in result.contributions if one.window is not None and one.width_m is not None]
        labels = []
        modalities = list(dict.fromkeys(one.modality for one in result.contributions))
        transform = self._transform(result.crs)
        for one in sorted(shown, key=lambda part: -part.width_m[0]):
            outline = QgsGeometry.fromPolygonXY([[QgsPointXY(*corner) for corner in one.window]])
            try:
                outline.transform(transform)
            except QgsCsException:
                continue  # beyond what the map's projection can show
            colour = QColor(one.colour)
            band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
            band.setToGeometry(outline, None)
            band.setStrokeColor(colour)
            band.setSecondaryStrokeColor(CASING)
            band.setFillColor(QColor(0, 0, 0, 0))
            band.setWidth(round(LINE))
            band.setLineStyle(Qt.PenStyle.SolidLine if one.on else Qt.PenStyle.DashLine)
            band.show()
            self.bands.append(band)
            labels.append((outline, distance(one.width_m[0]), colour, modalities.index(one.modality) % 2 == 0))
        return labels

    def _placed(self, point: Point, result: Optional[InspectResult]) -> Optional[QgsPointXY]:
        crs = point.crs or (result.crs if result is not None else "")
        try:
            return self._transform(crs).transform(QgsPointXY(point.x, point.y))
        except QgsCsException:
            return None

    def _transform(self, crs: str) -> QgsCoordinateTransform:
        here = self._canvas.mapSettings().destinationCrs()
        there = QgsCoordinateReferenceSystem()
        known = bool(crs) and there.createFromUserInput(crs)
        return QgsCoordinateTransform(there if known else here, here, QgsProject.instance())

    def _again(self) -> None:
        state = self._state
        self._state = ExplorerState()
        self.show_state(state)


class _Labels(QgsMapCanvasItem):
    """Widths at the windows' corners, a number at each pin, a cross at the point."""

    def __init__(
        self,
        canvas: QgsMapCanvas,
        labels: Sequence[Label],
        pins: Sequence[tuple[Optional[QgsPointXY], Pin]],
        point: Optional[QgsPointXY],
        good: bool,
    ) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._texts = labels
        self._pins = pins
        self._point = point
        self._good = good
        self.setZValue(1000)
        self.show()

    def boundingRect(self) -> QRectF:
        """Return the whole canvas, since labels give way to each other."""
        return QRectF(0, 0, self._canvas.width(), self._canvas.height())

    def updatePosition(self) -> None:
        """Draw again where the map was moved."""
        self.prepareGeometryChange()
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        """Draw."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._canvas.font()
        font.setBold(True)
        painter.setFont(font)
        pins = [(self.toCanvasCoordinates(place), pin) for place, pin in self._pins if place is not None]
        taken = [_pin_box(centre) for centre, _ in pins]
        metrics = QFontMetricsF(font)
        for outline, text, colour, below in self._texts:
            box = self._on_screen(outline)
            if max(box.width(), box.height()) >= LEAST_SIDE:
                size = QRectF(0, 0, metrics.horizontalAdvance(text), metrics.height())
                if below:
                    size.moveTopLeft(QPointF(box.left() + PAD, box.bottom() + PAD))
                else:
                    size.moveBottomLeft(QPointF(box.left() + PAD, box.top() - PAD))
                if box.intersects(self.boundingRect()):
                    size = moved_inside(size, self.boundingRect().adjusted(PAD, PAD, -PAD, -PAD))
                self._write(painter, metrics, size, text, colour, taken)
        if self._point is not None:
            self._cross(painter, self.toCanvasCoordinates(self._point))
        for centre, pin in pins:
            self._draw_pin(painter, centre, str(pin.number))

    def _on_screen(self, outline: QgsGeometry) -> QRectF:
        box = outline.boundingBox()
        corners = (QgsPointXY(box.xMinimum(), box.yMaximum()), QgsPointXY(box.xMaximum(), box.yMinimum()))
        return QRectF(*(self.toCanvasCoordinates(corner) for corner in corners))

    @staticmethod
    def _write(
        painter: QPainter, metrics: QFontMetricsF, size: QRectF, text: str, colour: QColor, taken: list[QRectF]
    ) -> None:
        """Write in the box ``size``; further right where another label stands there."""
        for _ in range(SHIFTS):
            other = next((one for one in taken if one.intersects(size)), None)
            if other is None:
                break
            size.moveLeft(other.right() + 2 * PAD)
        taken.append(size)
        path = QPainterPath()
        path.addText(size.left(), size.bottom() - metrics.descent(), painter.font(), text)
        painter.strokePath(path, QPen(Qt.GlobalColor.white, HALO))
        painter.fillPath(path, QBrush(colour.darker(160) if colour.lightness() > 150 else colour))

    def _cross(self, painter: QPainter, centre: QPointF) -> None:
        colour = QColor("#1a1a1a") if self._good else QColor("#b2182b")
        for pen in (QPen(Qt.GlobalColor.white, 4), QPen(colour, 1.6)):
            painter.setPen(pen)
            painter.drawLine(centre - QPointF(6, 0), centre + QPointF(6, 0))
            painter.drawLine(centre - QPointF(0, 6), centre + QPointF(0, 6))

    @staticmethod
    def _draw_pin(painter: QPainter, centre: QPointF, text: str) -> None:
        box = _pin_box(centre)
        painter.setPen(QPen(Qt.GlobalColor.white, 2))
        painter.setBrush(QColor("#1a1a1a"))
        painter.drawEllipse(box)
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def moved_inside(box: QRectF, room: QRectF) -> QRectF:
    """Return ``box`` moved as little as needed to lie in ``room``."""
    left = min(max(box.left(), room.left()), max(room.left(), room.right() - box.width()))
    top = min(max(box.top(), room.top()), max(room.top(), room.bottom() - box.height()))
    return QRectF(left, top, box.width(), box.height())


def _pin_box(centre: QPointF) -> QRectF:
    return QRectF(centre.x() - PIN_SIZE, centre.y() - PIN_SIZE, 2 * PIN_SIZE, 2 * PIN_SIZE)
