"""How rough a raster is, lag by lag, inside its mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid

Floats = npt.NDArray[np.float64]
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

    It is half the sum of the semivariances of all categories' yes-or-no maps.
    """
    return _halved(values, valid, lags, lambda one, other: (one != other).astype(np.float64))


def _halved(values: npt.NDArray[np.floating], valid: Valid, lags: Sequence[int], pair: _Pair) -> Floats:
    step = -(-values.size // MOST_PIXELS)
    found = []
    for lag in lags:
        total = number = 0.0
        down = slice(None, values.shape[0] - lag if lag < values.shape[0] else 0, step)
        for first, second in (
            ((down, slice(None)), (slice(lag, None, step), slice(None))),
            ((slice(None, None, step), slice(None, -lag)), (slice(None, None, step), slice(lag, None))),
        ):
            both = valid[first] & valid[second]
            total += float(pair(values[first], values[second])[both].sum())
            number += int(both.sum())
        found.append(total / number / 2 if number else np.nan)
    return np.array(found)
