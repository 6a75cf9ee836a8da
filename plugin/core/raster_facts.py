"""What is to be known of a raster before it is asked for anything: a layer's file, band names, CRS and NoData.

Main thread only, since it reads layers.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from osgeo import gdal
from qgis.core import QgsCoordinateReferenceSystem, QgsProviderRegistry, QgsRasterDataProvider, QgsRasterLayer

from ...engine.protocol import NoData, joined_nodata, nodata_of_json, nodata_text
from .translation import tr

_PICTURES = ("wms", "arcgismapserver", "vectortile", "xyzvectortiles")
_IN_MEMORY = "/vsimem/"
_MOST = sys.float_info.max
_USERS_OWN = "USER:"  # of CRSs that a user defined, whose codes nobody else knows


@dataclass(frozen=True)
class Raster:
    """What is to be known of a raster: where it is, the names of its bands, or why it can't be used.

    ``crs`` and ``nodata`` are what its layer says otherwise than the file: the CRS that was set in QGIS (a code
    or WKT), and additional NoData values, as they are stored. ``label`` tells it apart from others of its name.
    """

    name: str
    file: str
    bands: tuple[str, ...]
    layer_id: str = ""
    refusal: str = ""
    crs: str = ""
    nodata: NoData = ()
    label: str = ""

    @property
    def stem(self) -> str:
        """Return the file's name without folder and ending."""
        return Path(self.file).stem if self.file else ""

    @property
    def shown(self) -> str:
        """Return what it is called in a list."""
        return self.label or self.name

    @property
    def place(self) -> str:
        """Return by what it is found again: its layer, else its file."""
        return self.layer_id or self.file

    @property
    def source(self) -> tuple[str, str, NoData]:
        """Return what makes two rasters one, whatever their names: the file, and what is said of it."""
        return self.file, self.crs, self.nodata

    def note(self) -> str:
        """Return what the layer says otherwise than its file, in a sentence; empty where nothing."""
        said = []
        if self.crs:
            said.append(tr("CRS {}").format(_short(self.crs)))
        if self.nodata != ():
            said.append(tr("NoData {}").format(nodata_text(self.nodata)))
        return tr("{} as set for the layer").format(tr(" and ").join(said)) if said else ""


def crs_text(crs: QgsCoordinateReferenceSystem) -> str:
    """Return a CRS as the engine reads it: its code, or WKT where it has none that others know."""
    code = crs.authid()
    if code and not code.startswith(_USERS_OWN):
        return code
    return crs.toWkt(QgsCoordinateReferenceSystem.WktVariant.WKT2_2019)


def raster_of_layer(layer: QgsRasterLayer) -> Raster:
    """Return the facts of a project layer; a picture from the web, say, comes with the reason against it."""
    name = layer.name()
    if not layer.isValid():
        return Raster(name, "", (), layer.id(), tr("{} can't be read; repair its source first.").format(name))
    provider = layer.providerType()
    if provider in _PICTURES:
        said = tr(
            "{} is a WMS or XYZ picture: it holds colours to look at, not values; choose a raster file such as "
            "a GeoTIFF."
        )
        return Raster(name, "", (), layer.id(), said.format(name))
    if provider != "gdal":
        said = tr("{} comes from the provider “{}”, which the engine can't read; save it as a GeoTIFF first.")
        return Raster(name, "", (), layer.id(), said.format(name, provider))
    file = _file_of(layer.source())
    refusal = _refusal(layer, file)
    if refusal:
        return Raster(name, "", (), layer.id(), refusal.format(name))
    bands = _descriptions(file, layer.bandCount())
    return Raster(name, file, bands, layer.id(), "", *said_by_layer(layer))


def raster_of_file(file: str) -> Raster:
    """Return the facts of a raster file."""
    dataset = _open(file)
    name = Path(file).stem
    if dataset is None:
        return Raster(name, "", (), "", tr("{} is no raster that GDAL can open.").format(file))
    return Raster(name, file, _descriptions(file, dataset.RasterCount))


def said_by_layer(layer: QgsRasterLayer) -> tuple[str, NoData]:
    """Return CRS and NoData that a layer has otherwise than its file; each is empty where it has none."""
    provider = layer.dataProvider()
    if provider is None:
        return "", ()
    crs = layer.crs()
    differs = crs.isValid() and crs != provider.crs()
    return crs_text(crs) if differs else "", _stored_nodata(provider, 1) if layer.bandCount() else ()


def _refusal(layer: QgsRasterLayer, file: str) -> str:
    """Return why the engine can't see what QGIS shows of a layer, or nothing; {} stands for its name."""
    provider = layer.dataProvider()
    numbers = range(1, layer.bandCount() + 1)
    if file.startswith(_IN_MEMORY):
        return tr("{} lives in the memory of QGIS; save it as a file first.")
    if _options(layer.source()):
        return tr("{} is opened with options, which the engine does not know; save it as a GeoTIFF first.")
    if not layer.crs().isValid() and provider.crs().isValid():
        return tr("The CRS of {} was taken away in QGIS; set it again.")
    if any(provider.sourceHasNoDataValue(n) and not provider.useSourceNoDataValue(n) for n in numbers):
        return tr(
            "{}: its own NoData value is switched off (Layer Properties › Transparency), which the engine "
            "can't do; switch it on, or save the layer without NoData."
        )
    try:
        several = {_stored_nodata(provider, n) for n in numbers}
    except ValueError:
        return tr(
            "{} has an additional NoData value that is no number; remove it (Layer Properties › Transparency)."
        )
    if len(several) > 1:
        return tr("{} has additional NoData values that differ by band; save each band as a file first.")
    return ""


def _stored_nodata(provider: QgsRasterDataProvider, band: int) -> NoData:
    """Return the additional NoData of a band as the file stores numbers; QGIS has it in the band's scale."""
    scale, offset = provider.bandScale(band) or 1.0, provider.bandOffset(band)

    def stored(value: float, unbounded: float) -> float:
        return unbounded if value != value else (value - offset) / scale  # QGIS has NaN where a range is open

    parts = []
    for one in provider.userNoDataValues(band):
        sign = 1 if scale > 0 else -1
        ends = sorted((stored(one.min(), -sign * _MOST), stored(one.max(), sign * _MOST)))
        parts.append(nodata_of_json(ends[0] if ends[0] == ends[1] else [ends]))
    return joined_nodata(parts) if parts else ()


def _options(uri: str) -> bool:
    return bool(QgsProviderRegistry.instance().decodeUri("gdal", uri).get("openOptions"))


def _short(crs: str) -> str:
    """Return a CRS's code, or of WKT its name."""
    return crs.split('"')[1] if '"' in crs else crs


def _file_of(uri: str) -> str:
    """Return what GDAL opens, without QGIS's own options behind it."""
    parts = QgsProviderRegistry.instance().decodeUri("gdal", uri)
    plain = parts.get("path") and not parts.get("layerName") and not parts.get("vsiPrefix")
    return str(parts["path"]) if plain else uri.split("|")[0]


def _descriptions(file: str, count: int) -> tuple[str, ...]:
    dataset = _open(file)
    if dataset is None:
        return ("",) * count
    return tuple(dataset.GetRasterBand(number).GetDescription() or "" for number in range(1, count + 1))


def _open(file: str) -> Optional[gdal.Dataset]:
    """Return the dataset, or None; GDAL raises or not by a switch that is QGIS's, not ours."""
    try:
        return gdal.OpenEx(file, gdal.OF_RASTER)
    except RuntimeError:
        return None
