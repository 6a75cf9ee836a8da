"""What a study finds: figures by model, gains over the one-pixel network, and answers to its questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..judging.resampling import Estimate, average, median
from ..judging.scored import Flags, Floats
from ..running.errors import InputError
from .divergence import divergence_notes
from .gain import Gain
from .scoreboard import Scoreboard
from .standing import Repeats, Standing
from .trial import REAL
from .variant import NETWORK, Addition, Scales, Variant, everything, one_pixel

ONE_PIXEL = "over the one-pixel network"

Question = tuple[str, Variant, Variant]
"""What is asked, in words; the model; and the reference that it is compared with."""


@dataclass(frozen=True)
class Comparison:
    """One model beside another.

    Attributes
    ----------
    question
        What is asked, in words.
    model, reference
        The model, and what it is compared with.
    species
        By species; nothing but None in those that are not averaged.
    mean, median
        Over the species that are averaged: the mean of their gains, and the gain of the median AUC.
    """

    question: str
    model: Variant
    reference: Variant
    species: tuple[Gain | None, ...]
    mean: Gain
    median: Gain

    @property
    def addition(self) -> Addition:
        """What its placebos see."""
        return Addition(self.model, self.reference.scales)


@dataclass(frozen=True)
class Figures:
    """A model's figures over species, on real predictors or placebos.

    Attributes
    ----------
    variant, predictors
        What they are of.
    kept, randomised
        On placebos: which branches see real rasters, and which see placebos.
    runs
        How many repeats.
    auc_median, auc_mean
        Over the species that are averaged.
    micro_f1
        Of networks judged on surveys.
    species
        AUC by species, of all that have one.
    n_species
        How many are averaged.
    """

    variant: Variant
    predictors: str
    kept: Scales
    randomised: Scales
    runs: int
    auc_median: Estimate
    auc_mean: Estimate
    micro_f1: Estimate
    species: tuple[Estimate, ...]
    n_species: int


@dataclass(frozen=True)
class Findings:
    """All that a study found.

    Attributes
    ----------
    board
        Where models were judged.
    standings
        Every model's AUC on real predictors.
    placebos
        And those on placebos, by what was randomised in which model.
    figures
        On real predictors and then on placebos, in the order of the models.
    gains
        Of every model over the one-pixel network.
    questions
        The comparisons that have a verdict in words.
    """

    board: Scoreboard
    standings: Mapping[Variant, Standing]
    placebos: Mapping[Addition, Standing]
    figures: tuple[Figures, ...]
    gains: tuple[Comparison, ...]
    questions: tuple[Comparison, ...]

    @property
    def every(self) -> tuple[Standing, ...]:
        """The standings on real predictors and on placebos."""
        return (*self.standings.values(), *self.placebos.values())

    @property
    def diverged(self) -> tuple[str, ...]:
        """Sentences on the fits whose training diverged, none where there are none."""
        return divergence_notes(self.every)

    def best(self) -> Variant:
        """Return the network with the highest median AUC on real predictors.

        Raises
        ------
        InputError
            The training of all of them diverged.
        """
        mine = [one for one in self.figures if one.predictors == REAL and one.variant.model == NETWORK]
        if not mine:
            raise InputError("The training of every network diverged; lower training.learning_rate.")
        return max(mine, key=lambda one: _or_nothing(one.auc_median.value)).variant


def findings_of(
    board: Scoreboard,
    standings: Mapping[Variant, Standing],
    placebos: Mapping[Addition, Standing],
    offered: Mapping[str, Sequence[int]],
    climate: str,
) -> Findings:
    """Compare the models of a study.

    Parameters
    ----------
    board, standings, placebos
        Where and how well they did, on real predictors and on placebos.
    offered
        The scales of each modality.
    climate
        The modality of the one-pixel network.
    """
    compare = _Comparer(board, standings, placebos)
    figures = [compare.figures(one) for one in (*standings.values(), *placebos.values()) if len(one.runs)]
    return Findings(
        board,
        standings,
        placebos,
        tuple(figures),
        tuple(compare.compared(*one) for one in gains_asked(standings, climate)),
        tuple(compare.compared(*one) for one in questions_asked(board, standings, offered)),
    )


def gains_asked(standings: Mapping[Variant, Standing], climate: str) -> list[Question]:
    """Return the comparisons of every model with the one-pixel network."""
    baseline = one_pixel(climate)
    return [(ONE_PIXEL, one, baseline) for one in standings if one != baseline]


def questions_asked(
    board: Scoreboard, standings: Mapping[Variant, Standing], offered: Mapping[str, Sequence[int]]
) -> list[Question]:
    """Return the questions that have a verdict.

    The reference is always the best of its kind on the very folds that judge it, which makes a gain over it a
    little too small, never too large.
    """
    nets = [one for one in standings if one.model == NETWORK and len(standings[one].runs)]
    found: list[Question] = []
    for text, model, is_reference in askable(offered):
        others = [one for one in nets if is_reference(one)]
        if others and model in standings:
            found.append((text, model, max(others, key=lambda one: score_of(standings[one], board.counted))))
    return found


def askable(offered: Mapping[str, Sequence[int]]) -> list[tuple[str, Variant, Callable[[Variant], bool]]]:
    """Return what may be asked: the question, the model, and which networks the best reference is one of."""
    found: list[tuple[str, Variant, Callable[[Variant], bool]]] = [
        (f"several scales of {name}", Variant(NETWORK, ((name, tuple(scales)),)), _single_of(name))
        for name, scales in offered.items()
        if len(scales) > 1
    ]
    if len(offered) < 2:
        return found
    whole, several = everything(offered), any(len(scales) > 1 for scales in offered.values())
    if several:
        found.append(
            (
                "several scales of all modalities",
                whole,
                lambda one: one.single and len(one.scales) == len(offered),
            )
        )
    found.append(("several modalities", whole, lambda one: len(one.scales) == 1))
    if several:
        found.append(("several scales and modalities", whole, lambda one: one.single and len(one.scales) == 1))
    return found


def _single_of(name: str) -> Callable[[Variant], bool]:
    return lambda one: one.single and one.modalities == name


def additions_of(questions: Sequence[Question]) -> tuple[Addition, ...]:
    """Return what is randomised in the placebos of some comparisons, each once."""
    found = (Addition(model, reference.scales) for _, model, reference in questions)
    return tuple(dict.fromkeys(one for one in found if one.randomised))


class _Comparer:
    """Compares standings on one scoreboard."""

    def __init__(
        self,
        board: Scoreboard,
        standings: Mapping[Variant, Standing],
        placebos: Mapping[Addition, Standing],
    ) -> None:
        self._board = board
        self._standings = standings
        self._placebos = placebos
        self._draws = len(board.resampling.weights) - 1

    def figures(self, standing: Standing) -> Figures:
        """Return the figures of a model on real predictors, or on placebos."""
        first = standing.runs[0]
        repeats = self._repeats(len(standing.runs))
        auc = repeats.mean(standing.auc)
        mine = auc[:, self._board.counted & np.isfinite(auc[0])]
        f1 = Estimate()
        if standing.micro_f1 is not None:
            f1 = Estimate.of(repeats.mean(standing.micro_f1))
        return Figures(
            variant=standing.variant,
            predictors=first.predictors,
            kept=first.kept,
            randomised=Addition(standing.variant, first.kept).randomised if first.draw else (),
            runs=len(standing.runs),
            auc_median=Estimate.of(median(mine)) if mine.shape[1] else Estimate(),
            auc_mean=Estimate.of(average(mine)) if mine.shape[1] else Estimate(),
            micro_f1=f1,
            species=tuple(self._estimate(auc[:, column], column) for column in range(auc.shape[1])),
            n_species=mine.shape[1],
        )

    def compared(self, question: str, model: Variant, reference: Variant) -> Comparison:
        """Return one model beside another."""
        mine, theirs = self._mean(self._standings[model].auc), self._mean(self._standings[reference].auc)
        real = mine - theirs
        counted = self._board.counted & np.isfinite(real[0])
        on_placebos = self._placebos.get(Addition(model, reference.scales))
        placebo = np.empty((0, len(counted))) if on_placebos is None else on_placebos.auc[:, 0]
        base, blocks = theirs[0], self._board.n_blocks
        together = self._board.blocks_of(counted)
        every = range(len(self._board.scored.species))
        return Comparison(
            question=question,
            model=model,
            reference=reference,
            species=tuple(
                Gain.of(real[:, column], base[column], placebo[:, column], int(blocks[column]))
                if counted[column]
                else None
                for column in every
            ),
            mean=Gain.of(
                average(real[:, counted]),
                float(average(base[counted])),
                average(placebo[:, counted]),
                together,
            ),
            median=Gain.of(
                median(mine[:, counted]) - median(theirs[:, counted]),
                float(median(base[counted])),
                median(placebo[:, counted]),
                together,
            ),
        )

    def _estimate(self, drawn: Floats, column: int) -> Estimate:
        """Return a species' AUC; none where it is in too few blocks."""
        flag = self._board.flags[column]
        return Estimate() if "few blocks" in flag else Estimate.of(drawn)

    def _mean(self, auc: Floats) -> Floats:
        return self._repeats(len(auc)).mean(auc)

    def _repeats(self, runs: int) -> Repeats:
        return Repeats.of(runs, self._draws, 0)


def score_of(standing: Standing, counted: Flags) -> float:
    """Return the mean AUC on real predictors over the species that count, or over all where none does."""
    if not len(standing.runs):
        return -np.inf
    auc = standing.auc[:, 0].mean(axis=0)
    mine = auc[counted] if counted.any() else auc
    return _or_nothing(float(np.nanmean(mine)) if np.isfinite(mine).any() else None)


def _or_nothing(value: float | None) -> float:
    return -np.inf if value is None or not np.isfinite(value) else value
