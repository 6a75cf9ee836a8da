"""Rasters of a run as layers, and their places in the layer tree. Main thread only."""

from __future__ import annotations

from typing import Optional

from qgis.core import (
    QgsLayerTreeGroup,
    QgsLayerTreeLayer,
    QgsMapLayerLegendUtils,
    QgsProject,
    QgsRasterLayer,
)

from .layer_metadata import QUANTITY_PROPERTY


def raster_layer(file: str, title: str, band: int = 1) -> Optional[QgsRasterLayer]:
    """Return a layer that is not styled yet; None where the file can't be read or lacks the band."""
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False  # it would compute statistics of the file, here in the main thread
    layer = QgsRasterLayer(file, title, "gdal", options)
    return layer if layer.isValid() and band <= layer.bandCount() else None


def add_node(project: QgsProject, group: QgsLayerTreeGroup, layer: QgsRasterLayer) -> QgsLayerTreeLayer:
    """Add a styled ``layer`` at the end of ``group``; return its node, whose legend says what numbers are."""
    project.addMapLayer(layer, False)
    node = QgsLayerTreeLayer(layer)
    # Above the ramp, where QGIS would write the number of the band.
    title = layer.customProperty(QUANTITY_PROPERTY, "")
    QgsMapLayerLegendUtils.setLegendNodeUserLabel(node, 0, title)
    group.addChildNode(node)
    return node
