"""The last step of a placebo: roughness, spread and correlations inside the mask become those of the real
bands.

Octaves are coarse; what they leave is made up for by descending the gradient of a misfit. A step takes from a
field, or adds to it, multiples of its differences with its own neighbours at each lag: it is a filter, the same
everywhere, so it changes how rough the field is and not where things lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values
from .octaves import Matrix, covariances
from .variogram import Floats, lags_of, neighbours, variogram

Band = npt.NDArray[np.float32]
Held = npt.NDArray[np.bool_]

MOST_ROUGHNESS = 1.25  # that a placebo's variogram may differ by, as a factor
MOST_OFF = 0.1  # that a deviation may differ by, as a share, or a correlation
GOOD = 0.5  # share of those at which a placebo is good enough
STEPS = 300
MOST_VALUES = 400_000_000  # of bands and pixels that are looked at in all steps: large rasters get few
FIRST_STEP, LARGEST_STEP, SMALLEST_STEP = 0.1, 0.5, 1e-4  # in standard deviations
GROWTH, SHRINKING = 1.5, 3.0
TINY = 1e-12


@dataclass(frozen=True)
class Misfit:
    """How far fields are from what is wanted.

    Attributes
    ----------
    worst
        The largest of all differences, as a share of what it may be.
    loss, gradient
        The sum of their squares, and how it changes with each value, like the fields.
    """

    worst: float
    loss: float
    gradient: Values


class Wanted:
    """What placebo fields are to have: variograms and covariances of the real ones.

    Parameters
    ----------
    fields, valid
        (fields, rows, columns) in standard deviations from the mean, and where they hold values.
    """

    def __init__(self, fields: Values, valid: Valid) -> None:
        self._valid = valid
        self._lags = lags_of(valid.shape[1:])
        self._roughness = np.array(
            [variogram(field, held, self._lags) for field, held in zip(fields, valid, strict=True)]
        ).reshape(len(fields), len(self._lags))
        self._covariances = covariances(fields, valid)

    def adjusted(self, fields: Values) -> Values:
        """Return fields (fields, rows, columns), 0 outside the mask, nudged until they are good enough."""
        now = self.misfit(fields)
        step = FIRST_STEP
        for _ in range(min(STEPS, MOST_VALUES // max(1, fields.size))):
            inside = now.gradient[self._valid]
            length = float(np.sqrt(np.square(inside, dtype=np.float64).sum() / max(1, inside.size)))
            if now.worst <= GOOD or step < SMALLEST_STEP or length <= TINY:
                break
            tried = fields - np.float32(step / length) * now.gradient
            then = self.misfit(tried)
            if then.loss < now.loss:
                fields, now, step = tried, then, min(step * GROWTH, LARGEST_STEP)
            else:
                step /= SHRINKING
        return fields

    def misfit(self, fields: Values) -> Misfit:
        """Measure fields."""
        gradient = np.zeros_like(fields)
        worst = loss = 0.0
        for number, (field, held) in enumerate(zip(fields, self._valid, strict=True)):
            off, lost = self._of_variogram(field, held, self._roughness[number], gradient[number])
            worst, loss = max(worst, off), loss + lost
        off, lost = self._of_covariances(fields, gradient)
        return Misfit(max(worst, off), loss + lost, gradient)

    def _of_variogram(self, field: Band, held: Held, wanted: Floats, gradient: Band) -> tuple[float, float]:
        """Return the worst difference and the loss of one field's variogram; add to its gradient."""
        worst = loss = 0.0
        for lag, goal in zip(self._lags, wanted.tolist(), strict=True):
            if not goal > TINY:  # nor of no pair
                continue
            total, number, differences = 0.0, 0, []
            for one, other in neighbours(field.shape, lag):
                both = held[one] & held[other]
                difference = np.where(both, field[one] - field[other], np.float32(0))
                differences.append((one, other, difference))
                total += float(np.square(difference, dtype=np.float64).sum())
                number += int(both.sum())
            ratio = float(np.log(max(total / number / 2, TINY) / goal) / np.log(MOST_ROUGHNESS))
            worst, loss = max(worst, abs(ratio)), loss + ratio**2 / len(self._lags)
            slope = 4 * ratio / (len(self._lags) * float(np.log(MOST_ROUGHNESS)) * max(total, TINY))
            for one, other, difference in differences:
                difference *= np.float32(slope)
                gradient[one] += difference
                gradient[other] -= difference
        return worst, loss

    def _of_covariances(self, fields: Values, gradient: Values) -> tuple[float, float]:
        """Return the worst difference and the loss of spreads and correlations; add to the gradient."""
        found = covariances(fields, self._valid)
        off = (found - self._covariances) / MOST_OFF
        np.fill_diagonal(off, np.diag(off) / 2)  # a variance differs by twice as much as a deviation
        counts = _pairs(self._valid)
        slope = 4 * off / MOST_OFF / counts
        np.fill_diagonal(slope, np.diag(slope) / 2)
        for number, held in enumerate(self._valid):
            added = np.tensordot(slope[number].astype(np.float32), fields * self._valid, axes=1)
            gradient[number] += np.where(held, added, np.float32(0))
        return float(np.abs(off).max(initial=0)), float(np.square(off).sum())


def _pairs(valid: Valid) -> Matrix:
    """Return how many pixels hold values in both of two fields: (fields, fields), at least 1."""
    held = valid.reshape(len(valid), -1).astype(np.float32)
    return np.asarray(np.maximum(held @ held.T, 1), np.float64)
