"""Intervals: whole blocks are drawn anew, because neighbouring sites are no independent evidence."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

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
    def of(cls, values: Floats, bounded: bool = True) -> Estimate:
        """Take the first of ``values`` (1 + draws,) as the figure and the others for its interval.

        ``bounded`` False leaves the interval out, where there are too few blocks to draw from.
        """
        value = finite(values[0])
        drawn = values[1:][np.isfinite(values[1:])]
        if value is None or not bounded or not drawn.size or drawn.size < ENOUGH_DRAWS * (values.size - 1):
            return cls(value)
        low, high = np.percentile(drawn, [50 - COVERAGE / 2, 50 + COVERAGE / 2])
        return cls(value, float(low), float(high))


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


def average(values: Floats) -> Floats:
    """Return the mean over the last axis (folds or species) of what is not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing to average: NaN
        return np.asarray(np.nanmean(values, axis=-1), np.float64)


def centred(values: Floats) -> Floats:
    """Shift the draws of a correlation, (1 + draws,), so that their median is the figure itself; at most ±1.

    Drawing blocks twice roughens the curve that the Boyce index ranks, which lowers every draw alike.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    shift = values[0] - np.median(drawn) if drawn.size else 0.0
    return np.append(values[0], np.clip(values[1:] + shift, -1, 1))


def median(values: Floats) -> Floats:
    """Return the median over the last axis of what is not NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmedian(values, axis=-1), np.float64)


def finite(value: float | np.floating) -> float | None:
    """Return ``value`` as a plain number, None where it is not finite."""
    return float(value) if np.isfinite(value) else None
