"""Which raster gives which band: facts about rasters, and the automatic matching by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from osgeo import gdal
from qgis.core import QgsProviderRegistry, QgsRasterLayer

from ...engine.protocol import RasterInput
from ...models.card import Modality
from .translation import tr

_PICTURES = ("wms", "arcgismapserver", "vectortile", "xyzvectortiles")


@dataclass(frozen=True)
class Raster:
    """What is to be known of a raster: where it is, the names of its bands, or why it can't be used."""

    name: str
    file: str
    bands: tuple[str, ...]
    layer_id: str = ""
    refusal: str = ""

    @property
    def stem(self) -> str:
        """Return the file's name without folder and ending."""
        return Path(self.file).stem if self.file else ""


@dataclass(frozen=True)
class BandSource:
    """One band of one raster; ``by_name`` is False where only the order of the bands speaks for it."""

    file: str
    band: int
    label: str
    by_name: bool = True


def raster_of_layer(layer: QgsRasterLayer) -> Raster:
    """Return the facts of a project layer; a picture from the web, say, comes with the reason against it."""
    name = layer.name()
    if not layer.isValid():
        return Raster(name, "", (), layer.id(), tr("{} can't be read; mend its source first.").format(name))
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
    bands = _descriptions(file, layer.bandCount())
    return Raster(name, file, bands, layer.id())


def raster_of_file(file: str) -> Raster:
    """Return the facts of a raster file."""
    dataset = _open(file)
    name = Path(file).stem
    if dataset is None:
        return Raster(name, "", (), "", tr("{} is no raster that GDAL can open.").format(file))
    return Raster(name, file, _descriptions(file, dataset.RasterCount))


def match(modality: Modality, rasters: Sequence[Raster]) -> list[Optional[BandSource]]:
    """Return for each band of ``modality`` the raster band that bears its name, or None.

    One raster that has all bands wins, the one called like the modality first. Else a raster called like the
    modality, whose bands have no names and are as many, is taken in the order of the file. Else the bands are
    looked for in all rasters, also by the names of layers and files.
    """
    usable = [raster for raster in rasters if not raster.refusal]
    usable.sort(key=lambda raster: not _is_called(raster, modality.name))
    for raster in usable:
        found = match_raster(modality, raster)
        if all(found) and (found[0] is None or found[0].by_name or _is_called(raster, modality.name)):
            return found
    pool = [(raster, number) for raster in usable for number in range(1, len(raster.bands) + 1)]
    best: list[Optional[BandSource]] = [None] * len(modality.bands)
    for names in (_by_band, _by_layer, _by_file):
        matched = modality.match([names(raster, number) for raster, number in pool])
        for i, index in enumerate(matched):
            if best[i] is None and index is not None:
                best[i] = source(*pool[index])
    return best


def match_raster(modality: Modality, raster: Raster) -> list[Optional[BandSource]]:
    """Return for each band of ``modality`` the band of ``raster`` that bears its name, or None.

    Where the raster's bands have no names of their own and are as many, they are taken in order.
    """
    if raster.refusal:
        return [None] * len(modality.bands)
    if not any(raster.bands) and len(raster.bands) == len(modality.bands):
        by_name = len(raster.bands) == 1 and modality.match([raster.name]) == [0]
        return [source(raster, number, by_name) for number in range(1, len(raster.bands) + 1)]
    matched = modality.match(list(raster.bands))
    if len(raster.bands) == 1 and not any(index is not None for index in matched):
        matched = modality.match([raster.name])
    return [None if index is None else source(raster, index + 1) for index in matched]


def chosen_raster(modality: Modality, raster: Raster) -> list[Optional[BandSource]]:
    """Return the bands of a ``raster`` that a person chose for ``modality``.

    What a person chose is not undone: where no band bears a name of the modality, and there are as many, they
    are taken in order, and the engine says whether they are another modality's.
    """
    found = match_raster(modality, raster)
    if any(found) or raster.refusal or len(raster.bands) != len(modality.bands):
        return found
    return [source(raster, number, by_name=False) for number in range(1, len(raster.bands) + 1)]


def source(raster: Raster, number: int, by_name: bool = True) -> BandSource:
    """Return band ``number`` (from 1) of ``raster``, labelled for a person."""
    return BandSource(raster.file, number, band_label(raster, number), by_name)


def band_label(raster: Raster, number: int) -> str:
    """Return the name of band ``number`` (from 1) of ``raster`` for a person."""
    if len(raster.bands) == 1:
        return raster.name
    return f"{raster.name} · {raster.bands[number - 1] or number}"


def raster_inputs(modality: str, sources: Sequence[Optional[BandSource]]) -> tuple[RasterInput, ...]:
    """Return the inputs of a job, in the order of ``sources``; neighbours from one file become one input."""
    inputs: list[RasterInput] = []
    for one in sources:
        if one is None:
            continue
        if inputs and inputs[-1].file == one.file:
            inputs[-1] = RasterInput(modality, one.file, (*inputs[-1].bands, one.band))
        else:
            inputs.append(RasterInput(modality, one.file, (one.band,)))
    return tuple(inputs)


def _is_called(raster: Raster, name: str) -> bool:
    return name.lower() in raster.name.lower() or name.lower() in raster.stem.lower()


def _by_band(raster: Raster, number: int) -> str:
    return raster.bands[number - 1]


def _by_layer(raster: Raster, number: int) -> str:
    return raster.name if len(raster.bands) == 1 else ""


def _by_file(raster: Raster, number: int) -> str:
    return raster.stem if len(raster.bands) == 1 else ""


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
