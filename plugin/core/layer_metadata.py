"""What a layer says of itself: tooltip, legend's title and QGIS's metadata. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qgis.core import QgsLayerMetadata, QgsRasterLayer

QUANTITY_PROPERTY = "scalescape/quantity"  # of a layer: what its numbers are


def fill_metadata(
    layer: QgsRasterLayer,
    title: str,
    quantity: str,
    meaning: str,
    run: Sequence[str],
    keywords: Mapping[str, str],
    licence: str = "",
    citation: str = "",
) -> None:
    """Fill the metadata of ``layer``.

    Parameters
    ----------
    layer
        A raster with a file.
    title, quantity, meaning
        What it shows, what its numbers are called, and what they mean.
    run
        Lines about the run that made it.
    keywords
        By vocabulary; empty ones are left out.
    licence, citation
        Of the model, where they are known.
    """
    layer.setCustomProperty(QUANTITY_PROPERTY, quantity)
    metadata = QgsLayerMetadata()
    metadata.setIdentifier(Path(layer.source()).name)
    metadata.setType("dataset")
    metadata.setTitle(title)
    metadata.setAbstract("\n".join(part for part in (meaning, *run) if part))
    metadata.setLanguage("ENG")
    metadata.setKeywords({name: [word] for name, word in keywords.items() if word})
    metadata.setLicenses([licence] if licence else [])
    metadata.setRights([citation] if citation else [])
    metadata.setHistory([f"Scalescape: {line}" for line in run])
    metadata.setCrs(layer.crs())
    extent = QgsLayerMetadata.Extent()
    spatial = QgsLayerMetadata.SpatialExtent()
    spatial.extentCrs = layer.crs()
    spatial.bounds = layer.extent().toBox3d(0, 0)
    extent.setSpatialExtents([spatial])
    metadata.setExtent(extent)
    layer.setMetadata(metadata)
    layer.setTitle(metadata.title())
    layer.setAbstract(metadata.abstract())
