"""How well scores tell presences from absences: AUC and average precision, plain and over resampled blocks."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from .scored import Flags, Floats, Integers

CELLS = 4_000_000  # (draws, presences) cells of average precision held at a time


def auc(scores: Floats, present: Flags) -> float:
    """Return the area under the ROC curve: how often a presence scores higher than an absence, ties half.

    ``scores`` and ``present`` are (sites,); both classes must be there.
    """
    presences = int(present.sum())
    ranks = rankdata(scores)[present].sum()
    return float((ranks - presences * (presences + 1) / 2) / (presences * (present.size - presences)))


def resampled_skill(
    scores: Floats, present: Flags, absent: Flags, position: Integers, weights: Floats
) -> tuple[Floats, Floats]:
    """Return AUC and average precision for every weighting of the blocks, from one sort.

    A weighted AUC is the sum over pairs of blocks of (weight of the presences' block) x (weight of the
    absences' block) x (pairs of sites in which the presence scores higher): the pairs are counted once. Average
    precision is the mean, over weighted presences, of the precision at their score (as scikit-learn has it).

    Parameters
    ----------
    scores, present, absent, position
        (rows,) of one species in one fold; ``position`` is the block's column in ``weights``.
    weights
        (draws, blocks).

    Returns
    -------
    (draws,) each; NaN where a class has no weight.
    """
    draws = len(weights)
    if not present.any() or not absent.any():
        return np.full(draws, np.nan), np.full(draws, np.nan)
    levels, level = np.unique(scores[present], return_inverse=True)
    of_presences, presence_block = np.unique(position[present], return_inverse=True)
    of_absences, absence_block = np.unique(position[absent], return_inverse=True)
    hits = _counts(presence_block, level, len(of_presences), len(levels))
    lower = _cumulated(absence_block, np.searchsorted(levels, scores[absent], "right"), hits, len(of_absences))
    up_to = _cumulated(absence_block, np.searchsorted(levels, scores[absent], "left"), hits, len(of_absences))
    absences = np.bincount(absence_block).astype(np.float64)

    presence_weights, absence_weights = weights[:, of_presences], weights[:, of_absences]
    all_presences = presence_weights @ hits.sum(axis=1)
    all_absences = absence_weights @ absences
    pairs = hits @ ((lower + up_to) / 2).T  # (blocks of presences, blocks of absences)
    won = ((presence_weights @ pairs) * absence_weights).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = won / (all_presences * all_absences)

    precision = np.empty(draws)
    alarms = absences[:, None] - lower  # absences that score at least as high as each level
    step = max(1, CELLS // len(levels))
    for start in range(0, draws, step):
        rows = slice(start, start + step)
        found = presence_weights[rows] @ hits
        above = np.cumsum(found[:, ::-1], axis=1)[:, ::-1]
        called = above + absence_weights[rows] @ alarms
        with np.errstate(invalid="ignore", divide="ignore"):
            each = found * above / np.maximum(called, np.finfo(np.float64).tiny)
            precision[rows] = each.sum(axis=1) / all_presences[rows]
    precision[all_absences == 0] = np.nan
    return area, precision


def _counts(block: Integers, level: Integers, blocks: int, levels: int) -> Floats:
    """Count by block and level: (blocks, levels)."""
    counted = np.bincount(block * levels + level, minlength=blocks * levels)
    return counted.reshape(blocks, levels).astype(np.float64)


def _cumulated(block: Integers, first: Integers, hits: Floats, blocks: int) -> Floats:
    """Count by block, for each level, the rows whose ``first`` is not above it: (blocks, levels)."""
    levels = hits.shape[1]
    return np.cumsum(_counts(block, first, blocks, levels + 1)[:, :levels], axis=1)
