"""How bands go together at every distance, inside their mask, and what a window's middle says of the window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft

from ..rasters.raster import Valid, Values

Floats = npt.NDArray[np.float64]

MOST_GIVEN = 600  # values in the middle of a window that the rest is predicted from
MOST_WEIGHTS = 16_000_000
SMALLEST_EIGENVALUE = 1e-4  # of the largest, so that noise in covariances is not amplified
TINY = 1e-12


@dataclass(frozen=True)
class BandCovariances:
    """Means, deviations and covariances of bands.

    Attributes
    ----------
    mean, std
        (bands,) in files' units.
    values
        (bands, bands, 2 · reach + 1, 2 · reach + 1): the mean product of the first band, in standard deviations
        from its mean, with the second one so many rows and columns further; without an offset in the middle.
    """

    mean: Floats
    std: Floats
    values: Floats

    @classmethod
    def of(cls, values: Values, valid: Valid, reach: int) -> BandCovariances:
        """Measure bands (bands, rows, columns) over all pairs of pixels that hold values, up to ``reach``
        apart.

        By the Fourier transform, without wrapping round: the products summed over the pairs of each offset, and
        the pairs counted in the same way (Marcotte 1996, Computers & Geosciences 22, 1175).
        """
        held = [band[here].astype(np.float64) for band, here in zip(values, valid, strict=True)]
        mean = np.array([one.mean() if one.size else 0.0 for one in held])
        std = np.array([max(float(one.std()), TINY) if one.size else 1.0 for one in held])
        shape = tuple(fft.next_fast_len(side + reach, real=True) for side in values.shape[1:])
        fields, masks = [], []
        for number, here in enumerate(valid):
            centred = np.where(here, (values[number] - mean[number]) / std[number], 0.0)
            fields.append(fft.rfft2(centred, shape))
            masks.append(fft.rfft2(here.astype(np.float64), shape))
        bands, side = len(values), 2 * reach + 1
        found = np.zeros((bands, bands, side, side))
        for one in range(bands):
            for other in range(one, bands):
                sums, pairs = (
                    _around(fft.irfft2(np.conj(of[one]) * of[other], shape), reach) for of in (fields, masks)
                )
                found[one, other] = np.where(pairs > 0.5, sums / np.maximum(pairs, 0.5), 0.0)
                found[other, one] = found[one, other, ::-1, ::-1]
        return cls(mean, std, found)

    @property
    def reach(self) -> int:
        """The largest offset."""
        return int(self.values.shape[-1]) // 2

    def save(self, file: Path) -> None:
        """Write it to a file."""
        with file.open("wb") as stream:
            np.savez(stream, mean=self.mean, std=self.std, values=self.values)

    @classmethod
    def load(cls, file: Path) -> BandCovariances:
        """Read it from a file."""
        with np.load(file) as found:
            return cls(found["mean"], found["std"], found["values"])


@dataclass(frozen=True)
class Prediction:
    """What some pixels in the middle of a window say of all of it, as simple kriging has it.

    Attributes
    ----------
    rows, columns
        (given,) the pixels of the window that are given, in all bands.
    weights
        (bands · given, bands · side²) of float32: the best linear prediction of every pixel and band of the
        window, in standard deviations, from the bands of the given pixels.
    """

    rows: npt.NDArray[np.intp]
    columns: npt.NDArray[np.intp]
    weights: npt.NDArray[np.float32]

    @classmethod
    def of(cls, covariances: BandCovariances, middle: int, side: int) -> Prediction:
        """Predict windows of ``side`` pixels from their middle ``middle`` ones, both odd.

        Where that middle holds more values than can be handled, pixels at equal distances in it are given, its
        corners among them.
        """
        bands = len(covariances.mean)
        budget = min(MOST_GIVEN, MOST_WEIGHTS // max(1, bands * side**2)) // max(1, bands)
        along = np.unique(
            np.linspace(0, middle - 1, max(1, min(middle, int(budget**0.5)))).round().astype(np.intp)
        )
        if len(along) == 1:
            along = np.array([middle // 2], np.intp)
        rows, columns = (one.ravel() + (side - middle) // 2 for one in np.meshgrid(along, along, indexing="ij"))
        everywhere = np.indices((side, side)).reshape(2, -1)
        given = np.stack([rows, columns])
        own = _between(covariances, given, given)
        values, vectors = np.linalg.eigh((own + own.T) / 2)
        kept = values > SMALLEST_EIGENVALUE * values.max(initial=0)
        inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
        weights = inverse @ _between(covariances, given, everywhere)
        return cls(rows, columns, weights.astype(np.float32))


def _between(covariances: BandCovariances, some: npt.NDArray[np.intp], others: npt.NDArray[np.intp]) -> Floats:
    """Return covariances of all bands at some pixels with all at others: (bands · some, bands · others)."""
    offset = others[:, None, :] - some[:, :, None] + covariances.reach
    found = covariances.values[:, :, offset[0], offset[1]]  # (bands, bands, some, others)
    bands, many = len(found), found.shape[2]
    return found.transpose(0, 2, 1, 3).reshape(bands * many, -1)


def _around(values: Floats, reach: int) -> Floats:
    """Return the offsets up to ``reach`` of a transform that begins with none: no offset in the middle."""
    return np.asarray(np.roll(values, (reach, reach), axis=(0, 1))[: 2 * reach + 1, : 2 * reach + 1])
