"""The raster layers of the project, as facts that stay known between changes. Main thread only."""

from __future__ import annotations

from typing import Optional

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .inputs import Raster, raster_of_file, raster_of_layer
from .layer_metadata import QUANTITY_PROPERTY


class ProjectRasters(QObject):
    """Facts about the project's raster layers (without our own maps) and about files chosen by hand.

    Signals
    -------
    changed : ()
        Layers came or went; emitted once for many.
    """

    changed = pyqtSignal()

    def __init__(self, project: QgsProject, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._project = project
        self._known: dict[tuple[str, str, str], Raster] = {}
        self._files: dict[str, Raster] = {}
        self._active = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.changed)
        project.layersAdded.connect(self._on_change)
        project.layersRemoved.connect(self._on_change)

    def set_active(self, active: bool) -> None:
        """Say whether somebody looks; changes are told only then, and once when somebody begins to."""
        if active and not self._active:
            self._later.start()
        self._active = active

    def all(self) -> list[Raster]:
        """Return the rasters in the order of the layer tree, files chosen by hand last."""
        order = [layer for layer in self._project.layerTreeRoot().layerOrder() if is_input(layer)]
        return [self.of_layer(layer) for layer in order] + list(self._files.values())

    def of_layer(self, layer: QgsRasterLayer) -> Raster:
        """Return the facts of ``layer``, read once for each source."""
        key = (layer.id(), layer.name(), layer.source())
        if key not in self._known:
            self._known[key] = raster_of_layer(layer)
        return self._known[key]

    def add_file(self, file: str) -> Raster:
        """Return the facts of a file that is no layer, and keep it among the choices."""
        raster = raster_of_file(file)
        if not raster.refusal:
            self._files[file] = raster
        return raster

    def _on_change(self, _: object) -> None:
        if self._active:
            self._later.start()


def is_input(layer: QgsMapLayer) -> bool:
    """Whether ``layer`` is a raster that is not one of our own maps."""
    return isinstance(layer, QgsRasterLayer) and not layer.customProperty(QUANTITY_PROPERTY)
