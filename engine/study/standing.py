"""How well a model did, in every run and every draw of the blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..judging.scored import Floats
from .trial import Run, Trial
from .variant import Variant


@dataclass(frozen=True)
class Standing:
    """The figures of a variant on real predictors, or on placebos that keep the same branches real.

    Attributes
    ----------
    variant
        The model.
    runs
        Its repeats that count, all on real predictors or all on placebos: a run in which a fit diverged is left
        out whole, as a mean over its other folds would be one of other places.
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


@dataclass(frozen=True)
class Repeats:
    """Runs drawn with replacement, beside the blocks: how much a figure owes to the seed.

    Attributes
    ----------
    weights
        (1 + draws, runs) share of each run; the first row takes all alike.
    """

    weights: Floats

    @classmethod
    def of(cls, runs: int, draws: int, seed: int) -> Repeats:
        """Draw ``runs`` of as many runs, ``draws`` times.

        Shares are moved away from equal ones by √(runs / (runs - 1)), since few runs drawn from themselves vary
        that much less around their mean than others would.
        """
        if not runs:
            return cls(np.empty((1 + draws, 0)))
        draw = np.random.default_rng([seed, 9, runs])
        equal = np.full(runs, 1 / runs)
        drawn = draw.multinomial(runs, equal, size=draws) / runs
        return cls(np.vstack([equal, equal + (drawn - equal) * np.sqrt(runs / max(1, runs - 1))]))

    def mean(self, values: Floats) -> Floats:
        """Return means over runs, (runs, 1 + draws, ...) to (1 + draws, ...), each draw with its own runs.

        NaN of no run.
        """
        if not len(values):
            return np.full(values.shape[1:], np.nan)
        means: Floats = np.einsum("dr,rd...->d...", self.weights, values)
        return means
