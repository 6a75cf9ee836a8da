"""Bars of how much a species relies on each branch, with whiskers over refits; drawn with QPainter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPalette, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ...engine.scale_results import BranchProfile
from ..core.translation import tr

ROW, AXIS, GAP = 26, 20, 8  # px
BAR, WHISKER = 0.55, 0.22  # of a row's height
ROOM = 52  # px for the number


class ProfileChart(QWidget):
    """One bar a branch: the mean absolute contribution."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._branches: Sequence[BranchProfile] = ()
        self._names: Sequence[str] = ()

    def show_profile(self, branches: Sequence[BranchProfile], names: Sequence[str]) -> None:
        """Show the branches of one species, by the names that are given."""
        self._branches, self._names = branches, names
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a height that holds all bars."""
        return QSize(420, ROW * len(self._branches) + AXIS)

    def minimumSizeHint(self) -> QSize:
        """Return the same height."""
        return QSize(260, self.sizeHint().height())

    def paintEvent(self, _event: object) -> None:
        """Draw."""
        if not self._branches:
            return
        painter = QPainter(self)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        left = max(painter.fontMetrics().horizontalAdvance(name) for name in self._names) + GAP
        width = max(40, self.width() - left - ROOM)
        largest = max(max(one.mean_abs, one.high or 0.0) for one in self._branches) or 1.0
        for row, (one, name) in enumerate(zip(self._branches, self._names)):
            top, middle = row * ROW, (row + 0.5) * ROW
            painter.setPen(text)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, left - GAP, ROW), right, name)
            colour = QColor(one.colour)
            painter.setPen(QPen(colour.darker(130), 1))
            painter.setBrush(colour)
            length = width * one.mean_abs / largest
            painter.drawRect(QRectF(left, top + ROW * (1 - BAR) / 2, length, ROW * BAR))
            end = length
            if one.low is not None and one.high is not None:
                low, end = (width * value / largest for value in (one.low, one.high))
                painter.setPen(QPen(text, 1.5))
                painter.drawLine(round(left + low), round(middle), round(left + end), round(middle))
                for x in (low, end):
                    half = ROW * WHISKER
                    painter.drawLine(
                        round(left + x), round(middle - half), round(left + x), round(middle + half)
                    )
            painter.setPen(text)
            side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(left + max(length, end) + 5, top, ROOM, ROW), side, f"{one.mean_abs:.2f}")
        painter.setPen(text)
        bottom = ROW * len(self._branches)
        painter.drawLine(round(left), 0, round(left), bottom)
        title = tr("mean absolute contribution (logit)")
        painter.drawText(QRectF(left, bottom, width, AXIS), Qt.AlignmentFlag.AlignLeft, title)
