"""Where the bands of one modality come from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsRasterLayer
from qgis.gui import QgsMapLayerComboBox
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
from ..core.inputs import BandSource, Raster, chosen_raster, match, source
from ..core.project_rasters import ProjectRasters
from ..core.translation import tr
from .labels import Note, coloured
from .section import SPACE

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

        self.layer = QgsMapLayerComboBox()
        self.layer.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.layer.setAllowEmptyLayer(True, tr("— choose a raster —"))
        self.layer.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.layer.setMinimumContentsLength(10)
        self.layer.setLayer(None)
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
        self.layer.layerChanged.connect(self._on_layer)
        self.layer.activated.connect(self._on_touch)
        self.file.clicked.connect(self._on_file)
        self.more.toggled.connect(self._on_more)

    def match(self) -> None:
        """Find the bands by name, unless the user chose and what was chosen is still there."""
        choices = self._rasters.all()
        there = {raster.file for raster in choices}
        used = {one.file for one in self.sources if one is not None}
        if self.unmatched:
            used.add(self.unmatched)
        if self._by_hand and used <= there:
            self._show(choices)
            return
        self._by_hand = False
        self._chosen = None
        self.refusal = ""
        self._take(match(self.modality, choices))

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
            self._show_marks()

    def choose_layer(self, layer: QgsRasterLayer) -> None:
        """Take all bands from ``layer``, as if it was chosen by hand."""
        self._by_hand = True
        if self.layer.currentLayer() is layer:
            self._on_layer(layer)
        else:
            self.layer.setLayer(layer)

    def choose_file(self, file: str) -> None:
        """Take all bands from a file that is no layer."""
        self._by_hand = True
        self._use(self._rasters.add_file(file))

    def _on_touch(self, _index: int) -> None:
        self._by_hand = True

    def _on_layer(self, layer: Optional[QgsMapLayer]) -> None:
        if isinstance(layer, QgsRasterLayer):
            self._by_hand = True
            self._use(self._rasters.of_layer(layer))
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
                    if one is not None and (choice.file, choice.band) == (one.file, one.band):
                        combo.setCurrentIndex(combo.count() - 1)
            combo.blockSignals(False)
        self._show_layer()
        self._show_marks()

    def _show_layer(self) -> None:
        """Show in the combo the one layer that all bands come from, or that there are several."""
        if self.refusal:
            return  # keep showing what was refused
        files = {one.file for one in self.sources if one is not None}
        if self.unmatched:
            files = {self.unmatched}
        self.layer.blockSignals(True)
        found = sum(one is not None for one in self.sources)
        several = tr("— {} of {} bands matched —").format(found, len(self.sources))
        self.layer.setAllowEmptyLayer(True, several if found else tr("— choose a raster —"))
        chosen = None
        if len(files) == 1:
            (file,) = files
            for i in range(self.layer.count()):
                layer = self.layer.layer(i)
                if isinstance(layer, QgsRasterLayer) and self._rasters.of_layer(layer).file == file:
                    chosen = layer
                    break
            if chosen is None:
                self.layer.setAllowEmptyLayer(True, Path(file).name)
        if chosen is None:
            self.layer.setCurrentIndex(0)  # the empty one; setLayer(None) leaves the combo blank
        else:
            self.layer.setLayer(chosen)
        self.layer.blockSignals(False)

    def _show_marks(self) -> None:
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
        if any(one is not None and not one.by_name for one in self.sources):
            said = tr("in the order of the file, whose bands do not bear these names")
            parts.append(coloured(said, "caution" if self._on else "quiet", self))
        self.found.say_html(" &nbsp;".join(parts))


def _band_tip(band: Band) -> str:
    """Return what the network was trained on, for a tooltip."""
    said = tr("{}\nTrained on {:.4g} ± {:.3g} {}")
    said = said.format(band.description or band.name, band.mean, band.std, band.unit).strip()
    if band.quantiles:
        said += tr(", between {:.4g} and {:.4g}").format(band.quantiles[0], band.quantiles[-1])
    return said
