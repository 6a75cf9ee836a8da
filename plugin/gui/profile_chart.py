"""Bars of how much a species relies on each branch, with whiskers over refits; drawn with QPainter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from qgis.PyQt.QtCore import QPointF, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPalette, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ...engine.protocol.scale_results import BranchProfile
from ..core.translation import tr

ROW, AXIS, GAP = 26, 20, 8  # px
BAR, WHISKER = 0.55, 0.22  # of a row's height
ROOM = 52  # px for a number
LEAST = 40  # px for the longest bar

Span = Optional[tuple[float, float]]
"""The range over refits, None where there are none."""


@dataclass(frozen=True)
class _Measure:
    """What one half of the chart shows: a value a branch (None where it has none), its range, its words."""

    title: str
    values: Sequence[Optional[float]]
    spans: Sequence[Span]
    texts: Sequence[str]

    def ends(self) -> tuple[float, float]:
        """Return the ends of an axis that holds zero, all values and all ranges."""
        every = [0.0, *(value for value in self.values if value is not None)]
        every += [end for span in self.spans if span is not None for end in span]
        low, high = min(every), max(every)
        return (low, high) if high > low else (low, low + 1.0)


class ProfileChart(QWidget):
    """A row a branch: its mean absolute contribution, and its share of the logit's variance."""

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
        return QSize(560, ROW * len(self._branches) + AXIS)

    def minimumSizeHint(self) -> QSize:
        """Return the same height."""
        return QSize(360, self.sizeHint().height())

    def paintEvent(self, _event: object) -> None:
        """Draw."""
        if not self._branches:
            return
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        left = max(painter.fontMetrics().horizontalAdvance(name) for name in self._names) + GAP
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, name in enumerate(self._names):
            painter.drawText(QRectF(0, row * ROW, left - GAP, ROW), right, name)
        half = (self.width() - left) / 2
        for place, measure in enumerate(self._measures()):
            self._draw(painter, measure, left + place * half, half - GAP)

    def _measures(self) -> tuple[_Measure, _Measure]:
        branches = self._branches
        shares = [one.variance_share for one in branches]
        return (
            _Measure(
                tr("mean absolute contribution"),
                [one.mean_abs for one in branches],
                [_span(one.low, one.high) for one in branches],
                [f"{one.mean_abs:.2f}" for one in branches],
            ),
            _Measure(
                tr("share of the variance"),
                shares,
                [_span(one.share_low, one.share_high) for one in branches],
                ["–" if share is None else f"{100 * share:.0f} %" for share in shares],
            ),
        )

    def _draw(self, painter: QPainter, measure: _Measure, left: float, width: float) -> None:
        """Draw bars from zero; numbers stand at the right of all that a row holds."""
        text = self.palette().color(QPalette.ColorRole.WindowText)
        low, high = measure.ends()
        scale = max(LEAST, width - ROOM) / (high - low)
        zero = left - low * scale
        rows = zip(self._branches, measure.values, measure.spans, measure.texts)
        for row, (one, value, span, words) in enumerate(rows):
            top, middle = row * ROW, (row + 0.5) * ROW
            end = zero
            if value is not None:
                colour = QColor(one.colour)
                painter.setPen(QPen(colour.darker(130), 1))
                painter.setBrush(colour)
                start, length = (zero, value * scale) if value >= 0 else (zero + value * scale, -value * scale)
                painter.drawRect(QRectF(start, top + ROW * (1 - BAR) / 2, length, ROW * BAR))
                end = max(end, start + length)
            if span is not None:
                ends = [zero + value * scale for value in span]
                painter.setPen(QPen(text, 1.5))
                painter.drawLine(QPointF(ends[0], middle), QPointF(ends[1], middle))
                for x in ends:
                    tall = ROW * WHISKER
                    painter.drawLine(QPointF(x, middle - tall), QPointF(x, middle + tall))
                end = max(end, ends[1])
            painter.setPen(text)
            side = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(end + 5, top, ROOM, ROW), side, words)
        bottom = ROW * len(self._branches)
        painter.setPen(text)
        painter.drawLine(QPointF(zero, 0), QPointF(zero, bottom))
        painter.drawText(QRectF(left, bottom, width, AXIS), Qt.AlignmentFlag.AlignLeft, measure.title)


def _span(low: Optional[float], high: Optional[float]) -> Span:
    return None if low is None or high is None else (low, high)
