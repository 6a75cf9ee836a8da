"""Small pictures of what the network saw at each scale."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Optional

from qgis.PyQt.QtCore import QByteArray, QRect, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPixmap
from qgis.PyQt.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from ...engine.protocol.scale_results import BandValue, InspectResult, Patch
from ...models.card import Card
from ..core.grid_facts import distance
from ..core.translation import tr

SIDE = 82  # px
IN_A_ROW = 4
LINES = 3  # of a caption: whose picture it is, how wide, and what the centre holds
SPACE = 5


class PatchPictures(QWidget):
    """Pictures in rows, each in a frame of its branch's colour; beside the scale, what the centre holds."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(SPACE)
        self._grid.setColumnStretch(IN_A_ROW, 1)
        self.pictures: list[_Picture] = []

    def show_result(self, result: Optional[InspectResult], card: Optional[Card]) -> None:
        """Show the patches of an answer, none where there is none."""
        patches = _in_order(result.patches) if result is not None and card is not None else []
        while len(self.pictures) < len(patches):
            picture = _Picture()
            place = len(self.pictures)
            align = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft
            self._grid.addWidget(picture, place // IN_A_ROW, place % IN_A_ROW, align)
            self.pictures.append(picture)
        for picture in self.pictures[len(patches) :]:
            picture.hide()
        for picture, patch in zip(self.pictures, patches):
            part = next(
                one
                for one in result.contributions
                if (one.modality, one.scale) == (patch.modality, patch.scale)
            )
            width = part.width_m[0] if part.width_m is not None else 0.0
            value = next(
                (one for one in result.values if (one.modality, one.band) == (patch.modality, patch.bands[0])),
                None,
            )
            picture.show_patch(patch, width, value, QColor(part.colour))
            picture.show()


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.image = QLabel()
        self.image.setFixedSize(SIDE, SIDE)
        self.caption = QLabel()
        self.caption.setFixedWidth(SIDE)
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.caption.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        font = self.caption.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        self.caption.setFont(font)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addWidget(self.image)
        column.addWidget(self.caption)
        self.setFixedSize(SIDE, SIDE + LINES * self.caption.fontMetrics().lineSpacing() + 4)

    def show_patch(self, patch: Patch, width_m: float, value: Optional[BandValue], colour: QColor) -> None:
        """Show a patch ``width_m`` wide; ``value`` is what the centre holds of its only band."""
        self.image.setPixmap(_framed(patch, colour))
        wide = distance(width_m)
        lines = [patch.modality, wide]
        if patch.kind == "ramp" and value is not None:
            unit = f" {value.unit}" if value.unit and len(value.unit) < 6 else ""
            lines = [patch.bands[0], wide, f"{value.value:.4g}{unit}"]
        # Names of bands often differ at their ends: ca-cloudcover-mean, ca-cloudcover-stdv.
        metrics = self.caption.fontMetrics()
        shown = [metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, SIDE) for line in lines]
        self.caption.setText("\n".join(shown))
        self.setToolTip(_tip(patch, wide))


def _framed(patch: Patch, colour: QColor) -> QPixmap:
    """Return the picture at ``SIDE``, each pixel a square, with a dot on its centre."""
    image = QImage.fromData(QByteArray(base64.b64decode(patch.png)), "PNG")
    pixmap = QPixmap(SIDE, SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    inner = QRect(2, 2, SIDE - 4, SIDE - 4)
    painter.drawImage(inner, image)
    for pen in (QColor(255, 255, 255), QColor(0, 0, 0)):
        size = 5 if pen.value() else 3
        painter.fillRect(SIDE // 2 - size // 2, SIDE // 2 - size // 2, size, size, pen)
    painter.fillRect(0, 0, SIDE, 2, colour)
    painter.fillRect(0, SIDE - 2, SIDE, 2, colour)
    painter.fillRect(0, 0, 2, SIDE, colour)
    painter.fillRect(SIDE - 2, 0, 2, SIDE, colour)
    painter.end()
    return pixmap


def _in_order(patches: Sequence[Patch]) -> list[Patch]:
    """Return pictures of imagery first, then the small maps band by band."""
    imagery = [one for one in patches if one.kind != "ramp"]
    maps = [one for one in patches if one.kind == "ramp"]
    return imagery + sorted(maps, key=lambda one: (one.modality, one.bands))


def _tip(patch: Patch, wide: str) -> str:
    kinds = {
        "natural": tr("natural colour"),
        "false": tr("false colour"),
        "ramp": tr("dark is low, bright is high"),
    }
    lines = [tr("{} {} × {} pixels, {} wide ({})").format(
        patch.modality, patch.scale, patch.scale, wide, kinds.get(patch.kind, patch.kind)
    )]  # fmt: skip
    lines += [
        tr("{}: from {:.4g} to {:.4g}").format(band, low, high)
        for band, low, high in zip(patch.bands, patch.low, patch.high)
    ]
    return "\n".join(lines)
