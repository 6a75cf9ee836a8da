"""The scale profile of an area: which scales a model relies on there, as a chart and a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsFeature, QgsGeometry, QgsVectorLayer
from qgis.gui import QgsFileWidget, QgsMapCanvas
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...engine.protocol import ProfileJob, Progress
from ...engine.protocol.scale_results import ProfileResult
from ...models.card import Card
from ..core.map_draft import MapDraft
from ..core.point_table import branch_name, write_csv
from ..core.profile_table import (
    profile_records,
    profile_sentences,
    share_spread_text,
    share_text,
    spread_text,
)
from ..core.raster_facts import crs_text
from ..core.translation import tr
from ..core.vector_file import VectorFileError, copy_of
from .icons import explorer_icon, theme_icon
from .labels import Note
from .mask_input import MaskInput
from .polygon_tool import PolygonTool
from .profile_chart import ProfileChart
from .where_panel import numbers

WIDTH, HEIGHT = 640, 640
PANEL, CANVAS, DRAWN = range(3)
COLUMNS = ("scale", "mean |contribution|", "over refits", "share of variance", "over refits")


class ProfileDialog(QDialog):
    """Asks for an area and refits, and shows what the engine finds; not modal.

    Signals
    -------
    asked : (object)
        The ProfileJob to run.
    cancelled : ()
        The running job is to stop.
    """

    asked = pyqtSignal(object)
    cancelled = pyqtSignal()

    def __init__(self, canvas: QgsMapCanvas, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Scale profile"))
        self.setWindowIcon(explorer_icon())
        self.resize(WIDTH, HEIGHT)
        self._canvas = canvas
        self._draft = MapDraft()
        self._card: Optional[Card] = None
        self._result: Optional[ProfileResult] = None
        self._drawn = ""
        self._running = False
        self.tool = PolygonTool(canvas)
        self.tool.drawn.connect(self._on_drawn)
        self.area = QComboBox()
        for text, kind in (
            (tr("the Scalescape panel's extent"), PANEL),
            (tr("map view"), CANVAS),
            (tr("a polygon that I draw"), DRAWN),
        ):
            self.area.addItem(text, kind)
        self.area.activated.connect(lambda _: self._on_area())
        self.within = MaskInput()
        self.refits = QgsFileWidget()
        self.refits.setStorageMode(QgsFileWidget.StorageMode.GetMultipleFiles)
        self.refits.setFilter(tr("Scalescape models (*.safetensors);;All files (*)"))
        self.refits.lineEdit().setPlaceholderText(tr("none: then there is no uncertainty"))
        self.refits.setToolTip(tr("Models trained like this one; their spread tells how certain it is"))
        form = QFormLayout()
        form.addRow(tr("area"), self.area)
        form.addRow(tr("within"), self.within)
        form.addRow(tr("refits"), self.refits)
        self.compute = QPushButton(theme_icon("mActionStart.svg"), tr("Compute"))
        self.compute.clicked.connect(lambda _=False: self._on_compute())
        self.export = QPushButton(theme_icon("mActionFileSave.svg"), tr("CSV…"))
        self.export.clicked.connect(lambda _=False: self._on_export())
        self.progress = QProgressBar()
        self.progress.hide()
        self.note = Note()
        self.species = QComboBox()
        self.species.currentIndexChanged.connect(lambda _: self._show_species())
        self.chart = ProfileChart()
        self.table = _table()
        row = QHBoxLayout()
        row.addWidget(self.compute)
        row.addWidget(self.progress, 1)
        row.addStretch(0)
        row.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addLayout(row)
        layout.addWidget(self.species)
        layout.addWidget(self.note)
        layout.addWidget(self.chart)
        layout.addWidget(self.table, 1)
        self._show_result(None, None)

    def set_draft(self, draft: MapDraft) -> None:
        """Take model, rasters, scales and species from the panel."""
        self._draft = draft

    def card(self) -> Optional[Card]:
        """Return the card of the model that is profiled."""
        return self._draft.card

    def job(self) -> Optional[ProfileJob]:
        """Return the job that the fields say; None where something lacks, which is then said."""
        draft = self._draft
        kind = self.area.currentData()
        if kind != PANEL:
            draft = replace(draft, mask="", mask_error="", extent=None, extent_crs="", extent_error="")
        if kind == CANVAS:
            settings = self._canvas.mapSettings()
            extent, crs = numbers(settings.visibleExtent()), crs_text(settings.destinationCrs())
            draft = replace(draft, extent=extent, extent_crs=crs)
        elif kind == DRAWN:
            lacking = "" if self._drawn else tr("Draw a polygon first: click its corners, right-click to end.")
            draft = replace(draft, mask=self._drawn, mask_error=lacking)
        if kind != DRAWN and self.within.mask.layer is not None:
            draft = replace(draft, mask=self.within.mask.file(), mask_error=self.within.mask.error())
        lacking = draft.obstacle_to_check()
        if lacking:
            self.note.say(lacking, "bad")
            return None
        files = QgsFileWidget.splitFilePaths(self.refits.filePath())
        return draft.profile_job(tuple(file for file in files if file))

    def show_progress(self, progress: Progress) -> None:
        """Show how far the job is."""
        self.progress.setRange(0, max(1, progress.total))
        self.progress.setValue(progress.done)

    def show_running(self) -> None:
        """Show that the job runs."""
        self._running = True
        self.compute.setText(tr("Cancel"))
        self.progress.setRange(0, 0)
        self.progress.show()
        self.note.say("")

    def show_end(self, result: Optional[ProfileResult], card: Optional[Card], said: str) -> None:
        """Show the result, or why there is none."""
        self._running = False
        self.compute.setText(tr("Compute"))
        self.progress.hide()
        if result is None:
            self.note.say(said, "bad")
        else:
            self._show_result(result, card)

    def done(self, code: int) -> None:
        """Take the drawn polygon from the canvas and close."""
        self.tool.clear()
        if self._canvas.mapTool() is self.tool:
            self._canvas.unsetMapTool(self.tool)
        super().done(code)

    def write(self, file: Path) -> None:
        """Write the table of all species."""
        if self._result is None:
            return
        try:
            write_csv(profile_records(self._result), file if file.suffix else file.with_suffix(".csv"))
        except OSError as error:
            self.note.say(tr("{} can't be written ({}).").format(file, error.strerror or error), "bad")

    def _on_area(self) -> None:
        drawn = self.area.currentData() == DRAWN
        self.within.setEnabled(not drawn)
        if drawn:
            self.tool.clear()
            self._drawn = ""
            self._canvas.setMapTool(self.tool)
            self.note.say(tr("Click the polygon's corners on the map; right-click to end."))

    def _on_drawn(self, outline: QgsGeometry) -> None:
        crs: QgsCoordinateReferenceSystem = self._canvas.mapSettings().destinationCrs()
        layer = QgsVectorLayer("Polygon", tr("profile area"), "memory")
        layer.setCrs(crs)
        feature = QgsFeature()
        feature.setGeometry(outline)
        layer.dataProvider().addFeatures([feature])
        try:
            self._drawn = copy_of(layer, attributes=False)
        except VectorFileError as error:
            self.note.say(str(error), "bad")
            return
        self.note.say(tr("The polygon is ready; press Compute."))

    def _on_compute(self) -> None:
        if self._running:
            self.cancelled.emit()
            return
        job = self.job()
        if job is not None:
            self.asked.emit(job)

    def _on_export(self) -> None:
        start = str(Path.home() / "profile.csv")
        file, _ = QFileDialog.getSaveFileName(self, tr("Save the table"), start, tr("Tables (*.csv)"))
        if file:
            self.write(Path(file))

    def _show_result(self, result: Optional[ProfileResult], card: Optional[Card]) -> None:
        self._result, self._card = result, card
        self.species.blockSignals(True)
        self.species.clear()
        for one in result.species if result is not None else ():
            self.species.addItem(one.name)
        self.species.blockSignals(False)
        for widget in (self.species, self.chart, self.table):
            widget.setVisible(result is not None)
        self.export.setEnabled(result is not None)
        self._show_species()

    def choose_species(self, name: str) -> None:
        """Show the species ``name`` where it was profiled."""
        place = self.species.findText(name)
        if place >= 0:
            self.species.setCurrentIndex(place)

    def _show_species(self) -> None:
        result, card, place = self._result, self._card, self.species.currentIndex()
        if result is None or card is None or place < 0:
            return
        one = result.species[place]
        names = [branch_name(card, branch.modality, branch.scale) for branch in one.branches]
        self.chart.show_profile(one.branches, names)
        over = tr("Over {} pixels, every {} of the finest raster.").format(result.pixels, result.step)
        self.note.say(" ".join((*profile_sentences(card, result, one), over)))
        self.table.setRowCount(len(names))
        for row, (branch, name) in enumerate(zip(one.branches, names)):
            best = (branch.modality, branch.scale) == (one.dominant.modality, one.dominant.scale)
            spread, share, share_spread = spread_text(branch), share_text(branch), share_spread_text(branch)
            texts = (name, f"{branch.mean_abs:.3f}", spread, share, share_spread)
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                font = item.font()
                font.setBold(best)
                item.setFont(font)
                self.table.setItem(row, column, item)


def _table() -> Any:
    table = QTableWidget(0, len(COLUMNS))
    table.setObjectName("scalescapeProfile")
    table.setHorizontalHeaderLabels([tr(one) for one in COLUMNS])
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    return table
