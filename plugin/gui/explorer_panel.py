"""The panel of the scale explorer: what the network says at a point, and through which scale."""

from __future__ import annotations

from typing import Any, Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...models.card import Card
from ..core.explorer_desk import ExplorerState
from ..core.point_table import comparison, quantity_words
from ..core.reliability import FLAGGED
from ..core.translation import tr
from .contribution_chart import ContributionChart
from .icons import explorer_icon, theme_icon
from .labels import Note, coloured
from .patch_pictures import PatchPictures
from .section import Section
from .species_choice import SpeciesChoice
from .wheel_safe_area import WheelSafeArea

OBJECT_NAME = "ScalescapeExplorer"
LEAST_WIDTH, WIDTH, HEIGHT = 340, 390, 720
TOP = 10
ROW = 20  # px, of the list of species
PIN_COLUMN = 60  # px
SIDES = 45  # px beside the table: margins and a scroll bar


class ExplorerPanel(QgsDockWidget):
    """Shows an ExplorerState.

    Signals
    -------
    species_chosen : (str)
        Another species; empty for the most likely one.
    switched : (str, int, bool)
        A scale was switched on or off.
    pin_pressed, copy_pressed, export_pressed, clear_pressed, effects_pressed, profile_pressed : ()
        A button.
    help_pressed : ()
        The link to the panel whose inputs are used.
    """

    species_chosen = pyqtSignal(str)
    switched = pyqtSignal(str, int, bool)
    pin_pressed = pyqtSignal()
    copy_pressed = pyqtSignal()
    export_pressed = pyqtSignal()
    clear_pressed = pyqtSignal()
    effects_pressed = pyqtSignal()
    profile_pressed = pyqtSignal()
    help_pressed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Scale explorer"), parent)
        self.setObjectName(OBJECT_NAME)
        self.setWindowIcon(explorer_icon())
        self._card: Optional[Card] = None
        self._mapping = False
        self.species = SpeciesChoice()
        self.species.chosen.connect(self.species_chosen)
        self.headline = QLabel()
        self.headline.setTextFormat(Qt.TextFormat.RichText)
        self.headline.setWordWrap(True)
        self.headline.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note = Note()
        self.note.linkActivated.connect(lambda _: self.help_pressed.emit())
        self.chart = ContributionChart()
        self.chart.switched.connect(self.switched)
        self.patches = PatchPictures()
        self.top = _top_list()
        self.top.itemClicked.connect(lambda item, _: self.species_chosen.emit(item.text(0)))
        self.pins = _pin_table()

        content = QWidget()
        content.setMinimumWidth(LEAST_WIDTH // 2)
        column = QVBoxLayout(content)
        column.setContentsMargins(9, 9, 9, 9)
        column.setSpacing(4)
        column.addWidget(self.species)
        column.addWidget(self.headline)
        self.parts = _section(tr("What each scale adds"), self.chart)
        self.seen = _section(tr("What the network saw"), self.patches)
        self.likely = _section(tr("Most likely here"), self.top)
        self.compared = _section(tr("Points side by side"), self.pins)
        column.addWidget(self.parts)
        column.addWidget(self.note)
        for part in (self.compared, self.seen, self.likely):
            column.addWidget(part)
        column.addStretch(1)
        whole = QWidget()
        whole.setMinimumWidth(LEAST_WIDTH)
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(WheelSafeArea(content), 1)
        layout.addLayout(self._buttons())
        self.setWidget(whole)
        self.show_state(ExplorerState())

    def sizeHint(self) -> QSize:
        """Return a size at which everything can be read."""
        return QSize(WIDTH, HEIGHT)

    def show_state(self, state: ExplorerState) -> None:
        """Show what the explorer knows now."""
        if state.card is not self._card:
            self._card = state.card
            self.species.set_card(state.card)
            self.chart.set_card(state.card)
        self.species.show_species(state.species)
        self.chart.set_scales(state.scales, state.offered)
        result = state.result
        self.chart.show_result(result)
        self.patches.show_result(result, state.card)
        self._show_headline(state)
        self._show_note(state)
        self._show_top(state)
        self._show_pins(state)
        self.parts.setVisible(state.card is not None)
        for part in (self.seen, self.likely):
            part.setVisible(result is not None)
        for button in (self.pin, self.copy, self.export):
            button.setEnabled(result is not None or (bool(state.pins) and button is not self.pin))
        self.clear.setEnabled(state.point is not None or bool(state.pins))
        self.effects.setEnabled(result is not None or self._mapping)
        self.profile.setEnabled(state.card is not None)

    def show_mapping(self, mapping: bool) -> None:
        """Let the button of effects stop them while they are being mapped."""
        self._mapping = mapping
        self.effects.setText(tr("Stop mapping effects") if mapping else tr("Map effects…"))

    def _show_headline(self, state: ExplorerState) -> None:
        result = state.result
        if result is None:
            self.headline.setText("")
            self.headline.hide()
            return
        sums = tr("logit {:+.2f} = average {:+.2f} with contributions {:+.2f}").format(
            result.logit, result.bias, result.logit - result.bias
        )
        name = f"<i>{result.species}</i>: " if not state.species else ""
        self.headline.setText(
            f"{name}{quantity_words(result)} <b style='font-size:large'>{result.probability:.3f}</b><br/>"
            + coloured(sums, "quiet", self)
        )
        self.headline.show()

    def _show_note(self, state: ExplorerState) -> None:
        if state.point is None:
            self.note.say(tr("Click on the map, or drag, with the scale explorer's tool."))
            return
        role = "bad" if state.is_fault else "caution"
        self.note.say(state.said.text, role, state.said.tip)
        if state.is_fault:
            link = f" <a href='panel'>{tr('Model and rasters')}</a>"
            self.note.say_html(self.note.text() + link)

    def _show_top(self, state: ExplorerState) -> None:
        ranked = state.result.top[:TOP] if state.result is not None else ()
        self.top.clear()
        for one in ranked:
            mark = f" {FLAGGED}" if one.unproven else ""
            item = QTreeWidgetItem([f"{one.species}{mark}", f"{one.probability:.3f}"])
            if one.unproven:
                item.setToolTip(0, tr("Unproven: {}").format(one.unproven))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.top.addTopLevelItem(item)
            if one.species == state.result.species:
                font = item.font(0)
                font.setBold(True)
                item.setFont(0, font)
                item.setFont(1, font)
        self.top.setFixedHeight(ROW * max(1, len(ranked)) + 4)

    def _show_pins(self, state: ExplorerState) -> None:
        rows = comparison(state) if state.pins else []
        self.compared.setVisible(bool(rows))
        if not rows:
            return
        headings, body = rows[0][1], rows[1:]
        self.pins.setColumnCount(len(headings))
        self.pins.setRowCount(len(body))
        self.pins.setHorizontalHeaderLabels(list(headings))
        self.pins.setVerticalHeaderLabels([title for title, _ in body])
        for row, (_, values) in enumerate(body):
            for place, value in enumerate(values):
                item = QTableWidgetItem(value)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.pins.setItem(row, place, item)
        height = self.pins.horizontalHeader().height() + self.pins.verticalHeader().length() + 4
        needed = self.pins.verticalHeader().sizeHint().width() + PIN_COLUMN * len(headings)
        wide = needed + SIDES > self.width()
        self.pins.setFixedHeight(height + (self.pins.horizontalScrollBar().sizeHint().height() if wide else 0))

    def _buttons(self) -> QVBoxLayout:
        self.pin = _button(tr("Pin"), tr("Keep this point, to compare it with others"), "mActionPinLabels.svg")
        self.copy = _button(tr("Copy"), tr("Copy the numbers as a table"), "mActionEditCopy.svg")
        self.export = _button(tr("CSV…"), tr("Save the numbers as a CSV file"), "mActionFileSave.svg")
        self.clear = _button(tr("Clear"), tr("Forget the point and all pins"), "mActionDeleteSelected.svg")
        self.effects = _button(
            tr("Map effects…"),
            tr("Map what each scale adds for this species, where the Scalescape panel says"),
        )
        self.profile = _button(tr("Scale profile…"), tr("Sum up over an area which scales the model relies on"))
        for button, signal in (
            (self.pin, self.pin_pressed),
            (self.copy, self.copy_pressed),
            (self.export, self.export_pressed),
            (self.clear, self.clear_pressed),
            (self.effects, self.effects_pressed),
            (self.profile, self.profile_pressed),
        ):
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
        column = QVBoxLayout()
        column.setContentsMargins(9, 4, 9, 6)
        column.setSpacing(4)
        for buttons in ((self.pin, self.copy, self.export, self.clear), (self.effects, self.profile)):
            row = QHBoxLayout()
            row.setSpacing(4)
            for button in buttons:
                row.addWidget(button, 1)
            column.addLayout(row)
        return column


def _section(title: str, body: QWidget) -> Section:
    section = Section(title)
    section.body.addWidget(body)
    return section


def _button(text: str, tip: str, icon: str = "") -> QPushButton:
    button = QPushButton(theme_icon(icon), text) if icon else QPushButton(text)
    button.setToolTip(tip)
    button.setMinimumWidth(40)
    return button


def _top_list() -> QTreeWidget:
    found = QTreeWidget()
    found.setObjectName("scalescapeExplorerTop")
    found.setColumnCount(2)
    found.setHeaderHidden(True)
    found.setRootIsDecorated(False)
    found.setUniformRowHeights(True)
    found.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    found.setToolTip(tr("Click on a species to see its numbers"))
    header = found.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
    return found


def _pin_table() -> QTableWidget:
    table: Any = QTableWidget()
    table.setObjectName("scalescapeExplorerPins")
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.verticalHeader().setDefaultSectionSize(ROW)
    table.verticalHeader().setMinimumSectionSize(ROW)
    table.horizontalHeader().setDefaultSectionSize(PIN_COLUMN)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return table
