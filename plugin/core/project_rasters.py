"""The raster layers of the project, as facts that stay known between changes. Main thread only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Optional

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...engine.protocol import NoData
from .layer_metadata import QUANTITY_PROPERTY
from .raster_facts import Raster, raster_of_file, raster_of_layer, said_by_layer


class ProjectRasters(QObject):
    """Facts about the project's raster layers (without our own maps) and about files chosen by hand.

    Signals
    -------
    changed : ()
        Layers came or went, or got another name, CRS or NoData; emitted once for many.
    """

    changed = pyqtSignal()

    def __init__(self, project: QgsProject, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._project = project
        self._known: dict[tuple[str, str, str, bool, str, NoData], Raster] = {}
        self._files: dict[str, Raster] = {}
        self._active = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.changed)
        project.layersAdded.connect(self._on_added)
        project.layersRemoved.connect(self._on_change)
        self._on_added(list(project.mapLayers().values()))

    def set_active(self, active: bool) -> None:
        """Say whether somebody looks; changes are told only then, and once when somebody begins to."""
        if active and not self._active:
            self._later.start()
        self._active = active

    def all(self) -> list[Raster]:
        """Return the rasters in the order of the layer tree, files chosen by hand last; no two look alike."""
        order = [layer for layer in self._project.layerTreeRoot().layerOrder() if is_input(layer)]
        return told_apart([self.of_layer(layer) for layer in order] + list(self._files.values()))

    def of_layer(self, layer: QgsRasterLayer) -> Raster:
        """Return the facts of ``layer``, read once for each source."""
        key = _key(layer)
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

    def _on_added(self, layers: list[QgsMapLayer]) -> None:
        for layer in layers:
            if is_input(layer):
                layer.crsChanged.connect(self._on_properties)
                layer.nameChanged.connect(self._on_properties)
                layer.repaintRequested.connect(self._on_properties)  # NoData has no signal of its own
        self._on_change(layers)

    def _on_properties(self, *_: object) -> None:
        layer = self.sender()
        if isinstance(layer, QgsRasterLayer) and _key(layer) not in self._known:
            self._on_change(None)


def told_apart(rasters: list[Raster]) -> list[Raster]:
    """Return rasters of which those with one name have labels that differ: by file, folder or number."""
    found = list(rasters)
    ways: tuple[Callable[[Raster], str], ...] = (
        lambda raster: Path(raster.file).name,
        lambda raster: str(Path(*Path(raster.file).parts[-2:])) if raster.file else "",
        lambda raster: raster.file,
    )
    for name in {raster.name for raster in rasters}:
        twins = [i for i, raster in enumerate(rasters) if raster.name == name]
        if len(twins) < 2:
            continue
        tried = [[way(rasters[i]) for i in twins] for way in ways]
        texts = next((some for some in tried if all(some) and len(set(some)) == len(some)), None)
        for number, i in enumerate(twins, start=1):
            text = texts[number - 1] if texts is not None else str(number)
            found[i] = replace(rasters[i], label=f"{name} ({text})")
    return found


def _key(layer: QgsRasterLayer) -> tuple[str, str, str, bool, str, NoData]:
    """Return all of a layer on which its facts rest."""
    try:
        crs, nodata = said_by_layer(layer) if layer.isValid() else ("", ())
    except ValueError:  # an additional value that is no number, of which the facts say more
        crs, nodata = "", ()
    provider = layer.dataProvider()
    numbers = range(1, layer.bandCount() + 1) if layer.isValid() and provider is not None else ()
    own = all(provider.useSourceNoDataValue(number) for number in numbers)
    return layer.id(), layer.name(), layer.source(), own and layer.crs().isValid(), crs, nodata


def is_input(layer: QgsMapLayer) -> bool:
    """Whether ``layer`` is a raster that is not one of our own maps."""
    return isinstance(layer, QgsRasterLayer) and not layer.customProperty(QUANTITY_PROPERTY)
