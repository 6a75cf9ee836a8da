"""What a finished map says of itself in its tags, and how its layer looks and is described by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from osgeo import gdal
from qgis.core import QgsPalettedRasterRenderer, QgsRasterLayer
from qgis.PyQt.QtGui import QColor

from ...engine.protocol.products import (
    BINARY,
    CHANGE,
    DIFFERENCE,
    FEATURES,
    LIMITING,
    NOVELTY,
    OCCURRENCE,
    RICHNESS,
    TOP,
)
from ...engine.protocol.tags import MEANING, PRODUCT, QUANTITY, SPECIES
from .layer_metadata import fill_metadata
from .raster_facts import raster_of_file
from .raster_style import rounded_up, style_categories, style_classes, style_diverging, value_range
from .suitability_style import apply_style
from .translation import tr

# Ends of classes; MESS is novel below zero, the novelty of features above 1.
MESS_ENDS = (-20.0, -10.0, -1e-6, 10.0, 50.0)
FEATURES_ENDS = (0.5, 0.75, 1.0, 1.5, 2.0)
MOST_BANDS = 50  # of a file that are worth a layer each
_BELOW, _ABOVE = "#e1e1e1", "#1b7837"


@dataclass(frozen=True)
class MapProduct:
    """A band's own tags, empty where its file says nothing; ``end`` is the largest absolute value in it.

    ``band`` counts from 1, ``names`` are the descriptions of all bands of the file that the layer stands for;
    ``end`` is only looked for where a style needs it.
    """

    file: str
    product: str
    species: str
    quantity: str
    meaning: str
    names: tuple[str, ...]
    end: float = 1.0
    band: int = 1

    @property
    def title(self) -> str:
        """Return the layer's name: the species, and what the number is."""
        described = next(iter(self.names), "") or Path(self.file).stem
        titles = {
            OCCURRENCE: tr("{}: probability of presence"),
            BINARY: "{}: " + (self.quantity or tr("above threshold")),
            DIFFERENCE: tr("{}: difference, second minus first map"),
            CHANGE: tr("{}: gain and loss of area above threshold"),
        }
        fixed = {
            NOVELTY: tr("Novelty (MESS): negative is outside the training range"),
            LIMITING: tr("Novelty: the least familiar predictor"),
        }
        title = fixed.get(self.product) or titles.get(self.product, "{}").format(self.species or described)
        if self.product == FEATURES:
            title = tr("{}: above 1 is novel").format(described)
        several = len(self.names) > 1
        return tr("{} (the first of {} bands)").format(title, len(self.names)) if several else title

    @property
    def short_title(self) -> str:
        """Return the layer's name among others of its kind."""
        described = next(iter(self.names), "")
        if self.product == NOVELTY:
            return tr("MESS: negative is outside the training range")
        if self.product == LIMITING:
            return tr("the least familiar predictor")
        if self.product == FEATURES:
            return self.title.replace(tr("Novelty of "), "")
        of_species = self.product in (OCCURRENCE, BINARY) and len(self.names) == 1
        return (self.species or described) if of_species else self.title


def map_product(file: str) -> MapProduct:
    """Return what a file of maps says of its first band. Reads the file alone, so any thread may ask."""
    return _product(file, 1, raster_of_file(file).bands)


def map_products(file: str) -> list[MapProduct]:
    """Return what a file of maps says of each band; of the first alone where there are over ``MOST_BANDS``."""
    names = raster_of_file(file).bands
    if len(names) > MOST_BANDS:
        return [_product(file, 1, names)]
    return [_product(file, band, (name,)) for band, name in enumerate(names, start=1)]


def _product(file: str, band: int, names: tuple[str, ...]) -> MapProduct:
    tags = tags_of(file, band)
    product = tags.get(PRODUCT, "")
    end = 1.0
    if product in (RICHNESS, DIFFERENCE):
        found = value_range(file)
        end = rounded_up(max(map(abs, found))) if found is not None else 1.0
    words = [tags.get(key, "") for key in (SPECIES, QUANTITY, MEANING)]
    return MapProduct(file, product, *words, names, end, band)


def style_product(layer: QgsRasterLayer, one: MapProduct) -> None:
    """Give ``layer`` the colours of its product."""
    if one.product in (TOP, LIMITING, CHANGE):
        style_categories(layer)
    elif one.product == BINARY:
        below, above = tr("below threshold"), tr("at or above threshold")
        classes = [
            QgsPalettedRasterRenderer.Class(0.0, QColor(_BELOW), below),
            QgsPalettedRasterRenderer.Class(1.0, QColor(_ABOVE), above),
        ]
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), one.band, classes))
    elif one.product == NOVELTY:
        style_classes(layer, MESS_ENDS, _mess_labels(), purple_high=False)
    elif one.product == FEATURES:
        style_classes(layer, FEATURES_ENDS, _features_labels(), purple_high=True)
    elif one.product == DIFFERENCE:
        style_diverging(layer, -one.end, one.end)
    else:
        apply_style(layer, one.band, one.end)


def _mess_labels() -> tuple[str, ...]:
    return (
        tr("below −20: far outside the training range"),
        tr("−20 to −10"),
        tr("−10 to 0: just outside"),
        tr("0 to 10: just inside"),
        tr("10 to 50"),
        tr("50 to 100: familiar"),
    )


def _features_labels() -> tuple[str, ...]:
    return (
        tr("up to 0.5: familiar"),
        tr("0.5 to 0.75"),
        tr("0.75 to 1: still familiar"),
        tr("1 to 1.5: novel"),
        tr("1.5 to 2"),
        tr("above 2: far from the training"),
    )


def describe_product(layer: QgsRasterLayer, one: MapProduct, lines: Sequence[str] = ()) -> None:
    """Fill the layer's tooltip and metadata: what it shows, what the numbers mean, ``lines`` about the run."""
    words = {"species": one.species, "quantity": one.quantity}
    fill_metadata(layer, one.title, one.quantity, one.meaning, lines, words)


def tags_of(file: str, band: int) -> dict[str, str]:
    """Return the tags of a band over those of the file; none where it can't be read."""
    dataset: Optional[gdal.Dataset]
    try:
        dataset = gdal.OpenEx(file, gdal.OF_RASTER)
    except RuntimeError:  # GDAL raises or not by a switch that is QGIS's, not ours
        dataset = None
    if dataset is None:
        return {}
    return {**dataset.GetMetadata(), **dataset.GetRasterBand(band).GetMetadata()}
