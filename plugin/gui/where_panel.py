"""Where, and how fine."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from ...models.card import Card
from ..core.grid_facts import STEPS, distance, finest, ordinal_step, pixel_m
from ..core.map_draft import Extent
from ..core.raster_facts import crs_text
from ..core.translation import tr
from .extent_input import ExtentInput
from .labels import Note, coloured
from .mask_input import MaskInput
from .section import SPACE, Section

INPUTS, CANVAS, OTHER = range(3)


class WherePanel(Section):
    """The extent (all inputs, the map view, a layer's or a drawn one), polygons within it, the output pixel.

    Signals
    -------
    changed : ()
        Another extent, other polygons or another step.
    """

    changed = pyqtSignal()

    def __init__(self, canvas: Optional[QgsMapCanvas], parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Where"), parent)
        self._canvas = canvas
        self._card: Optional[Card] = None
        self._on: set[str] = set()
        self.area = QComboBox()
        self.area.setObjectName("scalescapeArea")
        kinds = (
            (INPUTS, tr("whole inputs"), tr("Wherever the inputs hold values")),
            (CANVAS, tr("map view"), tr("What the map canvas shows, and follows it")),
            (OTHER, tr("a layer's, or drawn"), tr("The extent of a layer, one drawn on the map, or typed in")),
        )
        for kind, text, tip in kinds:
            if kind != CANVAS or canvas is not None:
                self.area.addItem(text, kind)
                self.area.setItemData(self.area.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)

        self.other = ExtentInput(canvas)
        self.other.hide()
        if canvas is not None:
            canvas.extentsChanged.connect(self._on_canvas)

        self.within = MaskInput()
        self.step = QComboBox()
        self.step.setObjectName("scalescapeStep")
        tip = tr("Output pixels are sampled from the input pixels, not averaged: each is exact.")
        self.step.setToolTip(tip)
        grid = QGridLayout()
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel(tr("extent")), 0, 0)
        grid.addWidget(self.area, 0, 1)
        grid.addWidget(self.other, 1, 0, 1, 2)
        within = QLabel(tr("within"))
        within.setFixedHeight(self.within.combo.sizeHint().height())  # beside the field, not the box below it
        grid.addWidget(within, 2, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.within, 2, 1)
        grid.addWidget(QLabel(tr("output pixel")), 3, 0)
        grid.addWidget(self.step, 3, 1)
        self.body.addLayout(grid)
        self.size = Note()
        self.size.setToolTip(tip)
        self.body.addWidget(self.size)
        self._fill_steps(STEPS[2])

        self.area.currentIndexChanged.connect(self._on_area)
        self.other.changed.connect(self._on_other)
        self.within.changed.connect(self.changed)
        self.step.currentIndexChanged.connect(self.changed)

    def set_card(self, card: Optional[Card], on: set[str]) -> None:
        """Offer output pixels by the pixel size of the finest modality that is on."""
        if card is self._card and on == self._on:
            return
        self._card, self._on = card, set(on)
        self._fill_steps(self.current_step)

    @property
    def current_step(self) -> int:
        """Return output pixel / finest input pixel."""
        return int(self.step.currentData() or 1)

    def set_step(self, step: int) -> None:
        """Choose the output pixel; a step that is not offered is added."""
        index = self.step.findData(step)
        if index < 0:
            self._fill_steps(step)
        else:
            self.step.setCurrentIndex(index)

    def extent(self) -> tuple[Optional[Extent], str]:
        """Return the extent and its CRS; (None, "") is all of the inputs."""
        choice = self.area.currentData()
        if choice == CANVAS and self._canvas is not None:
            settings = self._canvas.mapSettings()
            return numbers(settings.visibleExtent()), crs_text(settings.destinationCrs())
        if choice == OTHER and self.other.is_chosen():
            return numbers(self.other.extent()), crs_text(self.other.crs())
        return None, ""

    def error(self) -> str:
        """Return what is wrong with the extent; empty where nothing."""
        if self.area.currentData() == OTHER and self.extent()[0] is None:
            return tr("Choose a layer's extent or draw one, or map the whole inputs.")
        return ""

    def show_size(self, width: int, height: int, pixel: float) -> None:
        """Show what the map will be."""
        said = tr("{} × {} pixels of {}").format(
            f"{width:,}".replace(",", " "), f"{height:,}".replace(",", " "), distance(pixel)
        )
        self.size.say_html(coloured("→ " + said, "quiet", self))

    def forget_size(self) -> None:
        """Show no size, since it is not known."""
        self.size.say("")

    def _fill_steps(self, chosen: int) -> None:
        self.step.blockSignals(True)
        self.step.clear()
        size = pixel_m(finest(self._card, self._on)) if self._card is not None else None
        for step in sorted({*STEPS, chosen}):
            text = ordinal_step(step)
            self.step.addItem(text if size is None else f"{distance(size * step)} · {text}", step)
        self.step.setCurrentIndex(self.step.findData(chosen))
        self.step.blockSignals(False)

    def choose_area(self, kind: int) -> None:
        """Choose ``INPUTS``, ``CANVAS`` or ``OTHER``."""
        self.area.setCurrentIndex(self.area.findData(kind))

    def _on_area(self) -> None:
        other = self.area.currentData() == OTHER
        self.other.setVisible(other)
        if other:
            self.other.start()
        self.changed.emit()

    def _on_canvas(self) -> None:
        self.other.follow_canvas()
        if self.area.currentData() == CANVAS:
            self.changed.emit()

    def _on_other(self) -> None:
        if self.area.currentData() == OTHER:
            self.changed.emit()


def numbers(rectangle: QgsRectangle) -> Extent:
    """Return xmin, ymin, xmax, ymax."""
    return (rectangle.xMinimum(), rectangle.yMinimum(), rectangle.xMaximum(), rectangle.yMaximum())
