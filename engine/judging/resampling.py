"""Intervals: whole blocks are resampled, because neighbouring sites are no independent evidence."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .scored import Floats, Integers

DRAWS = 1000
COVERAGE = 95.0  # %
ENOUGH_DRAWS = 0.5  # share of the draws that must give a figure before an interval is named


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; None where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, values: Floats, bounded: bool = True, units: int | None = None) -> Estimate:
        """Take the first of ``values`` (1 + draws,) as the figure and the others for its interval.

        Parameters
        ----------
        bounded
            False leaves the interval out, where there are too few blocks to draw from.
        units
            How many blocks the figure rests on. The spread of so few draws is too narrow by a factor of
            √((units - 1) / units), and a normal quantile where Student's is due: with ``units`` the
            percentiles lie as much further out (the expanded percentile interval of Hesterberg 2015,
            doi 10.1080/00031305.2015.1089789). With five blocks that is the 0.1 % to 99.9 %
            span of the draws, with fifty the 2.2 % to 97.8 % span.
        """
        value = finite(values[0])
        drawn = values[1:][np.isfinite(values[1:])]
        if value is None or not bounded or not drawn.size or drawn.size < ENOUGH_DRAWS * (values.size - 1):
            return cls(value)
        tail = _tail(units)
        low, high = np.percentile(drawn, [tail, 100 - tail])
        return cls(value, min(float(low), value), max(float(high), value))


@dataclass(frozen=True)
class Resampling:
    """Blocks drawn with replacement from all blocks, the same draws for every species and figure.

    Attributes
    ----------
    weights
        (1 + draws, blocks) how often each block was drawn; the first row is 1 for all: the data as they are.
    position
        (rows,) column of ``weights`` that a row belongs to.
    fold
        (rows,) position of its fold.
    folds
        Number of folds.
    """

    weights: Floats
    position: Integers
    fold: Integers
    folds: int

    @classmethod
    def of(cls, block: Integers, fold: Integers, draws: int = DRAWS, seed: int = 0) -> Resampling:
        """Draw the blocks of ``block`` (rows,) ``draws`` times."""
        blocks, position = np.unique(block, return_inverse=True)
        folds, place = np.unique(fold, return_inverse=True)
        count = len(blocks)
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
        weights = np.vstack([np.ones(count), drawn.astype(np.float64)])
        return cls(weights, position.astype(np.int64), place.astype(np.int64), len(folds))

    @property
    def blocks(self) -> int:
        """Return the number of blocks."""
        return int(self.weights.shape[1])

    def fold_means(self, values: Floats, counted: Floats) -> Floats:
        """Return means by fold of ``values`` (rows,), weighed by ``counted`` (rows,): (1 + draws, folds).

        NaN where a fold has no such row in a draw.
        """
        blocks = self.weights.shape[1]
        key = self.position * self.folds + self.fold
        sums = np.bincount(key, values * counted, blocks * self.folds).reshape(blocks, self.folds)
        counts = np.bincount(key, counted, blocks * self.folds).reshape(blocks, self.folds)
        both = self.weights @ np.hstack([sums, counts])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(both[:, : self.folds] / both[:, self.folds :], np.float64)


def _tail(units: int | None) -> float:
    """Return the percentage of draws on either side of an interval of a figure that rests on ``units``."""
    tail = 50 - COVERAGE / 2
    if units is None:
        return tail
    if units < 2:
        return 0.0
    quantile = stats.t.ppf(1 - tail / 100, units - 1) * np.sqrt(units / (units - 1))
    return float(100 * stats.norm.sf(quantile))


def average(values: Floats) -> Floats:
    """Return the mean over the last axis (folds or species) of what is not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing to average: NaN
        return np.asarray(np.nanmean(values, axis=-1), np.float64)


def median(values: Floats) -> Floats:
    """Return the median over the last axis of what is not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=-1), np.float64)


def finite(value: float | np.floating) -> float | None:
    """Return ``value`` as a plain number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None
