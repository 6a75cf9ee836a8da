"""What can be wrong with a card whose fields have the right types. Standard library alone."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from .card import KINDS, N_QUANTILES, PIXEL_UNITS, Band, Card, Modality
from .plain_json import shortened

# Far more than any model has; what it takes to read one stays bounded by its size.
MOST_SPECIES, MOST_MODALITIES, MOST_BANDS, MOST_SCALES = 100_000, 50, 10_000, 50
LARGEST_SCALE = 2_001  # px
LONGEST_NAME = 500  # letters
CONTROL = ("Cc", "Cs")  # categories of letters that no name has: they would break lines, and files
PIXELS = {"metre": (1e-3, 1e7), "degree": (1e-8, 90.0)}  # the smallest and the largest of a raster
SMALLEST_STD, LARGEST_VALUE = 1e-30, 1e30  # of a band; float32 holds what is made of them


def faults(card: Card) -> Iterator[str]:
    """Yield what would make a map wrong, or a reader stumble."""
    if not card.name:
        yield "it has no name"
    yield from _names_faults("modality", [one.name for one in card.modalities])
    yield from _names_faults("species", [one.name for one in card.species])
    for modality in card.modalities:
        yield from _modality_faults(modality)
    for one in card.species:
        if one.kind not in KINDS:
            yield f"species {one.name} has kind of data {shortened(one.kind)!r}"
        if one.calibration is not None and len(one.calibration) != 2:
            yield f"the calibration of species {one.name} is not a slope and an intercept"
        numbers = (*one.thresholds.values(), *(one.calibration or ()), one.threshold or 0, one.auc or 0)
        if not all(abs(number) <= LARGEST_VALUE for number in numbers):
            yield f"a threshold or the calibration of species {one.name} is too large a number"
    if len(card.training.extent) not in (0, 4):
        yield "the extent of its training is not four numbers"


def too_many(raw: dict[str, Any]) -> str:
    """Return what there is too much of in the JSON values of a card, empty where nothing is."""
    for name, most in (("modalities", MOST_MODALITIES), ("species", MOST_SPECIES)):
        found = raw.get(name)
        if isinstance(found, list) and len(found) > most:
            return f"it names {len(found)} {name}, more than the {most} that can be used"
    return ""


def _names_faults(what: str, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the names of all there are of a kind."""
    if not names:
        yield f"it names no {what}"
    for name in names:
        if not name.strip():
            yield f"a {what} has no name"
        if len(name) > LONGEST_NAME:
            yield f"the {what} name {shortened(name)!r} is longer than {LONGEST_NAME} letters"
        if not name.isprintable() and any(unicodedata.category(letter) in CONTROL for letter in name):
            yield f"the {what} name {shortened(name)!r} holds a control character"
    if len(set(names)) < len(names):
        yield f"two {what if what == 'species' else 'modalities'} have one name"


def _modality_faults(modality: Modality) -> Iterator[str]:
    where = f"modality {modality.name}"
    if modality.pixel_unit not in PIXEL_UNITS:
        yield f"{where} has pixel unit {shortened(modality.pixel_unit)!r}"
    if not modality.pixel_size > 0:
        yield f"{where} has no pixel size"
    smallest, largest = PIXELS.get(modality.pixel_unit, (0.0, math.inf))
    if not smallest <= modality.pixel_size <= largest:
        yield f"{where} has pixels of {modality.pixel_size:g} {modality.pixel_unit}, which no raster has"
    if not modality.scales:
        yield f"{where} has no scale"
    if not all(scale > 0 and scale % 2 == 1 for scale in modality.scales):
        yield f"{where} has a scale that is not an odd number of pixels"
    if len(modality.scales) > MOST_SCALES or max(*modality.scales, modality.patch or 1) > LARGEST_SCALE:
        yield f"{where} has more than {MOST_SCALES} scales, or one of more than {LARGEST_SCALE} pixels"
    if modality.patch is not None and modality.patch <= 0:
        yield f"{where} has a patch of no size"
    if len(modality.shifts) not in (0, len(modality.scales)):
        yield f"{where} has not one shift a scale"
    if not all(abs(shift) <= LARGEST_SCALE for shift in modality.shifts):
        yield f"{where} has a shift of more than {LARGEST_SCALE} pixels"
    if not modality.bands:
        yield f"{where} has no band"
    if len(modality.bands) > MOST_BANDS:
        yield f"{where} has more than {MOST_BANDS} bands"
    for band in modality.bands:
        yield from _band_faults(band, where)


def _band_faults(band: Band, where: str) -> Iterator[str]:
    name = f"band {shortened(band.name)} of {where}"
    if not band.std > 0:
        yield f"{name} has no spread"
    if not (band.std >= SMALLEST_STD and max(map(abs, (band.mean, band.std, band.fill))) <= LARGEST_VALUE):
        yield f"{name} has a mean, a spread or a fill that no raster has"
    if len(set(band.categories)) < len(band.categories):
        yield f"{name} names a category twice"
    if len(band.quantiles) not in (0, N_QUANTILES):
        yield f"{name} has not {N_QUANTILES} quantiles"
    if not all(a <= b for a, b in zip(band.quantiles, band.quantiles[1:])):
        yield f"the quantiles of {name} are not in order"
    if not all(abs(one) <= LARGEST_VALUE for one in band.quantiles):
        yield f"{name} has a quantile that no raster has"
