"""The continuous Boyce index: do presences crowd where the prediction is high?"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .scored import Flags, Floats, Integers

WINDOWS = 100
WIDTH = 0.1  # of the range of predictions


def pooled_boyce(ranks: Floats, present: Flags, expected: Flags, position: Integers, weights: Floats) -> Floats:
    """Return the continuous Boyce index for every weighting of the blocks: (draws,).

    A window of a tenth of the range moves over it in 100 steps. In each, P is the share of presences and E that
    of the area; the index is Spearman's rank correlation of P / E with the window's place (Hirzel et al. 2006,
    doi 10.1016/j.ecolmodel.2006.05.017). Windows of equal P / E all count, as in ecospat's
    ``ecospat.boyce(rm.duplicate = FALSE)``. Windows without any area are left out.

    Parameters
    ----------
    ranks
        (rows,) of one species from 0 to 1, as ``area_ranks`` gives them fold by fold: networks of different
        folds share no scale of suitability, but a rank within the fold's area means the same in each.
    present, position
        (rows,).
    expected
        (rows,) what stands for the area: background points, or all surveyed sites.
    weights
        (draws, blocks); the first row is the data as they are.

    Returns
    -------
    (draws,), from -1 to 1; NaN without presences or area, or where P / E is the same everywhere.
    """
    nothing = np.full(len(weights), np.nan)
    if not present.any() or not expected.any() or np.ptp(ranks[present | expected]) == 0:
        return nothing
    start = np.linspace(0, 1 - WIDTH, WINDOWS)
    end = start + WIDTH
    end[-1] = 1  # against rounding
    presences, area = (
        _in_windows(ranks[rows], position[rows], weights, start, end) for rows in (present, expected)
    )
    filled = area[0] > 0
    ratio = presences[:, filled] / np.maximum(area[:, filled], 1)  # a draw may leave a window without area
    place = rankdata(np.arange(ratio.shape[1]))
    return _correlation(rankdata(np.round(ratio, 9), axis=1), place)


def area_ranks(scores: Floats, expected: Flags) -> Floats:
    """Return for each score the share of the area that scores lower, ties half: (rows,), from 0 to 1.

    ``scores`` and ``expected`` are (rows,) of one fold; the area must not be empty.
    """
    area = np.sort(scores[expected])
    below, up_to = (np.searchsorted(area, scores, side) for side in ("left", "right"))
    return np.asarray((below + up_to) / (2 * len(area)), np.float64)


def _in_windows(ranks: Floats, position: Integers, weights: Floats, start: Floats, end: Floats) -> Floats:
    """Count rows in each window for every weighting of their blocks: (draws, windows)."""
    blocks, block = np.unique(position, return_inverse=True)
    counted = np.stack([_inside(np.sort(ranks[block == b]), start, end) for b in range(len(blocks))])
    found: Floats = weights[:, blocks] @ counted
    return found


def _inside(ordered: Floats, start: Floats, end: Floats) -> Floats:
    """Count the values in each closed window."""
    inside = np.searchsorted(ordered, end, "right") - np.searchsorted(ordered, start, "left")
    return inside.astype(np.float64)


def _correlation(rows: Floats, place: Floats) -> Floats:
    """Return Pearson's correlation of each row with ``place``; NaN for a row without spread."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    straight = place - place.mean()
    spread = np.sqrt((centred**2).sum(axis=1) * (straight**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(spread > 0, centred @ straight / spread, np.nan), np.float64)
