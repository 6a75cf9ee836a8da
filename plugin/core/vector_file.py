"""A vector layer as a file that the engine can read: its own, or a copy of what the layer holds now.

Main thread only, since it reads layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Optional

from osgeo import gdal
from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFeature,
    QgsFeatureSink,
    QgsFields,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from .translation import tr

NEARBY = ("ogr", "memory", "delimitedtext", "spatialite", "gpx", "virtual")  # read without a server
_SUFFIX = ".gpkg"
_TABLES = (".csv", ".tsv", ".tab", ".txt")  # QGIS and others may read other points from them
_OWN = (
    "subset",
    "geometryType",
    "openOptions",
    "vsiPrefix",
)  # parts of a source that are QGIS's, not the file's


class VectorFileError(ValueError):
    """A layer that can't become a file; the message is one sentence."""


def own_file(layer: QgsVectorLayer) -> str:
    """Return the file of ``layer`` where it says all that the layer says; empty where only a copy would.

    A copy is needed for memory layers and services, filters, unsaved edits, a CRS that the file does not have,
    and one layer among several in a file.
    """
    if layer.providerType() != "ogr" or layer.isModified():
        return ""
    parts = QgsProviderRegistry.instance().decodeUri("ogr", layer.source())
    file = str(parts.get("path") or "")
    if not Path(file).is_file() or Path(file).suffix.lower() in _TABLES or any(parts.get(key) for key in _OWN):
        return ""
    if layer.subsetString() or layer.dataProvider().crs() != layer.crs():
        return ""
    return file if _count_layers(file) == 1 else ""


def copy_of(
    layer: QgsVectorLayer, selected_only: bool = False, file: Optional[Path] = None, attributes: bool = True
) -> str:
    """Write what ``layer`` holds now, or its selection alone, to a GeoPackage and return its path.

    Raises
    ------
    VectorFileError
        The file can't be written.
    """
    features = layer.getSelectedFeatures() if selected_only else layer.getFeatures()
    return write_features(features, layer, file or temporary_file(layer.name()), attributes)


def write_features(features: Iterable[QgsFeature], source: Any, file: Path, attributes: bool = True) -> str:
    """Write ``features`` of a layer or of a Processing source to a GeoPackage and return its path.

    Parameters
    ----------
    features
        What is written.
    source
        Says fields, kind of geometry and CRS.
    file
        Replaced where it exists.
    attributes
        Without them geometries are written alone.

    Raises
    ------
    VectorFileError
        The file can't be written.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = file.stem
    options.layerOptions = ["FID=scalescape_fid"]  # a field called fid may hold what no key may
    fields = source.fields() if attributes else QgsFields()
    context = QgsCoordinateTransformContext()
    writer = QgsVectorFileWriter.create(
        str(file), fields, source.wkbType(), source.sourceCrs(), context, options
    )
    fault = writer.errorMessage() if writer.hasError() else ""
    for feature in features if not fault else ():
        if not attributes:
            bare = QgsFeature()
            bare.setGeometry(feature.geometry())
            feature = bare
        if not writer.addFeature(feature, QgsFeatureSink.Flag.FastInsert):
            fault = writer.errorMessage()
            break
    del writer  # closes the file
    if fault:
        raise VectorFileError(tr("{} can't be written ({}).").format(file, fault))
    return str(file)


def temporary_file(name: str) -> Path:
    """Return a new GeoPackage's path that bears ``name``, in a folder that QGIS deletes when it ends."""
    plain = re.sub(r"[^\w\- ]+", "_", name).strip() or "layer"
    return Path(QgsProcessingUtils.generateTempFilename(plain + _SUFFIX))


def _count_layers(file: str) -> int:
    try:
        dataset = gdal.OpenEx(file, gdal.OF_VECTOR)
    except RuntimeError:  # GDAL raises or not by a switch that is QGIS's, not ours
        return 0
    return 0 if dataset is None else int(dataset.GetLayerCount())
