"""A band of categories with the shares and the raggedness of the real one, laid out at random.

There is a field a category, whose phases are drawn at random from the category's yes-or-no map; at each pixel
the largest field wins. Weights on the fields keep each category's share. Alone, such a map would be far more
ragged than the real one: so its octaves are made weaker or stronger, in turns, until as many neighbours differ
as do in the real band.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values
from .adjustment import GOOD, MOST_ROUGHNESS, TINY
from .octaves import Octaves, covariances, filled
from .phase_randomisation import phase_randomised
from .variogram import changes, lags_of

Floats = npt.NDArray[np.float64]
Band = npt.NDArray[np.float32]

ROUNDS = 15
WEIGHED_ON = 50_000  # pixels that weights are settled on
WEIGHING_STEPS = 80


class Categories:
    """Draws of one band of categories.

    Parameters
    ----------
    values, valid
        (rows, columns) of the real one, and where it holds a category.
    octaves
        Of a mask that holds ``valid``.
    """

    def __init__(self, values: Band, valid: Valid, octaves: Octaves) -> None:
        self._valid = valid
        self._octaves = octaves
        self._names = np.unique(values[valid])
        self._lags = lags_of(valid.shape)
        self._roughness = changes(values, valid, self._lags)
        maps = self._maps(values)
        self._share = np.array([float(one[valid].mean()) for one in maps])
        self._wanted = self._strengths(maps)
        self._whole = np.stack([filled(one, valid) for one in maps]) if len(maps) else maps

    def drawn(self, seed: tuple[int, ...]) -> Band:
        """Return a draw, (rows, columns) of the real band's categories; what it holds in gaps means nothing."""
        if len(self._names) <= 1:
            only = self._names[0] if len(self._names) else 0
            return np.full(self._valid.shape, only, dtype=np.float32)
        latent = np.where(self._octaves.mask, phase_randomised(self._whole, seed), np.float32(0))
        best, least = self._shown(latent), np.inf
        for number in range(ROUNDS):
            shown = self._shown(latent)
            ratio = changes(shown, self._valid, self._lags) / self._roughness
            known = np.isfinite(ratio) & (ratio > 0)
            miss = float(np.abs(np.log(ratio[known])).max(initial=0)) / np.log(MOST_ROUGHNESS)
            if miss < least:
                best, least = shown, miss
            if least <= GOOD or number == ROUNDS - 1:
                break
            latent = self._corrected(latent, shown)
        return best

    def _shown(self, latent: Values) -> Band:
        """Return at each pixel the category of the field that is largest, its weight added."""
        weights = self._weights(latent).astype(np.float32)
        return np.asarray(self._names[np.argmax(latent + weights[:, None, None], axis=0)], np.float32)

    def _corrected(self, latent: Values, shown: Band) -> Values:
        """Return the fields with each octave as much stronger as it is too weak in what is shown."""
        found = self._strengths(self._maps(shown))
        factors = np.where(found > TINY, self._wanted / np.maximum(found, TINY), 1.0)
        made = np.zeros_like(latent)
        for factor, part in zip(factors, self._octaves.parts(latent), strict=True):
            made += np.float32(factor) * part
        return made

    def _maps(self, values: Band) -> Values:
        """Return a yes-or-no map a category, 0 where there is none: (categories, rows, columns)."""
        return np.asarray((values == self._names[:, None, None]) & self._valid, np.float32)

    def _strengths(self, maps: Values) -> Floats:
        """Return the variance of each octave over all categories: (octaves,)."""
        shares = np.array([one[self._valid].mean() for one in maps], np.float32)
        inside = np.where(self._valid, maps - shares[:, None, None], np.float32(0))
        return np.array([np.trace(covariances(part, self._valid)) for part in self._octaves.parts(inside)])

    def _weights(self, latent: Values) -> Floats:
        """Return what is added to each field, so that each category wins on its share of pixels."""
        inside = latent[:, self._valid]
        inside = inside[:, :: -(-inside.shape[1] // WEIGHED_ON)]
        weights = np.zeros(len(latent))
        step = 2 * float(inside.std(axis=1).mean())
        for number in range(WEIGHING_STEPS):
            won = np.argmax(inside + weights[:, None], axis=0)
            share = np.bincount(won, minlength=len(weights)) / inside.shape[1]
            weights += step * (self._share - share) / (1 + number / 20)
        return weights
