"""The continuous Boyce index: do presences crowd where the prediction is high?"""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .scored import Flags, Floats, Integers

WINDOWS = 100
WIDTH = 0.1  # of the range of predictions


def boyce(
    scores: Floats, present: Flags, expected: Flags, position: Integers, weights: Floats
) -> Floats:
    """Return the continuous Boyce index for every weighting of the presences' blocks: (draws,).

    A window of a tenth of the range of predictions moves over that range in 100 steps. In each, P is the share
    of presences and E that of the area; the index is Spearman's rank correlation of P / E with the window's
    place (Hirzel et al. 2006). Windows without any area are left out. E is not resampled.

    Parameters
    ----------
    scores, present, position
        (rows,) of one species in one fold, as probabilities.
    expected
        (rows,) what stands for the area: background points, or all surveyed sites.
    weights
        (draws, blocks).

    Returns
    -------
    (draws,), from -1 to 1; NaN without presences or area, or where P / E is the same everywhere.
    """
    nothing = np.full(len(weights), np.nan)
    if not present.any() or not expected.any():
        return nothing
    everything = scores[present | expected]
    low, high = everything.min(), everything.max()
    if low == high:
        return nothing
    start = np.linspace(low, high - WIDTH * (high - low), WINDOWS)
    end = start + WIDTH * (high - low)
    end[-1] = high  # against rounding
    area = _inside(np.sort(scores[expected]), start, end)
    filled = area > 0
    blocks, block = np.unique(position[present], return_inverse=True)
    mine = scores[present]
    by_block = np.stack([_inside(np.sort(mine[block == b]), start, end)[filled] for b in range(len(blocks))])
    share = (weights[:, blocks] @ by_block) / area[filled]
    place = rankdata(np.arange(share.shape[1]))
    return _correlation(rankdata(np.round(share, 9), axis=1), place)


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
