"""Where models are judged: the places held out, the same resampled blocks for all, and which species count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...models.flags import (
    FEW_BLOCKS,
    FEW_PRESENCES,
    FEWEST_BLOCKS,
    FEWEST_PRESENCES,
    ONE_CLASS,
)
from ..judging.discrimination import resampled_auc
from ..judging.resampling import DRAWS, Resampling, average
from ..judging.scored import SURVEY, Flags, Floats, Integers, Scored
from ..judging.site_figures import micro_f1
from ..training.out_of_fold import held_out
from .standing import Standing
from .trial import Outcome, Trial
from .variant import NETWORK, Variant
from .workshop import Workshop


@dataclass(frozen=True)
class Scoreboard:
    """The places that models are judged at.

    Attributes
    ----------
    scored
        The places with values of 0: survey sites where the config has a test table, else the sites and
        background points that a fold holds out.
    rows
        By fold, which rows of ``scored`` it tests, in the order of an outcome's.
    survey
        Whether those are survey sites.
    resampling
        The blocks as they are resampled, alike for all models.
    """

    scored: Scored
    rows: tuple[np.ndarray, ...]
    survey: bool
    resampling: Resampling

    @classmethod
    def of(cls, workshop: Workshop, draws: int = DRAWS) -> Scoreboard:
        """Return the scoreboard of a study."""
        folds = range(len(workshop.course.folds))
        if workshop.survey is not None:
            scored = workshop.survey.scored()
            rows = tuple(workshop.survey.of_fold(number) for number in folds)
        else:
            everything = workshop.everything
            row = np.cumsum(everything.fold >= 0) - 1
            scored = held_out(everything)
            rows = tuple(row[workshop.tested(number)] for number in folds)
        resampling = Resampling.of(scored.block, scored.fold, draws, workshop.course.recipe.seed)
        return cls(scored, rows, workshop.survey is not None, resampling)

    @property
    def against(self) -> str:
        """What presences are compared with, by all species: ``survey``, ``background`` or both."""
        return " and ".join(dict.fromkeys(sorted(self.scored.against, reverse=True)))

    @cached_property
    def n_presence(self) -> Integers:
        """Test presences: (species,)."""
        return np.asarray(self.scored.present.sum(axis=0), np.int64)

    @cached_property
    def n_blocks(self) -> Integers:
        """Blocks that hold a test presence: (species,)."""
        each = np.eye(len(self.scored.species), dtype=np.bool_)
        return np.array([self.blocks_of(one) for one in each], np.int64)

    def blocks_of(self, species: Flags) -> int:
        """Return how many blocks hold a test presence of some of the species, (species,)."""
        return len(np.unique(self.scored.block[self.scored.present[:, species].any(axis=1)]))

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Why each species is shown apart, ``; `` between reasons; empty for those that are averaged."""
        both = self.n_presence * self.scored.absent.sum(axis=0) > 0
        return tuple(
            "; ".join(
                name
                for name, holds in (
                    (ONE_CLASS, not both[column]),
                    (FEW_PRESENCES, self.n_presence[column] < FEWEST_PRESENCES),
                    (FEW_BLOCKS, self.n_blocks[column] < FEWEST_BLOCKS),
                )
                if holds
            )
            for column in range(len(self.scored.species))
        )

    @cached_property
    def counted(self) -> Flags:
        """Which species are averaged: (species,)."""
        return np.array([not flag for flag in self.flags], np.bool_)

    def standing(self, variant: Variant, outcomes: Mapping[Trial, Outcome]) -> Standing:
        """Return the figures of a variant in each of its runs in which no fit diverged."""
        diverged = tuple(trial for trial, outcome in outcomes.items() if outcome.diverged)
        unfit = {trial.run for trial in diverged}
        runs = tuple(dict.fromkeys(trial.run for trial in outcomes if trial.run not in unfit))
        draws, folds, species = len(self.resampling.weights), len(self.rows), len(self.scored.species)
        by_fold, drawn, f1 = [], [], []
        for run in runs:
            scored = self._filled([outcomes[Trial(variant, run, fold)] for fold in range(folds)])
            auc = self._auc(scored)
            by_fold.append(auc[0])
            drawn.append(average(np.moveaxis(auc, 1, 2)))
            if variant.model == NETWORK and SURVEY in self.scored.against:
                found = micro_f1(scored, None, self.resampling)
                if found is not None:
                    f1.append(found.drawn)
        return Standing(
            variant=variant,
            runs=runs,
            diverged=diverged,
            auc=np.reshape(drawn, (len(runs), draws, species)),
            fold_auc=np.reshape(by_fold, (len(runs), folds, species)),
            micro_f1=np.stack(f1) if runs and len(f1) == len(runs) else None,
            seconds=float(sum(one.seconds for one in outcomes.values())),
            fits=len(outcomes),
        )

    def _filled(self, outcomes: Sequence[Outcome]) -> Scored:
        """Return the rows with the values of one run, fold by fold; what was not fitted does not count."""
        logit = np.full(self.scored.logit.shape, np.nan)
        for rows, outcome in zip(self.rows, outcomes, strict=True):
            logit[rows] = outcome.surveyed if self.survey else outcome.held_out
        there = np.isfinite(logit)
        return replace(self.scored, logit=np.where(there, logit, 0.0), known=self.scored.known & there)

    def _auc(self, scored: Scored) -> Floats:
        """Return the AUC of each fold by draw: (1 + draws, folds, species); NaN where a class is missing."""
        resampling = self.resampling
        shape = (len(resampling.weights), len(self.rows), len(scored.species))
        found = np.full(shape, np.nan)
        for fold, rows in enumerate(self.rows):
            position = resampling.position[rows]
            for column in range(shape[2]):
                present, absent = scored.present[rows, column], scored.absent[rows, column]
                mine = present | absent
                found[:, fold, column] = resampled_auc(
                    scored.logit[rows, column][mine],
                    present[mine],
                    absent[mine],
                    position[mine],
                    resampling.weights,
                )
        return found
