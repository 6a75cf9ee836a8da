"""Moments of contributions over any number of pixels, without keeping any: what a profile is made of.

Parts are merged by the formulas of Chan, Golub and LeVeque 1983, https://doi.org/10.1080/00031305.1983.10483115,
so that nothing is lost where the mean is far from 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...models.architecture import BranchKey

Moments = npt.NDArray[np.float64]


class ContributionMoments:
    """Moments of the contributions of some branches to some species' logits.

    Parameters
    ----------
    keys
        The branches.
    species
        How many species.
    """

    def __init__(self, keys: Sequence[BranchKey], species: int) -> None:
        self.keys = tuple(keys)
        self.modalities = tuple(dict.fromkeys(key[0] for key in keys))
        self.pixels = 0
        self._absolute = np.zeros((len(keys), species))
        self._absolute_sum = np.zeros((len(self.modalities), species))
        self._mean = np.zeros((len(keys), species))
        self._mean_logit = np.zeros(species)
        self._covariance = np.zeros((len(keys), species))
        self._variance = np.zeros(species)

    def add(self, values: npt.NDArray[np.floating]) -> None:
        """Take note of contributions (branches, species, pixels)."""
        values = values.astype(np.float64)
        number = values.shape[-1]
        if number == 0:
            return
        logit = values.sum(axis=0)
        mean, mean_logit = values.mean(axis=-1), logit.mean(axis=-1)
        away = logit - mean_logit[:, None]
        shift, shift_logit = mean - self._mean, mean_logit - self._mean_logit
        weight = self.pixels * number / (self.pixels + number)
        self._covariance += ((values - mean[..., None]) * away).sum(axis=-1) + weight * shift * shift_logit
        self._variance += (away**2).sum(axis=-1) + weight * shift_logit**2
        self.pixels += number
        self._mean += shift * number / self.pixels
        self._mean_logit += shift_logit * number / self.pixels
        self._absolute += np.abs(values).sum(axis=-1)
        for place, modality in enumerate(self.modalities):
            mine = values[[key[0] == modality for key in self.keys]].sum(axis=0)
            self._absolute_sum[place] += np.abs(mine).sum(axis=-1)

    def mean_absolute(self, species: int) -> dict[BranchKey, float]:
        """Return the mean absolute contribution of each branch to a species."""
        return {
            key: float(row[species]) for key, row in zip(self.keys, self._absolute / self.pixels, strict=True)
        }

    def mean_absolute_sum(self, species: int) -> dict[str, float]:
        """Return the mean absolute value of each modality's summed contribution to a species."""
        rows = self._absolute_sum / self.pixels
        return {name: float(row[species]) for name, row in zip(self.modalities, rows, strict=True)}

    def variance_shares(self, species: int) -> dict[BranchKey, float | None]:
        """Return each branch's covariance with the logit over its variance; None where the logit does not vary.

        They add up to 1, since the logit is the sum of the contributions and a constant.
        """
        variance = float(self._variance[species])
        if variance <= 0:
            return dict.fromkeys(self.keys)
        return {
            key: float(row[species] / variance) for key, row in zip(self.keys, self._covariance, strict=True)
        }
