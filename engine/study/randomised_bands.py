"""Bands with the values, the roughness and the correlations of real ones, laid out at random.

A placebo starts from the real bands with their gaps filled, whose Fourier phases are drawn at random. That
alone is as rough as the filled rectangle, not as the bands are where they hold values. So two things follow in
turns, both looking at pixels inside the mask alone: each band takes the values of the real one by rank, and
each octave of all bands together is turned into one of the covariance that it has in the real bands. (Schreiber
and Schmitz 1996, Physical Review Letters 77, 635, do so with single waves in the place of octaves.)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values
from .octaves import Matrix, Octaves, covariances, filled, matching, power
from .phase_randomisation import phase_randomised
from .randomised_categories import GOOD, MOST_ROUGHNESS, ROUNDS, TINY, Categories
from .variogram import lags_of, variogram

Floats = npt.NDArray[np.float64]

MOST_CORRELATION = 0.1  # that a correlation of two bands may differ by
PUSH = 1.5  # power of a correction: as ranks undo part of it, it is exaggerated


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
        self._octaves = Octaves(np.asarray(valid.any(axis=0)))
        plain = np.flatnonzero(~np.array(categorical, np.bool_))
        self._continuous = (
            (plain, Continuous(values[plain], valid[plain], self._octaves)) if len(plain) else None
        )
        self._categories = [
            (band, Categories(values[band], valid[band], self._octaves))
            for band in np.flatnonzero(categorical).tolist()
        ]

    def drawn(self, seed: tuple[int, ...]) -> Values:
        """Return a draw, float32 (bands, rows, columns), NaN where the real band holds no value."""
        made = np.full(self._shape, np.nan, np.float32)
        if self._continuous is not None:
            bands, randomised = self._continuous
            made[bands] = randomised.drawn(seed)
        for band, of_categories in self._categories:
            made[band] = of_categories.drawn(seed)
        made[~self._valid] = np.nan
        return made


class Continuous:
    """Bands of numbers; they share one draw of phases."""

    def __init__(self, values: Values, valid: Valid, octaves: Octaves) -> None:
        self._valid = valid
        self._octaves = octaves
        self._sorted = [np.sort(band[held]) for band, held in zip(values, valid, strict=True)]
        self._mean, self._std = (
            np.array([one.mean(dtype=np.float64) if one.size else 0.0 for one in self._sorted]),
            np.array(
                [max(float(one.std(dtype=np.float64)), TINY) if one.size else 1.0 for one in self._sorted]
            ),
        )
        self._whole = np.stack([filled(band, held) for band, held in zip(values, valid, strict=True)])
        self._whole -= self._mean[:, None, None].astype(np.float32)
        self._whole /= self._std[:, None, None].astype(np.float32)
        inside = np.where(octaves.mask, self._whole, np.float32(0))
        self._wanted = [covariances(part, valid) for part in octaves.parts(inside)]
        self._correlation = correlations(inside, valid)
        self._lags = lags_of(octaves.mask.shape)
        self._roughness = self._variograms(inside)

    def drawn(self, seed: tuple[int, ...]) -> Values:
        """Return a draw in the bands' units, (bands, rows, columns)."""
        latent = np.where(self._octaves.mask, phase_randomised(self._whole, seed), np.float32(0))
        latent = self._corrected(latent, latent, np.ones(len(latent)), 1.0)
        aim = np.ones(len(latent))  # factor of a band's variance, but for the coarsest part
        best, least = latent, np.inf
        for number in range(ROUNDS):
            shown = self._by_rank(latent)
            ratio = np.log(self._variograms(shown) / self._roughness)
            ratio = np.where(np.isfinite(ratio), ratio, 0.0)
            miss = max(
                float(np.abs(ratio).max(initial=0)) / np.log(MOST_ROUGHNESS),
                float(np.abs(correlations(shown, self._valid) - self._correlation).max()) / MOST_CORRELATION,
            )
            if miss < least:
                best, least = shown, miss
            if least <= GOOD or number == ROUNDS - 1:
                break
            aim /= np.exp(ratio.mean(axis=1) / 2)
            latent = self._corrected(latent, shown, aim, PUSH)
        return self._in_units(best)

    def _corrected(self, latent: Values, shown: Values, aim: Floats, push: float) -> Values:
        """Return latent fields whose octaves are turned by what those of ``shown`` lack."""
        made = np.zeros_like(latent)
        scale = np.sqrt(np.outer(aim, aim))
        last = len(self._wanted) - 1
        for number, (own, seen) in enumerate(
            zip(self._octaves.parts(latent), self._parts(latent, shown), strict=True)
        ):
            wanted = self._wanted[number] * (scale if number < last else 1.0)
            part = own if seen is None else seen
            turn = power(matching(covariances(part, self._valid), wanted), push).astype(np.float32)
            made += np.tensordot(turn, own, axes=1)
        return made

    def _parts(self, latent: Values, shown: Values) -> Iterator[Values | None]:
        """Yield the octaves of ``shown``, or None for each where that is ``latent`` itself."""
        if shown is latent:
            yield from [None] * len(self._wanted)
        else:
            yield from self._octaves.parts(shown)

    def _by_rank(self, latent: Values) -> Values:
        """Return fields of the real bands' values, in standard deviations, in the order of the latent ones."""
        made = np.zeros_like(latent)
        for number, (field, held) in enumerate(zip(latent, self._valid, strict=True)):
            order = np.argsort(field[held], kind="stable")
            taken = np.empty(len(order), np.float32)
            taken[order] = (self._sorted[number] - self._mean[number]) / self._std[number]
            made[number] = field * np.float32(self._octaves.mask)
            made[number][held] = taken
        return made

    def _in_units(self, shown: Values) -> Values:
        made = shown * self._std[:, None, None].astype(np.float32)
        made += self._mean[:, None, None].astype(np.float32)
        return made

    def _variograms(self, fields: Values) -> Floats:
        both = zip(fields, self._valid, strict=True)
        return np.array([variogram(field, held, self._lags) for field, held in both])


def correlations(fields: Values, valid: Valid) -> Matrix:
    """Return correlations of fields (fields, rows, columns) of mean 0, of each pair where both hold values."""
    products = covariances(fields, valid)
    deviations = np.sqrt(np.maximum(np.diag(products), TINY))
    return np.asarray(products / np.outer(deviations, deviations), np.float64)
