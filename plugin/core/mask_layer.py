"""The polygon layer within which a map is kept, as a file written again only when it must be."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .translation import tr
from .vector_file import NEARBY, VectorFileError, copy_of, own_file

EDIT_MS = 200  # many edits become one change


class MaskLayer(QObject):
    """A polygon layer, or its selected polygons.

    Signals
    -------
    changed : ()
        Other polygons: another layer, selection or edit.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._layer: Optional[QgsVectorLayer] = None
        self._selected_only = False
        self._file: Optional[str] = None  # None: to be found out
        self._error = ""
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(EDIT_MS)
        self._later.timeout.connect(self.changed)

    @property
    def layer(self) -> Optional[QgsVectorLayer]:
        """Return the layer; None where a map is not kept within any."""
        return self._layer

    @property
    def selected(self) -> int:
        """Return how many features of the layer are selected."""
        return 0 if self._layer is None else int(self._layer.selectedFeatureCount())

    @property
    def selected_only(self) -> bool:
        """Whether only the selected polygons count, which needs some."""
        return self._selected_only and self.selected > 0

    def set_layer(self, layer: Optional[QgsVectorLayer]) -> None:
        """Take another layer, or none."""
        if layer is self._layer:
            return
        if self._layer is not None:
            for signal in self._signals(self._layer):
                signal.disconnect(self._on_edit)
            self._layer.willBeDeleted.disconnect(self._on_deleted)
        self._layer = layer
        if layer is not None:
            for signal in self._signals(layer):
                signal.connect(self._on_edit)
            layer.willBeDeleted.connect(self._on_deleted)
        self._on_change()

    def set_selected_only(self, yes: bool) -> None:
        """Count only the selected polygons, where there are some."""
        if yes != self._selected_only:
            self._selected_only = yes
            self._on_change()

    def file(self) -> str:
        """Return the file of the polygons; empty without a layer and where ``error`` says what is wrong."""
        if self._file is None:
            self._file, self._error = self._found()
        return self._file

    def error(self) -> str:
        """Return why the layer can't be used, in a sentence; empty where nothing is wrong."""
        self.file()
        return self._error

    def _found(self) -> tuple[str, str]:
        layer = self._layer
        if layer is None:
            return "", ""
        if layer.providerType() not in NEARBY:
            said = tr("{} comes from the provider “{}”; save it as a file first, then choose that.")
            return "", said.format(layer.name(), layer.providerType())
        try:
            own = "" if self.selected_only else own_file(layer)
            return own or copy_of(layer, self.selected_only, attributes=False), ""
        except VectorFileError as error:
            return "", str(error)

    @staticmethod
    def _signals(layer: QgsVectorLayer) -> tuple:
        return (
            layer.selectionChanged,
            layer.geometryChanged,
            layer.featureAdded,
            layer.featureDeleted,
            layer.dataChanged,
            layer.dataSourceChanged,
            layer.subsetStringChanged,
            layer.crsChanged,
        )

    def _on_edit(self, *_: object) -> None:
        self._file = None
        self._later.start()

    def _on_change(self) -> None:
        self._file = None
        self.changed.emit()

    def _on_deleted(self) -> None:
        self._layer = None
        self._on_change()
