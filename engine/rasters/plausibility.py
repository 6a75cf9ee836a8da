"""Whether rasters hold what the network was trained on: means in training deviations, and categories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...models.card import Band
from ..protocol import Caution
from .foreign_categories import listed
from .predictors import Predictor
from .raster import Valid, Values

LIMIT = 6.0  # training standard deviations
CLOSE = 3.0  # within so many, another unit explains the difference

# What a value may be taken for, and how it is turned into the unit that the network knows.
Conversion = tuple[str, float, float]  # name, factor, offset
SCALED: tuple[Conversion, ...] = (
    ("ten times too large", 0.1, 0.0),
    ("a hundred times too large", 0.01, 0.0),
    ("a thousand times too large", 0.001, 0.0),
    ("ten thousand times too large", 0.0001, 0.0),
    ("ten times too small", 10.0, 0.0),
    ("a hundred times too small", 100.0, 0.0),
    ("ten thousand times too small", 10000.0, 0.0),
)
CELSIUS: tuple[Conversion, ...] = (
    ("Kelvin", 1.0, -273.15),
    ("Kelvin tenths", 0.1, -273.15),
    ("tenths of a degree", 0.1, 0.0),
)


def cautions(
    predictor: Predictor, rows: slice, columns: slice, between: Callable[[], None]
) -> Iterator[Caution]:
    """Yield a caution where the mean of bands over a window is beyond ``LIMIT`` training deviations.

    And one for each categorical band of which most pixels hold categories that the network does not know.
    """
    values, valid = predictor.sample(rows, columns, between)
    yield from _foreign(predictor, values, valid)
    found: list[tuple[Band, float]] = []
    for band, one, mask in zip(predictor.modality.bands, values, valid, strict=True):
        if mask.any() and not band.categories:
            mean = float(one[mask].mean(dtype=np.float64))
            if abs(mean - band.mean) > LIMIT * band.std:
                found.append((band, mean))
    if not found:
        return
    parts = [
        f"{band.name} averages {mean:.4g} (trained on {band.mean:.4g} ± {band.std:.3g}"
        f"{' ' + band.unit if band.unit else ''})"
        for band, mean in found
    ]
    guesses = {_guess(mean, band) for band, mean in found}
    guess = guesses.pop() if len(guesses) == 1 else ""
    files = ", ".join(Path(file).name for file in predictor.files)
    yield Caution(
        "range",
        f"In {files} {', '.join(parts)}: "
        + (f"are these {guess}?" if guess else "is it the right raster, in the right unit?"),
        blocking=True,
        modality=predictor.modality.name,
        band=found[0][0].name if len(found) == 1 else "",
    )


def _foreign(predictor: Predictor, values: Values, valid: Valid) -> Iterator[Caution]:
    for place, band in enumerate(predictor.modality.bands):
        held = values[place][valid[place]]
        foreign = held[~np.isin(held, band.categories)] if band.categories else held[:0]
        if 2 * foreign.size > held.size:
            known = listed({float(one) for one in band.categories})
            yield Caution(
                "category",
                f"Most pixels of {band.name} hold categories that the model was not trained on "
                f"({listed(set(np.unique(foreign).tolist()))}; it knows {known}): is it the right raster?",
                blocking=True,
                modality=predictor.modality.name,
                band=band.name,
            )


def _guess(mean: float, band: Band) -> str:
    """Return what the values may be, or an empty string."""
    for name, factor, offset in (*(CELSIUS if "°C" in band.unit else ()), *SCALED):
        if abs(mean * factor + offset - band.mean) <= CLOSE * band.std:
            return name
    return ""
