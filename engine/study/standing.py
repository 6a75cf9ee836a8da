"""How well a model did, in every run and every draw of the blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..judging.scored import Floats, Integers
from .trial import PLACEBO, REAL, Run, Trial
from .variant import Variant


@dataclass(frozen=True)
class Standing:
    """The figures of a variant.

    Attributes
    ----------
    variant
        The model.
    runs
        Its repeats that count: a run in which a fit diverged is left out whole, as a mean over its other folds
        would be one of other places.
    diverged
        Those fits.
    auc
        (runs, 1 + draws, species) mean over folds; the first draw holds the data as they are. NaN where a
        species has none.
    fold_auc
        (runs, folds, species) of the data as they are.
    micro_f1
        (runs, 1 + draws), or None where no survey allows it.
    seconds, fits
        What its fits took on one core, and how many they are.
    """

    variant: Variant
    runs: tuple[Run, ...]
    diverged: tuple[Trial, ...]
    auc: Floats
    fold_auc: Floats
    micro_f1: Floats | None
    seconds: float
    fits: int

    def of(self, predictors: str) -> Integers:
        """Return the places of its runs on ``real`` or ``placebo`` predictors."""
        return np.array([i for i, run in enumerate(self.runs) if run.predictors == predictors], np.int64)

    @property
    def real(self) -> Floats:
        """The AUC of the runs on real predictors: (runs, 1 + draws, species)."""
        return self.auc[self.of(REAL)]

    @property
    def placebo(self) -> Floats:
        """The AUC of the runs on placebos, in their order; no run where there are none."""
        return self.auc[self.of(PLACEBO)]

    def on_placebos_of(self, other: Standing) -> Floats:
        """Return the AUC on those placebos that ``other`` was fitted to as well, in their order."""
        theirs = {run.draw for run in other.runs if run.predictors == PLACEBO}
        return self.auc[[place for place in self.of(PLACEBO) if self.runs[place].draw in theirs]]


@dataclass(frozen=True)
class Repeats:
    """Runs drawn with replacement, beside the blocks: how much a figure owes to the seed.

    Attributes
    ----------
    weights
        (1 + draws, runs) share of each run; the first row takes all alike.
    t
        (draws,) of Student's t with a degree of freedom less than there are runs; NaN for a single one.
    """

    weights: Floats
    t: Floats

    @classmethod
    def of(cls, runs: int, draws: int, seed: int) -> Repeats:
        """Draw ``runs`` of as many runs, ``draws`` times."""
        draw = np.random.default_rng([seed, 9, runs])
        if not runs:
            return cls(np.empty((1 + draws, 0)), np.full(draws, np.nan))
        drawn = draw.multinomial(runs, np.full(runs, 1 / runs), size=draws) / runs
        t = draw.standard_t(runs - 1, size=draws) if runs > 1 else np.full(draws, np.nan)
        return cls(np.vstack([np.full(runs, 1 / runs), drawn]), t)

    def mean(self, values: Floats) -> Floats:
        """Return means over runs, (runs, 1 + draws, ...) to (1 + draws, ...), each draw with its own runs.

        NaN of no run.
        """
        if not len(values):
            return np.full(values.shape[1:], np.nan)
        means: Floats = np.einsum("dr,rd...->d...", self.weights, values)
        return means

    def another(self, values: Floats) -> Floats:
        """Return the mean over runs in the first draw, and in each other what a further run could be.

        That is Student's prediction of a further normal value from those there are: their mean + t · s ·
        √(1 + 1 / runs), s their deviation and the mean that of the draw. (runs, 1 + draws) to (1 + draws,).
        """
        runs = len(values)
        mean = values.mean(axis=0)
        spread = values[:, 0].std(ddof=1) * np.sqrt(1 + 1 / runs) if runs > 1 else np.nan
        return np.concatenate([mean[:1], mean[1:] + self.t * spread])
