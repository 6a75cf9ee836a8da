"""Bands as rough as real ones, which spread and go together as those do, laid out at random.

A placebo starts from the real bands with their gaps filled, whose Fourier phases are drawn at random. That
alone is as rough as the filled rectangle, not as the bands are where they hold values. So each octave of all
bands together is turned into one of the covariance that it has in the real bands, and the sum is nudged, both
by what lies inside the mask alone.
"""

from __future__ import annotations

import numpy as np

from ..rasters.raster import Valid, Values
from .adjustment import TINY, Wanted
from .octaves import Octaves, covariances, filled, matching
from .phase_randomisation import phase_randomised
from .randomised_categories import Categories

ROUNDS = 2  # of turning octaves: the octaves of a sum of octaves are not quite the same again


class RandomisedBands:
    """Draws of randomised bands of one modality.

    Parameters
    ----------
    values, valid
        (bands, rows, columns) of the real ones, and where they hold values.
    categorical
        By band, whether it holds categories.
    """

    def __init__(self, values: Values, valid: Valid, categorical: tuple[bool, ...]) -> None:
        self._shape = values.shape
        self._valid = valid
        octaves = Octaves(np.asarray(valid.any(axis=0)))
        self._numbers = np.flatnonzero(~np.array(categorical, np.bool_))
        numbers = self._numbers
        self._continuous = Continuous(values[numbers], valid[numbers], octaves) if len(numbers) else None
        self._categories = {
            band: Categories(values[band], valid[band], octaves)
            for band in np.flatnonzero(categorical).tolist()
        }

    def drawn(self, seed: tuple[int, ...]) -> Values:
        """Return a draw, float32 (bands, rows, columns), NaN where the real band holds no value."""
        made = np.full(self._shape, np.nan, np.float32)
        if self._continuous is not None:
            made[self._numbers] = self._continuous.drawn(seed)
        for band, of_categories in self._categories.items():
            made[band] = of_categories.drawn(seed)
        made[~self._valid] = np.nan
        return made


class Continuous:
    """Draws of bands of numbers, which share their phases.

    Parameters
    ----------
    values, valid
        (bands, rows, columns) of the real ones, and where they hold values.
    octaves
        Of a mask that holds all of ``valid``.
    """

    def __init__(self, values: Values, valid: Valid, octaves: Octaves) -> None:
        self._valid = valid
        self._octaves = octaves
        held = [band[here].astype(np.float64) for band, here in zip(values, valid, strict=True)]
        self._mean = _column([one.mean() if one.size else 0.0 for one in held])
        self._std = _column([max(float(one.std()), TINY) if one.size else 1.0 for one in held])
        self._whole = np.stack([filled(band, here) for band, here in zip(values, valid, strict=True)])
        self._whole -= self._mean
        self._whole /= self._std
        inside = np.where(octaves.mask, self._whole, np.float32(0))
        self._of_octaves = [covariances(part, valid) for part in octaves.parts(inside)]
        self._wanted = Wanted(inside, valid)

    def drawn(self, seed: tuple[int, ...]) -> Values:
        """Return a draw in the bands' units, (bands, rows, columns); what it holds in gaps means nothing."""
        made = np.where(self._octaves.mask, phase_randomised(self._whole, seed), np.float32(0))
        for _ in range(ROUNDS):
            made = self._turned(self._centred(made))
        made = self._centred(self._wanted.adjusted(self._centred(made)))
        return made * self._std + self._mean

    def _turned(self, fields: Values) -> Values:
        """Return fields whose octaves have the covariances of the real bands."""
        made = np.zeros_like(fields)
        for part, wanted in zip(self._octaves.parts(fields), self._of_octaves, strict=True):
            turn = matching(covariances(part, self._valid), wanted).astype(np.float32)
            made += np.tensordot(turn, part, axes=1)
        return made

    def _centred(self, fields: Values) -> Values:
        """Return fields of mean 0 where they hold values, 0 outside the mask."""
        mean = [
            float(field[here].mean(dtype=np.float64)) if here.any() else 0.0
            for field, here in zip(fields, self._valid, strict=True)
        ]
        return np.where(self._octaves.mask, fields - _column(mean), np.float32(0))


def _column(values: list[float]) -> Values:
    """Return a number a band: (bands, 1, 1)."""
    return np.array(values, np.float32)[:, None, None]
