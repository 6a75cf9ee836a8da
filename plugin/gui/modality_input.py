"""Where the bands of one modality come from."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Optional

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ...models.card import Band, Modality
from ..core.inputs import BandSource, Sources, chosen_raster, match, rating, rivals, source
from ..core.project_rasters import ProjectRasters
from ..core.raster_facts import Raster
from ..core.translation import tr
from .labels import Note, coloured
from .raster_combo import RasterCombo
from .section import SPACE

MOST_NAMED = 4  # rasters in a sentence
UNBROKEN = 24  # letters; a longer name of a band may be broken at its hyphens


class ModalityInput(QWidget):
    """A layer for a modality, its bands as found (✓) or missing (✗), and a choice for each band.

    Signals
    -------
    changed : ()
        A band comes from elsewhere now.
    """

    changed = pyqtSignal()

    def __init__(self, modality: Modality, rasters: ProjectRasters, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.modality = modality
        self.refusal = ""
        self.sources: list[Optional[BandSource]] = [None] * len(modality.bands)
        self._rasters = rasters
        self._by_hand = False
        self._chosen: Optional[Raster] = None  # the one raster that was chosen by hand for all bands
        self._on = True

        self.layer = RasterCombo()
        self.file = QToolButton()
        self.file.setText("…")
        self.file.setToolTip(tr("Choose a raster file that is not in the project"))
        name = QLabel(modality.name)
        name.setMinimumWidth(name.fontMetrics().horizontalAdvance("satellite") + 6)
        row = QHBoxLayout()
        row.addWidget(name)
        row.addWidget(self.layer, 1)
        row.addWidget(self.file)

        self.found = Note()
        self.more = QToolButton()
        self.more.setText(tr("bands"))
        self.more.setToolTip(tr("Choose for each band where it comes from"))
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setArrowType(Qt.ArrowType.RightArrow)
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        below = QHBoxLayout()
        below.addWidget(self.found, 1)
        below.addWidget(self.more, 0, Qt.AlignmentFlag.AlignTop)

        self.table = QWidget()
        self.table.hide()
        grid = QGridLayout(self.table)
        grid.setContentsMargins(12, 0, 0, 0)
        grid.setVerticalSpacing(SPACE)
        grid.setColumnStretch(1, 1)
        self.band_combos: list[QComboBox] = []
        for i, band in enumerate(modality.bands):
            label = QLabel(band.name)
            label.setToolTip(_band_tip(band))
            combo = QComboBox()
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(10)
            combo.setToolTip(_band_tip(band))
            combo.activated.connect(lambda _index, i=i: self._on_band(i))
            grid.addWidget(label, i, 0)
            grid.addWidget(combo, i, 1)
            self.band_combos.append(combo)

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addLayout(below)
        layout.addWidget(self.table)
        self.layer.chosen.connect(self._on_layer)
        self.file.clicked.connect(self._on_file)
        self.more.toggled.connect(self._on_more)

    def match(self) -> None:
        """Find the bands by name, unless the user chose and what was chosen is still there.

        What was found before stays where what is there now is not better.
        """
        choices = self._rasters.all()
        there = self._still_there(choices)
        better = None if self._by_hand and there is not None else match(self.modality, choices)
        if there is not None and (better is None or rating(there) >= rating(better)):
            changed, self.sources = there != self.sources, there
            self._show(choices)
            if changed:
                self.changed.emit()
            return
        self._by_hand = False
        self._chosen = None
        self.refusal = ""
        self._take(better or match(self.modality, choices))

    def _still_there(self, choices: Sequence[Raster]) -> Optional[Sources]:
        """Return the sources with what their layers say now, None where one of these is gone."""
        now = {raster.place: raster for raster in choices}
        if self._chosen is not None:
            chosen = now.get(self._chosen.place)
            if chosen is None:
                return None
            self.refusal, self._chosen = chosen.refusal, chosen
            return chosen_raster(self.modality, chosen)
        found: Sources = []
        refusal = ""
        for one in self.sources:
            raster = now.get(one.place) if one is not None else None
            if one is None:
                found.append(None)
            elif raster is not None and raster.refusal and self._by_hand:
                refusal = raster.refusal
                found.append(one)
            elif raster is None or one.band > len(raster.bands):
                return None
            else:
                found.append(source(raster, one.band, one.by_name, one.by_layer))
        self.refusal = refusal
        return found

    @property
    def chosen(self) -> Optional[Raster]:
        """Return the one raster that was chosen by hand for all bands, None without one."""
        return self._chosen

    @property
    def unmatched(self) -> str:
        """Return the file that was chosen though no band of it fits; empty where there is none."""
        if self._chosen is None or self._chosen.refusal or any(self.sources):
            return ""
        return self._chosen.file

    def set_on(self, on: bool) -> None:
        """Grey out what is switched off, its marks too."""
        self.setEnabled(on)
        if on != self._on:
            self._on = on
            self._show_marks(self._rasters.all())

    def choose_layer(self, layer: QgsRasterLayer) -> None:
        """Take all bands from ``layer``, as if it was chosen by hand."""
        self._on_layer(self._rasters.of_layer(layer))

    def choose_file(self, file: str) -> None:
        """Take all bands from a file that is no layer."""
        self._by_hand = True
        self._use(self._rasters.add_file(file))

    def _on_layer(self, raster: Optional[Raster]) -> None:
        self._by_hand = True
        if raster is not None:
            self._use(raster)
        else:
            self.refusal = ""
            self._chosen = None
            self._take([None] * len(self.modality.bands))

    def _on_file(self) -> None:
        file, _ = QFileDialog.getOpenFileName(self, tr("Choose a raster for {}").format(self.modality.name))
        if file:
            self.choose_file(file)

    def _use(self, raster: Raster) -> None:
        self.refusal = raster.refusal
        self._chosen = raster
        self._take(chosen_raster(self.modality, raster))

    def _on_band(self, i: int) -> None:
        self._by_hand = True
        self.refusal = ""
        self._chosen = None
        sources = list(self.sources)
        sources[i] = self.band_combos[i].currentData()
        self._take(sources)

    def _on_more(self, shown: bool) -> None:
        self.more.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self.table.setVisible(shown)

    def _take(self, sources: Sequence[Optional[BandSource]]) -> None:
        self.sources = list(sources)
        self._show(self._rasters.all())
        self.changed.emit()

    def _show(self, choices: Sequence[Raster]) -> None:
        """Bring combos and marks in line with ``sources``."""
        for combo, one in zip(self.band_combos, self.sources):
            combo.blockSignals(True)
            combo.clear()
            combo.addItem(tr("— none —"), None)
            for raster in choices:
                for number in range(1, len(raster.bands) + 1):
                    choice = source(raster, number)
                    combo.addItem(choice.label, choice)
                    if one is not None and (choice.place, choice.band) == (one.place, one.band):
                        combo.setCurrentIndex(combo.count() - 1)
            combo.blockSignals(False)
        self._show_layer(choices)
        self._show_marks(choices)

    def _show_layer(self, choices: Sequence[Raster]) -> None:
        """Show in the combo the one raster that all bands come from, or that there are several."""
        places = {one.place for one in self.sources if one is not None}
        shown = next((one for one in choices if {one.place} == places), None)
        found = sum(one is not None for one in self.sources)
        several = tr("— {} of {} bands matched —").format(found, len(self.sources))
        self.layer.show_rasters(choices, self._chosen or shown, several if found else tr("— choose a raster —"))

    def _show_marks(self, choices: Sequence[Raster]) -> None:
        if self.refusal:
            self.found.say(self.refusal, "bad")
            return
        offered = bool(any(self.sources) or self.unmatched)
        parts = []
        for band, one in zip(self.modality.bands, self.sources):
            if one is not None:
                mark, role = "✓", "good"
            else:
                mark, role = ("✗", "bad") if offered else ("–", "quiet")  # nothing wrong before a choice
            name = band.name.replace("-", "\u2011") if len(band.name) <= UNBROKEN else band.name
            parts.append(coloured(f"{mark}\u00a0{name}", role if self._on else "quiet", self))
        role = "caution" if self._on else "quiet"
        if any(one is not None and not one.by_name for one in self.sources):
            said = tr("in the order of the file, whose bands do not bear these names")
            parts.append(coloured(said, role, self))
        if not self._by_hand and None in self.sources:
            for i, labels in rivals(self.modality, choices).items():
                said = tr("{} is in {}; choose one").format(
                    self.modality.bands[i].name, ", ".join(labels[:MOST_NAMED])
                )
                parts.append(coloured(escape(said), role, self))
        used = {one.place for one in self.sources if one is not None}
        for raster in choices:
            if raster.place in used and raster.note():
                parts.append(coloured(escape(raster.note()), "quiet", self))
        self.found.say_html(" &nbsp;".join(parts))


def _band_tip(band: Band) -> str:
    """Return what the network was trained on, for a tooltip."""
    said = tr("{}\nTrained on {:.4g} ± {:.3g} {}")
    said = said.format(band.description or band.name, band.mean, band.std, band.unit).strip()
    if band.quantiles:
        said += tr(", between {:.4g} and {:.4g}").format(band.quantiles[0], band.quantiles[-1])
    return said
