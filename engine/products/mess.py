"""Multivariate environmental similarity surfaces (MESS): how far predictors lie from the training's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...models.card import N_QUANTILES

Floats = npt.NDArray[np.float64]


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
        self._quantiles = np.array(quantiles, np.float64).reshape(-1, N_QUANTILES)

    def similarity(self, values: npt.NDArray[np.floating]) -> Floats:
        """Return the similarity of each band's value: (bands, ...), as ``values``."""
        pairs = zip(values, self._quantiles, strict=True)
        return np.stack([_similarity(np.asarray(one, np.float64), quantiles) for one, quantiles in pairs])


def _similarity(values: Floats, quantiles: Floats) -> Floats:
    least, largest = quantiles[0], quantiles[-1]
    above = np.searchsorted(quantiles, values)  # the number of quantiles below each value
    right = np.clip(above, 1, N_QUANTILES - 1)
    width = quantiles[right] - quantiles[right - 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(width > 0, (values - quantiles[right - 1]) / width, 0)
    below = np.clip(right - 1 + share, 0, 100)  # f
    inside = np.where(below <= 50, 2 * below, 2 * (100 - below))
    spread = largest - least if largest > least else 1.0
    found = np.where(above == 0, 100 * (values - least) / spread, inside)
    return np.where(values > largest, 100 * (largest - values) / spread, found)
