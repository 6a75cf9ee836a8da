"""How well scores tell presences from absences: AUC and average precision, plain and over resampled blocks."""

from __future__ import annotations

from dataclasses import dataclass

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


def resampled_auc(scores: Floats, present: Flags, absent: Flags, position: Integers, weights: Floats) -> Floats:
    """Return the AUC for every weighting of the blocks, (draws,), from one sort; NaN without both classes.

    A weighted AUC is the sum over pairs of blocks of (weight of the presences' block) x (weight of the
    absences' block) x (pairs of sites in which the presence scores higher): the pairs are counted once.

    Parameters
    ----------
    scores, present, absent, position
        (rows,) of one species in one fold; ``position`` is the block's column in ``weights``.
    weights
        (draws, blocks).
    """
    if not present.any() or not absent.any():
        return np.full(len(weights), np.nan)
    return _Tally.of(scores, present, absent, position, weights).auc()


def resampled_skill(
    scores: Floats, present: Flags, absent: Flags, position: Integers, weights: Floats
) -> tuple[Floats, Floats]:
    """Return AUC and average precision for every weighting of the blocks, each (draws,), from one sort.

    Average precision is the mean, over weighted presences, of the precision at their score (as scikit-learn
    has it). Parameters, and NaN, are as for ``resampled_auc``.
    """
    if not present.any() or not absent.any():
        nothing = np.full(len(weights), np.nan)
        return nothing, nothing.copy()
    tally = _Tally.of(scores, present, absent, position, weights)
    return tally.auc(), tally.average_precision()


@dataclass(frozen=True)
class _Tally:
    """What is counted once for all draws.

    Attributes
    ----------
    hits
        (blocks of presences, levels) presences by the rank of their score.
    lower, up_to
        (blocks of absences, levels) absences that score below a level, and up to it.
    absences
        (blocks of absences,).
    presence_weights, absence_weights
        (draws, blocks) of those blocks.
    """

    hits: Floats
    lower: Floats
    up_to: Floats
    absences: Floats
    presence_weights: Floats
    absence_weights: Floats

    @classmethod
    def of(cls, scores: Floats, present: Flags, absent: Flags, position: Integers, weights: Floats) -> _Tally:
        """Count presences and absences by block and level; both classes must be there."""
        levels, level = np.unique(scores[present], return_inverse=True)
        of_presences, presence_block = np.unique(position[present], return_inverse=True)
        of_absences, absence_block = np.unique(position[absent], return_inverse=True)
        hits = _counts(presence_block, level, len(of_presences), len(levels))
        below, upto = (np.searchsorted(levels, scores[absent], side) for side in ("right", "left"))
        return cls(
            hits=hits,
            lower=_cumulated(absence_block, below, hits, len(of_absences)),
            up_to=_cumulated(absence_block, upto, hits, len(of_absences)),
            absences=np.bincount(absence_block).astype(np.float64),
            presence_weights=weights[:, of_presences],
            absence_weights=weights[:, of_absences],
        )

    def auc(self) -> Floats:
        """Return the AUC by draw: (draws,)."""
        pairs = self.hits @ ((self.lower + self.up_to) / 2).T  # (blocks of presences, blocks of absences)
        won = ((self.presence_weights @ pairs) * self.absence_weights).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(won / (self._presences() * self._absences()), np.float64)

    def average_precision(self) -> Floats:
        """Return the average precision by draw: (draws,)."""
        draws, levels = len(self.presence_weights), self.hits.shape[1]
        precision = np.empty(draws)
        alarms = self.absences[:, None] - self.lower  # absences that score at least as high as each level
        step = max(1, CELLS // levels)
        presences, absences = self._presences(), self._absences()
        for start in range(0, draws, step):
            rows = slice(start, start + step)
            found = self.presence_weights[rows] @ self.hits
            above = np.cumsum(found[:, ::-1], axis=1)[:, ::-1]
            called = above + self.absence_weights[rows] @ alarms
            with np.errstate(invalid="ignore", divide="ignore"):
                each = found * above / np.maximum(called, np.finfo(np.float64).tiny)
                precision[rows] = each.sum(axis=1) / presences[rows]
        precision[absences == 0] = np.nan
        return precision

    def _presences(self) -> Floats:
        presences: Floats = self.presence_weights @ self.hits.sum(axis=1)
        return presences

    def _absences(self) -> Floats:
        return np.asarray(self.absence_weights @ self.absences, np.float64)


def _counts(block: Integers, level: Integers, blocks: int, levels: int) -> Floats:
    """Count by block and level: (blocks, levels)."""
    counted = np.bincount(block * levels + level, minlength=blocks * levels)
    return counted.reshape(blocks, levels).astype(np.float64)


def _cumulated(block: Integers, first: Integers, hits: Floats, blocks: int) -> Floats:
    """Count by block, for each level, the rows whose ``first`` is not above it: (blocks, levels)."""
    levels = hits.shape[1]
    return np.cumsum(_counts(block, first, blocks, levels + 1)[:, :levels], axis=1)
