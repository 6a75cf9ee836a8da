"""Multivariate environmental similarity surfaces (MESS): how far predictors lie from the training's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...models.card import N_QUANTILES

Floats = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]


class Mess:
    """The similarity of values to a training sample that is known by its 101 quantiles.

    With f the percentage of the sample below a value p, and the sample's least and largest value, similarity is
    (Elith, Kearney & Phillips 2010, appendix S3)

        100 (p - least) / (largest - least)      where f = 0
        2 f                                      where 0 < f <= 50
        2 (100 - f)                              where 50 <= f < 100
        100 (largest - p) / (largest - least)    where f = 100

    so that it is negative outside the sample's range and at most 100. Between two quantiles f is interpolated,
    and never off by more than 1; where similarity is negative f plays no part, and it is exact.

    Parameters
    ----------
    quantiles
        (bands, 101), ascending.
    """

    def __init__(self, quantiles: Sequence[Sequence[float]]) -> None:
        self._lines = [_Lines(np.array(one, np.float64)) for one in quantiles]

    def similarity(self, values: npt.NDArray[np.floating]) -> Floats:
        """Return the similarity of each band's value: (bands, ...), as ``values``."""
        return np.stack([lines.at(one) for lines, one in zip(self._lines, values, strict=True)])

    def least(self, values: npt.NDArray[np.floating]) -> tuple[Floats, Index]:
        """Return the least similarity of a place's bands and the first band that has it, each (...).

        ``values`` are (bands, ...).
        """
        least = np.full(values.shape[1:], np.inf)
        limiting = np.zeros(values.shape[1:], np.intp)
        for band, (lines, one) in enumerate(zip(self._lines, values, strict=True)):
            similarity = lines.at(one)
            limiting[similarity < least] = band
            np.minimum(least, similarity, out=least)
        return least, limiting


class _Lines:
    """Similarity to one band's quantiles: a line below them, between each two and above them."""

    def __init__(self, quantiles: Floats) -> None:
        least, largest = quantiles[0], quantiles[-1]
        f = np.arange(N_QUANTILES - 1)  # at the lower end of each line between two quantiles
        widths = np.array([largest - least, *np.diff(quantiles), largest - least])
        self._quantiles = quantiles
        self._knots = np.array([least, *quantiles[:-1], largest])
        self._widths = np.where(widths > 0, widths, 1)  # a line of no width holds no value; a sample of one, 1
        self._starts = np.array([0, *np.where(f < 50, 2 * f, 2 * (100 - f)), 0], np.float64)
        self._rises = np.array([100, *np.where(f < 50, 2, -2), -100], np.float64)

    def at(self, values: npt.NDArray[np.floating]) -> Floats:
        """Return the similarity of values, in their shape."""
        below = np.searchsorted(self._quantiles, values)
        found: Floats = values - self._knots[below]
        found *= self._rises[below]
        found /= self._widths[below]
        found += self._starts[below]
        return found
