"""A combo of the rasters that may be chosen, no two of which look alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QWidget

from ..core.raster_facts import Raster
from .icons import theme_icon

TIP = 3  # Qt.ItemDataRole.ToolTipRole


class RasterCombo(QComboBox):
    """Shows rasters below an entry that stands for none of them, or for several.

    Signals
    -------
    chosen : (object)
        The Raster that the user chose, or None.
    """

    chosen = pyqtSignal(object)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.activated.connect(lambda _index: self.chosen.emit(self.currentData()))

    def show_rasters(self, rasters: Sequence[Raster], current: Optional[Raster], otherwise: str) -> None:
        """Offer ``rasters`` and show ``current``, or the text ``otherwise`` where it is none of them."""
        self.blockSignals(True)
        self.clear()
        self.addItem(otherwise, None)
        for raster in rasters:
            self.addItem(theme_icon("mIconRaster.svg"), raster.shown, raster)
            self.setItemData(self.count() - 1, raster.file, TIP)
            if current is not None and raster.place == current.place:
                self.setCurrentIndex(self.count() - 1)
        self.blockSignals(False)

    def currentLayer(self) -> Optional[QgsRasterLayer]:
        """Return the project's layer that is shown, None where it is a file or nothing."""
        raster = self.currentData()
        layer = QgsProject.instance().mapLayer(raster.layer_id) if raster is not None else None
        return layer if isinstance(layer, QgsRasterLayer) else None
