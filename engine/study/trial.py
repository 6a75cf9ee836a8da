"""One fit of a study, and what comes of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .variant import MAXENT, Addition, Scales, Variant

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
    kept
        On a placebo: what is seen on real rasters, those of the reference that the model is compared with.
    """

    predictors: str
    draw: int
    seed: int
    kept: Scales = ()

    @property
    def key(self) -> str:
        """A name for files; what is kept stands in it as a digest, as it may be long."""
        beside = f"_beside-{hashlib.sha256(repr(self.kept).encode()).hexdigest()[:8]}" if self.draw else ""
        return f"{self.predictors}{self.draw or ''}{beside}_seed{self.seed}"


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


def runs_of(variant: Variant, seeds: tuple[int, ...]) -> tuple[Run, ...]:
    """Return the runs of a variant on real predictors, one a seed; one of MaxEnt, which draws nothing."""
    return tuple(Run(REAL, 0, seed) for seed in (seeds[:1] if variant.model == MAXENT else seeds))


def placebo_runs(addition: Addition, seeds: tuple[int, ...], placebos: int) -> tuple[Run, ...]:
    """Return the runs of an addition: each placebo, with a seed in turn; none where nothing is randomised."""
    if not addition.randomised:
        return ()
    return tuple(
        Run(PLACEBO, draw, seeds[(draw - 1) % len(seeds)], addition.kept) for draw in range(1, placebos + 1)
    )
