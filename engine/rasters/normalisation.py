"""From the values of a modality's bands to what the network takes: one code path for mapping and training.

A continuous band becomes one channel, (value - mean) / std by the card; a categorical band becomes one channel
a category, 1 where the pixel is of it and 0 elsewhere. NoData takes the card's fill, and of a categorical band
no category at all: 0 in each of its channels. A category that the card does not know is NoData.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...models.card import Band
from .raster import Valid, Values

Raw = npt.NDArray[Any]


class Normalisation:
    """What turns stacks of a modality's bands into channels of the network.

    Parameters
    ----------
    bands
        The card's, in its order.
    """

    def __init__(self, bands: Sequence[Band]) -> None:
        self.bands = tuple(bands)
        self._mean = np.array([band.mean for band in bands], np.float32)[:, None, None]
        self._factor = (1 / np.array([band.std for band in bands])).astype(np.float32)[:, None, None]
        fill = np.array([band.fill for band in bands], np.float32)[:, None, None]
        self._fill = (fill - self._mean) * self._factor
        self._categories = {i: np.array(b.categories) for i, b in enumerate(bands) if b.categories}
        counts = [len(band.categories) or 1 for band in bands]
        self._starts = [sum(counts[:i]) for i in range(len(counts))]
        self.channels = sum(counts)

    def known(self, values: Raw, valid: Valid) -> Valid:
        """Return where a band holds a value that the card knows; both (..., bands, rows, columns)."""
        if not self._categories:
            return valid
        known = valid.copy()
        for place, categories in self._categories.items():
            known[..., place, :, :] &= np.isin(values[..., place, :, :], categories)
        return known

    def channels_of(self, values: Raw, valid: Valid | None, out: Values | None = None) -> Values:
        """Return the network's channels, float32 (..., channels, rows, columns).

        Parameters
        ----------
        values
            (..., bands, rows, columns) in the files' units, of any real type.
        valid
            Where they hold values, in the same shape; None where all do.
        out
            Where the channels go, if not to a new array.
        """
        if out is None:
            out = np.empty((*values.shape[:-3], self.channels, *values.shape[-2:]), np.float32)
        if not self._categories:
            self._continuous(values, valid, out)
            return out
        for place, start in enumerate(self._starts):
            mask = None if valid is None else valid[..., place, :, :]
            if place in self._categories:
                for offset, category in enumerate(self._categories[place]):
                    channel = out[..., start + offset, :, :]
                    np.equal(values[..., place, :, :], category, out=channel, casting="unsafe")
                    if mask is not None:
                        channel *= mask
            else:
                one = slice(place, place + 1)
                self._continuous(
                    values[..., one, :, :],
                    None if valid is None else valid[..., one, :, :],
                    out[..., start : start + 1, :, :],
                    one,
                )
        return out

    def _continuous(self, values: Raw, valid: Valid | None, out: Values, bands: slice = slice(None)) -> None:
        if values.dtype == np.float32:
            np.subtract(values, self._mean[bands], out=out)
        else:
            np.copyto(out, values, casting="same_kind")  # a cast within the subtraction is slower than both
            np.subtract(out, self._mean[bands], out=out)
        np.multiply(out, self._factor[bands], out=out)
        if valid is not None:
            np.copyto(out, self._fill[bands], where=~valid)
