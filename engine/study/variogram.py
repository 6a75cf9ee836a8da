"""How rough a raster is, lag by lag, inside its mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid

Floats = npt.NDArray[np.float64]
Part = tuple[slice, slice]
_Pair = Callable[[npt.NDArray[Any], npt.NDArray[Any]], Floats]
LONGEST_LAG = 20  # px
MOST_PIXELS = 4_000_000  # of more, every second, third, ... row is looked at


def lags_of(shape: tuple[int, ...], longest: int = LONGEST_LAG) -> tuple[int, ...]:
    """Return the lags (px) that a raster of ``shape`` (rows, columns) is measured at: up to half its side."""
    return tuple(range(1, min(longest, max(shape) // 2) + 1))


def variogram(values: npt.NDArray[np.floating], valid: Valid, lags: Sequence[int]) -> Floats:
    """Return the semivariance of a band along rows and columns together: (lags,); NaN without a pair.

    That is half the mean squared difference of all pairs of pixels at a lag that both hold a value (Matheron's
    estimator).

    Parameters
    ----------
    values, valid
        (rows, columns), and where it holds values.
    lags
        In pixels.
    """
    return _halved(values, valid, lags, lambda one, other: np.square(one - other, dtype=np.float64))


def changes(values: npt.NDArray[np.floating], valid: Valid, lags: Sequence[int]) -> Floats:
    """Return half the share of pairs that differ, (lags,): the variogram of a band of categories.

    It is half the sum of the variograms of all categories' yes-or-no maps.
    """
    return _halved(values, valid, lags, lambda one, other: (one != other).astype(np.float64))


def neighbours(shape: tuple[int, ...], lag: int, every: int = 1) -> tuple[tuple[Part, Part], tuple[Part, Part]]:
    """Return the pixels that have another one a lag further down, with those, and the same to the right.

    ``every`` is the step of rows that are looked at.
    """
    height, width = shape
    down, across = max(0, height - lag), max(0, width - lag)
    first, rows = slice(0, down, every), slice(None, None, every)
    return (
        ((first, slice(None)), (slice(lag, lag + down, every), slice(None))),
        ((rows, slice(0, across)), (rows, slice(lag, lag + across))),
    )


def _halved(values: npt.NDArray[np.floating], valid: Valid, lags: Sequence[int], pair: _Pair) -> Floats:
    found = []
    for lag in lags:
        total = number = 0.0
        for one, other in neighbours(values.shape, lag, -(-values.size // MOST_PIXELS)):
            both = valid[one] & valid[other]
            total += float(pair(values[one], values[other])[both].sum())
            number += int(both.sum())
        found.append(total / number / 2 if number else np.nan)
    return np.array(found)
