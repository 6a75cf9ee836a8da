"""Windows that are real in the middle and random around it: what a larger scale sees, given a smaller one.

The middle of a window says something of its surroundings, since near pixels are alike. What it says must stay,
or the placebo would be a window into another landscape. So a window of the placebo raster is moved by what the
difference of the two middles predicts (conditional simulation by kriging: Journel and Huijbregts 1978, chapter
7): in the middle it is then the real one, and around it as random as the real one is for who knows the middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ...models.card import Card
from ..patches.raster_source import RasterSource
from ..patches.source import PatchSource, Places
from ..rasters.raster import Valid, Values
from ..training.supplies import OwnSupply, RasterSupply, Spots
from ..words.values import input_of
from .covariance import BandCovariances, Prediction


class GivenModality(OwnSupply):
    """A modality of a placebo's windows, each given the middle of the real one.

    Attributes
    ----------
    placebo
        The placebo's raster, its bands in the order of the real ones.
    covariances
        A file of those of the real bands that hold numbers.
    middle
        How many pixels in the middle are real.
    """

    placebo: str
    covariances: str
    middle: int

    def supply(self, name: str) -> RasterSupply:
        """Return what reads them."""
        return _GivenSupply(name, self)


class _GivenSupply(RasterSupply):
    """Real rasters with their placebo; the grid is that of the real ones."""

    def __init__(self, name: str, config: GivenModality) -> None:
        super().__init__(name, config)
        self._config = config

    @contextmanager
    def source(self, spots: Spots, side: int, card: Card | None = None) -> Iterator[PatchSource]:
        """Open the windows of some places; bands come in the order of the files, as no ``card`` names them."""
        inputs = (*self._inputs, input_of(f"{self.name}={self._config.placebo}"))
        with RasterSource(
            inputs, side, spots.x, spots.y, spots.crs, self._nodata, self._categorical, self._file_crs
        ) as source:
            yield GivenSource(source, BandCovariances.load(Path(self._config.covariances)), self._config.middle)

    def pixel_size(self, source: PatchSource) -> tuple[float, str]:
        """Return the size of a pixel in the middle of the sites."""
        if not isinstance(source, GivenSource):
            raise TypeError("not windows given their middle")
        return source.pixel_size()


class GivenSource:
    """The windows of ``source``: the first half of its bands is real, the second half their placebo.

    Parameters
    ----------
    source
        Both, on one grid, with values at the same pixels.
    covariances
        Of the bands that hold numbers.
    middle
        How many pixels in the middle are real; all of a window that is no wider.
    """

    dtype = np.dtype(np.float32)
    notes: tuple[str, ...] = ()  # the real rasters' own are said where these are read alone

    def __init__(self, source: RasterSource, covariances: BandCovariances, middle: int) -> None:
        self._source = source
        bands = len(source.bands) // 2
        self.bands, self.units = source.bands[bands:], source.units[:bands]
        self.categorical = source.categorical[:bands]
        self.side, self.count = source.side, source.count
        self.places: Places = source.places
        self._numbers = np.flatnonzero(~np.array(self.categorical, np.bool_))
        self._middle = min(middle, source.side)
        self._covariances = covariances
        self._prediction = (
            Prediction.of(covariances, self._middle, source.side)
            if len(self._numbers) and source.side > self._middle
            else None
        )
        self.digest = hashlib.sha256(
            f"given {middle} {source.digest}".encode() + covariances.values.tobytes()
        ).hexdigest()

    def chunks(self, between: Callable[[], None]) -> Iterator[tuple[Values, Valid]]:
        """Yield the windows in the order of the source."""
        bands = len(self.bands)
        for values, valid in self._source.chunks(between):
            yield self._given(values[:, :bands], values[:, bands:], valid[:, bands:]), valid[:, bands:]

    def demand_unchanged(self) -> None:
        """Raise InputError where what is read has changed since it was opened."""
        self._source.demand_unchanged()

    def pixel_size(self) -> tuple[float, str]:
        """Return the size of a pixel and its unit."""
        return self._source.pixel_size()

    def _given(self, real: Values, placebo: Values, valid: Valid) -> Values:
        """Return windows (places, bands, side, side) of a placebo with the real middle."""
        made = placebo.copy()
        if self._prediction is not None:
            given = self._prediction
            numbers = self._numbers
            std = self._covariances.std.astype(np.float32)[:, None]
            at = (slice(None), numbers[:, None], given.rows, given.columns)
            difference = np.where(valid[at], (real[at] - placebo[at]) / std, np.float32(0))
            moved = difference.reshape(len(made), -1) @ given.weights
            made[:, numbers] += moved.reshape(len(made), len(numbers), self.side, self.side) * std[:, :, None]
        edge = (self.side - self._middle) // 2
        inside = (slice(None), slice(None), slice(edge, self.side - edge), slice(edge, self.side - edge))
        made[inside] = real[inside]
        made[~valid] = 0
        return made
