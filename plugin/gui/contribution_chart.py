"""A diverging bar for each branch, beside the box that switches it; drawn with QPainter."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QBrush, QColor, QPainter, QPalette, QPen
from qgis.PyQt.QtWidgets import QCheckBox, QGridLayout, QSizePolicy, QWidget

from ...engine.protocol.scale_results import Contribution, InspectResult
from ...models.card import Card
from ..core.grid_facts import distance, window
from ..core.translation import tr

ROW, AXIS = 22, 16  # px
BAR = 0.62  # of a row's height
ROOM = 44  # px at either side, for the number
LEAST_LIMIT = 0.5  # logits; smaller contributions are not blown up to look large
HATCH = Qt.BrushStyle.BDiagPattern


def axis_limit(values: list[float]) -> float:
    """Return the end of a symmetric axis: 1, 2 or 5 times a power of ten, at or beyond the largest value."""
    largest = max((abs(value) for value in values), default=0.0)
    limit = LEAST_LIMIT
    steps = (2.0, 2.0, 2.5)  # 0.5, 1, 2, 5, 10 ...
    place = 0
    while limit < largest:
        limit *= steps[place % len(steps)]
        place += 1
    return limit


class ContributionChart(QWidget):
    """One row a branch: a box with its name, and a bar that grows to the right where it speaks for the species.

    Signals
    -------
    switched : (str, int, bool)
        A branch's box was ticked or not.
    """

    switched = pyqtSignal(str, int, bool)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.boxes: dict[tuple[str, int], QCheckBox] = {}
        self.bars: dict[tuple[str, int], ContributionBar] = {}
        self._widths: dict[tuple[str, int], str] = {}  # by the card
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self.axis = AxisRow()

    def set_card(self, card: Optional[Card]) -> None:
        """Offer the branches of ``card``."""
        for widget in (*self.boxes.values(), *self.bars.values()):
            self._grid.removeWidget(widget)
            widget.deleteLater()
        self.boxes, self.bars = {}, {}
        self._widths = {}
        row = 0
        for modality in card.modalities if card is not None else ():
            for scale in modality.scales:
                key = (modality.name, scale)
                box = QCheckBox()
                box.toggled.connect(lambda on, key=key: self.switched.emit(*key, on))
                self.boxes[key], self.bars[key] = box, ContributionBar()
                self._widths[key] = window(modality, scale)
                self._name(key, self._widths[key])
                self._grid.addWidget(box, row, 0)
                self._grid.addWidget(self.bars[key], row, 1)
                row += 1
        self._grid.addWidget(self.axis, row, 1)
        self.axis.setVisible(bool(row))

    def set_scales(self, on: dict[str, tuple[int, ...]], offered: dict[str, tuple[int, ...]]) -> None:
        """Tick the scales that are on, and leave only those to be switched that are ``offered``."""
        for (modality, scale), box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(scale in on.get(modality, ()))
            box.blockSignals(False)
            box.setEnabled(scale in offered.get(modality, ()))

    def show_result(self, result: Optional[InspectResult]) -> None:
        """Show the contributions of an answer; empty bars where there is none.

        Windows are then called as on the map, by their width on the ground there, else by the card's.
        """
        parts = {(one.modality, one.scale): one for one in result.contributions} if result is not None else {}
        limit = axis_limit([one.value for one in parts.values()])
        self.axis.set_limit(limit if parts else None)
        for key, bar in self.bars.items():
            part = parts.get(key)
            bar.show_part(part, limit)
            width_m = part.width_m if part is not None else None
            self._name(key, distance(width_m[0]) if width_m is not None else self._widths[key])

    def _name(self, key: tuple[str, int], wide: str) -> None:
        """Say on a branch's box how wide its window is."""
        modality, scale = key
        self.boxes[key].setText(f"{modality} {wide}")
        tip = tr("A window of {} × {} pixels, {} wide. Untick it to see what the others say.")
        self.boxes[key].setToolTip(tip.format(scale, scale, wide))


class _Axis(QWidget):
    """Has a middle and a length on either side."""

    def __init__(self, height: int, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return a size at which the bars can be told apart."""
        return QSize(200, self._height)

    def minimumSizeHint(self) -> QSize:
        """Return the least size."""
        return QSize(2 * ROOM + 40, self._height)

    def _middle(self) -> float:
        return self.width() / 2

    def _reach(self) -> float:
        return self.width() / 2 - ROOM

    def _quiet(self) -> QColor:
        colour = self.palette().color(QPalette.ColorRole.WindowText)
        colour.setAlpha(110)
        return colour


class ContributionBar(_Axis):
    """The bar of one branch; hatched where the branch is off and its replacement stands for it."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(ROW, parent)
        self._part: Optional[Contribution] = None
        self._limit = 1.0

    @property
    def text(self) -> str:
        """Return the value as it is written beside the bar."""
        return f"{self._part.value:+.2f}" if self._part is not None else ""

    def show_part(self, part: Optional[Contribution], limit: float) -> None:
        """Show a contribution on an axis from -limit to limit."""
        self._part, self._limit = part, limit
        self.setToolTip(_tip(part))
        self.setAccessibleDescription(self.text)
        self.update()

    def paintEvent(self, _event: object) -> None:
        """Draw."""
        painter = QPainter(self)
        painter.setPen(self._quiet())
        middle = self._middle()
        painter.drawLine(round(middle), 0, round(middle), self.height())
        if self._part is None:
            return
        length = self._reach() * min(1.0, abs(self._part.value) / self._limit)
        right = self._part.value >= 0
        tall = self.height() * BAR
        box = QRectF(middle if right else middle - length, (self.height() - tall) / 2, length, tall)
        colour = QColor(self._part.colour)
        edge = colour.darker(130)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(colour if self._part.on else QBrush(edge, HATCH))
        painter.drawRect(box)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        left = box.right() + 4 if right else box.left() - ROOM - 4
        side = Qt.AlignmentFlag.AlignLeft if right else Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(left, 0, ROOM, self.height()), side | Qt.AlignmentFlag.AlignVCenter, self.text)


class AxisRow(_Axis):
    """The numbers below the bars."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(AXIS, parent)
        self._limit: Optional[float] = None

    def set_limit(self, limit: Optional[float]) -> None:
        """Write an axis from -limit to limit; nothing where it is None."""
        self._limit = limit
        self.update()

    def paintEvent(self, _event: object) -> None:
        """Draw."""
        if self._limit is None:
            return
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        painter.setFont(font)
        painter.setPen(self._quiet())
        middle, reach = self._middle(), self._reach()
        painter.drawLine(round(middle - reach), 0, round(middle + reach), 0)
        for share in (-1, 0, 1):
            x = middle + share * reach
            painter.drawLine(round(x), 0, round(x), 3)
            text = f"{share * self._limit:+g}" if share else "0"
            painter.drawText(
                QRectF(x - ROOM, 2, 2 * ROOM, self.height() - 2), Qt.AlignmentFlag.AlignHCenter, text
            )


def _tip(part: Optional[Contribution]) -> str:
    if part is None:
        return ""
    if not part.on:
        return tr("Off: this is what its replacement adds everywhere.")
    return tr(
        "Adds {:+.4f} to the logit beyond its average over the training area; 0 is an average net effect."
    ).format(part.value)
