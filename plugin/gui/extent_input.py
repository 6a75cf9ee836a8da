"""An extent of one's own: drawn on the map, a layer's, or typed in; told in a short sentence."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsCoordinateReferenceSystem, QgsRectangle
from qgis.gui import QgsExtentWidget, QgsMapCanvas
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ..core.extent_text import extent_text
from ..core.translation import tr
from .icons import theme_icon
from .labels import Note
from .section import SPACE


class ExtentInput(QWidget):
    """QGIS's extent field, with a button to draw and the extent's size in words.

    Signals
    -------
    changed : ()
        Another extent.
    """

    changed = pyqtSignal()

    def __init__(self, canvas: Optional[QgsMapCanvas], parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self.field = QgsExtentWidget(None, QgsExtentWidget.WidgetStyle.CondensedStyle)
        self.field.setNullValueAllowed(True, tr("draw, or choose a layer by the arrow"))
        self.field.setToolTip(tr("Choose a layer's extent by the arrow, or type xmin,xmax,ymin,ymax"))
        self.draw = QPushButton(theme_icon("mActionAddBasicRectangle.svg"), tr("Draw on canvas"))
        self.draw.setToolTip(tr("Drag a rectangle on the map"))
        self.draw.setVisible(canvas is not None)
        self.told = Note()
        row = QHBoxLayout()
        row.addWidget(self.draw)
        row.addWidget(self.field, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addLayout(row)
        layout.addWidget(self.told)
        if canvas is not None:
            self.field.setMapCanvas(canvas)
            self.draw.clicked.connect(self.field.setOutputExtentFromDrawOnCanvas)
        self.field.extentChanged.connect(self._on_extent)

    def is_chosen(self) -> bool:
        """Whether there is an extent."""
        return bool(self.field.isValid()) and not self.field.outputExtent().isEmpty()

    def extent(self) -> QgsRectangle:
        """Return the extent, in ``crs``."""
        return self.field.outputExtent()

    def crs(self) -> QgsCoordinateReferenceSystem:
        """Return the extent's CRS."""
        return self.field.outputCrs()

    def start(self) -> None:
        """Begin with what the canvas shows, or with all layers where it shows nothing yet."""
        if self._canvas is None or self.is_chosen():
            return
        settings = self._canvas.mapSettings()
        shown = settings.visibleExtent()
        if shown.isEmpty():
            shown = self._canvas.fullExtent()
        if shown.isEmpty():
            return
        self.field.setOutputCrs(settings.destinationCrs())
        self.follow_canvas()
        self.field.setOutputExtentFromUser(shown, settings.destinationCrs())

    def follow_canvas(self) -> None:
        """Let the field's menu offer what the canvas shows now."""
        if self._canvas is not None:
            settings = self._canvas.mapSettings()
            self.field.setCurrentExtent(settings.visibleExtent(), settings.destinationCrs())

    def _on_extent(self, _extent: QgsRectangle) -> None:
        said = extent_text(self.extent(), self.crs()) if self.is_chosen() else ""
        self.told.say(said, tip=self.crs().userFriendlyIdentifier() if said else "")
        for line in self.field.findChildren(QLineEdit):
            line.setCursorPosition(0)  # else the field shows the end of a long text
        self.changed.emit()
