"""One fit of a study, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .variant import COORDINATES, MAXENT, Variant

REAL, PLACEBO = "real", "placebo"
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Run:
    """Which of several repeats a fit belongs to.

    Attributes
    ----------
    predictors
        ``real`` or ``placebo``.
    draw
        Which placebo, from 1; 0 for real predictors.
    seed
        Of the network or forest.
    """

    predictors: str
    draw: int
    seed: int

    @property
    def key(self) -> str:
        """A name for files."""
        return f"{self.predictors}{self.draw or ''}_seed{self.seed}"


@dataclass(frozen=True)
class Trial:
    """A variant fitted in one run to all but one fold."""

    variant: Variant
    run: Run
    fold: int

    @property
    def key(self) -> str:
        """A name for files."""
        return f"{self.variant.key}_{self.run.key}_fold{self.fold + 1}"


@dataclass(frozen=True)
class Outcome:
    """What a trial gave.

    Attributes
    ----------
    held_out
        (places, species) logits at the sites, and then background points, that the fold tests.
    surveyed
        (survey sites, species) logits at the survey sites that the fold tests; no row without a survey.
    seconds
        How long it took.
    epochs
        Of a network; else 0.
    diverged
        Whether training ended without a network, as its loss became no number.

    A species that was not fitted has NaN, and so have all where it diverged.
    """

    held_out: Logits
    surveyed: Logits
    seconds: float
    epochs: int
    diverged: bool = False


def runs_of(variant: Variant, seeds: tuple[int, ...], placebos: int) -> tuple[Run, ...]:
    """Return the runs of a variant: each seed on real predictors, and each placebo with a seed in turn.

    MaxEnt draws nothing at random, so it has one run on real predictors; coordinates know no predictors.
    """
    real = seeds[:1] if variant.model == MAXENT else seeds
    found = [Run(REAL, 0, seed) for seed in real]
    if variant.model != COORDINATES:
        found += [Run(PLACEBO, draw, seeds[(draw - 1) % len(seeds)]) for draw in range(1, placebos + 1)]
    return tuple(found)
