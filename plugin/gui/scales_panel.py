"""Which scales are on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from ...models.card import Card
from ..core.grid_facts import distance, window
from ..core.translation import tr
from .labels import Note, coloured
from .section import SPACE, Section

COLUMNS = 3


class ScalesPanel(Section):
    """A check box for each scale, with the width of its window, and the margin that the windows cost.

    Signals
    -------
    changed : ()
        A scale was switched.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Scales"), parent)
        self.boxes: dict[str, dict[int, QCheckBox]] = {}
        self._table = QWidget()
        self.body.addWidget(self._table)
        self.note = Note()
        self.body.addWidget(self.note)
        self._margin = ""
        self._cautions: tuple[str, ...] = ()

    def set_card(self, card: Optional[Card]) -> None:
        """Offer the scales of ``card``, all on."""
        self.body.removeWidget(self._table)
        self._table.deleteLater()
        self._table = QWidget()
        self.boxes = {}
        grid = QGridLayout(self._table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(SPACE)
        grid.setHorizontalSpacing(SPACE // 2)  # of three wide scales and a scroll bar nothing is cut off
        grid.setColumnStretch(COLUMNS, 1)
        row = 0
        for modality in card.modalities if card else ():
            name = QLabel(modality.name)
            name.setMinimumWidth(name.fontMetrics().horizontalAdvance("satellite") + 6)
            grid.addWidget(name, row, 0)
            boxes = {}
            for i, scale in enumerate(modality.scales):
                box = QCheckBox(window(modality, scale))
                box.setToolTip(
                    tr("A window of {} × {} pixels, {} wide").format(scale, scale, window(modality, scale))
                )
                box.setChecked(True)
                box.toggled.connect(self._on_toggle)
                if i and i % COLUMNS == 0:
                    row += 1
                grid.addWidget(box, row, 1 + i % COLUMNS)
                boxes[scale] = box
            self.boxes[modality.name] = boxes
            row += 1
        self.body.insertWidget(0, self._table)
        self._say()

    def scales(self) -> dict[str, tuple[int, ...]]:
        """Return for each modality the scales that are on."""
        return {
            name: tuple(scale for scale, box in boxes.items() if box.isChecked())
            for name, boxes in self.boxes.items()
        }

    def set_scales(self, scales: dict[str, list[int]]) -> None:
        """Switch the named modalities' scales; others stay as they are."""
        for name, on in scales.items():
            for scale, box in self.boxes.get(name, {}).items():
                box.setChecked(scale in on)

    def set_margin(self, metres: Optional[float], modality: str = "") -> None:
        """Show how wide a strip along the map's edge the windows of ``modality`` cost; None where unknown."""
        tip = ""
        if metres is None:
            self._margin = ""
        elif metres > 0:
            self._margin = tr("margin lost: {}").format(distance(metres))
            if len(self.boxes) > 1:
                self._margin = tr("margin lost: {} ({})").format(distance(metres), modality)
            tip = tr(
                "At the map's edge windows of {} leave its raster: a strip so wide stays empty. Smaller "
                "scales, a larger raster or “fill” (Advanced › At the edge) keep it."
            ).format(modality)
        else:
            self._margin = tr("no margin lost")
        self.aside.setToolTip(tip)
        self._say()

    def set_cautions(self, sentences: Sequence[str]) -> None:
        """Show what the engine says about scales that are off, in place of what is said at once."""
        self._cautions = tuple(sentences)
        self._say()

    def _on_toggle(self) -> None:
        self._cautions = ()
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        self.aside.setText(coloured(self._margin, "quiet", self))
        off = any(not box.isChecked() for boxes in self.boxes.values() for box in boxes.values())
        at_once = tr("Fewer scales is an experiment: the card's figures no longer hold.")
        said = " ".join(self._cautions) or at_once
        self.note.say(f"{said} {tr('Layer names say what is off.')}" if off else "", "caution")
