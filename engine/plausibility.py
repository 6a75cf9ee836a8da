"""Whether rasters hold what the network was trained on: the mean of each band in training deviations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..models.card import Band
from .predictors import Predictor
from .protocol import Caution

LIMIT = 6.0  # training standard deviations
CLOSE = 3.0  # within so many, another unit explains the difference
SAMPLE_SIDE = 128  # px; about 16,000 values a band

# What a value may be taken for, and how it is turned into the unit that the network knows.
CONVERSIONS = (
    ("Kelvin", 1.0, -273.15),
    ("Kelvin tenths", 0.1, -273.15),
    ("tenths", 0.1, 0.0),
    ("hundredths", 0.01, 0.0),
    ("thousandths", 0.001, 0.0),
    ("ten-thousandths", 0.0001, 0.0),
    ("ten times too small", 10.0, 0.0),
    ("fractions where the network knows ten-thousandths", 10000.0, 0.0),
)


def cautions(predictor: Predictor, rows: slice, columns: slice) -> Iterator[Caution]:
    """Yield a caution for each band whose mean over a window is beyond ``LIMIT`` training deviations."""
    values, valid = predictor.sample(rows, columns, SAMPLE_SIDE)
    for band, one, mask in zip(predictor.modality.bands, values, valid, strict=True):
        if not mask.any() or band.categories:
            continue
        mean = float(one[mask].mean(dtype=np.float64))
        if abs(mean - band.mean) <= LIMIT * band.std:
            continue
        unit = f" {band.unit}" if band.unit else ""
        yield Caution(
            "range",
            f"{band.name} averages {mean:.4g}, and the network was trained on {band.mean:.4g} ± "
            f"{band.std:.2g}{unit}{_guess(mean, band)}.",
            blocking=True,
            modality=predictor.modality.name,
            band=band.name,
        )


def _guess(mean: float, band: Band) -> str:
    for name, factor, offset in CONVERSIONS:
        if abs(mean * factor + offset - band.mean) <= CLOSE * band.std:
            return f": are these {name}?"
    return ": is it the right band, in the right unit?"
