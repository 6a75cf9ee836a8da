"""What a study finds: figures by model, gains over the one-pixel network, and answers to its questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..judging.resampling import Estimate, average, median
from ..judging.scored import Flags, Floats
from .divergence import divergence_notes
from .scoreboard import Scoreboard
from .standing import Repeats, Standing
from .trial import PLACEBO, REAL
from .variant import NETWORK, Variant, everything, one_pixel

HELPS, HURTS = "helps", "hurts"
NO_EVIDENCE, CHANCE = "no evidence", "not more than chance structure"
UNTESTED = "not tested against a placebo"
ONE_PIXEL = "over the one-pixel network"


@dataclass(frozen=True)
class Gain:
    """How much higher a model's AUC is than another's.

    Attributes
    ----------
    real
        On real predictors.
    placebo
        On placebos, the mean of them.
    excess
        The real gain less that of a further placebo, as those made let it be predicted; none with fewer
        than two.
    """

    real: Estimate
    placebo: Estimate
    excess: Estimate

    @property
    def verdict(self) -> str:
        """What may be said: ``helps`` needs a gain whose interval leaves 0 out and that beats the placebo's."""
        low, high = self.real.low, self.real.high
        if self.real.value is None:
            return ""
        if low is None or high is None or low <= 0 <= high:
            return NO_EVIDENCE
        if high < 0:
            return HURTS
        if self.excess.value is None:
            return UNTESTED
        return HELPS if self.excess.low is not None and self.excess.low > 0 else CHANCE


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


@dataclass(frozen=True)
class Figures:
    """A model's figures over species, on real predictors or placebos.

    Attributes
    ----------
    variant, predictors
        What they are of.
    runs, fits, seconds
        How many repeats, fits of folds, and what they took on one core.
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
        Every model's AUC.
    figures
        On real predictors and then on placebos, in the order of the models.
    gains
        Of every model over the one-pixel network.
    questions
        The comparisons that have a verdict in words.
    """

    board: Scoreboard
    standings: Mapping[Variant, Standing]
    figures: tuple[Figures, ...]
    gains: tuple[Comparison, ...]
    questions: tuple[Comparison, ...]

    @property
    def diverged(self) -> tuple[str, ...]:
        """Sentences on the fits whose training diverged, none where there are none."""
        return divergence_notes(self.standings.values())

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
    offered: Mapping[str, Sequence[int]],
    climate: str,
) -> Findings:
    """Compare the models of a study.

    Parameters
    ----------
    board, standings
        Where and how well they did.
    offered
        The scales of each modality.
    climate
        The modality of the one-pixel network.
    """
    compare = _Comparer(board, standings)
    figures = [
        compare.figures(one, predictors)
        for predictors in (REAL, PLACEBO)
        for one in standings.values()
        if len(one.of(predictors))
    ]
    baseline = one_pixel(climate)
    gains = [compare.compared(ONE_PIXEL, one, baseline) for one in standings if one != baseline]
    questions = [compare.compared(*one) for one in questions_of(compare.score, standings, offered)]
    return Findings(board, standings, tuple(figures), tuple(gains), tuple(questions))


def questions_of(
    score: Callable[[Variant], float],
    standings: Mapping[Variant, Standing],
    offered: Mapping[str, Sequence[int]],
) -> list[tuple[str, Variant, Variant]]:
    """Return the questions that have a verdict: each with a model, and what it is compared with.

    The reference is always the best of its kind on the very folds that judge it, which makes a gain over it a
    little too small, never too large.
    """
    nets = [one for one in standings if one.model == NETWORK and len(standings[one].real)]

    def best(of: Callable[[Variant], bool]) -> Variant | None:
        mine = [one for one in nets if of(one)]
        return max(mine, key=score) if mine else None

    found: list[tuple[str, Variant, Variant | None]] = []
    for name, scales in offered.items():
        if len(scales) > 1:
            model = Variant(NETWORK, ((name, tuple(scales)),))
            alone = best(lambda one, name=name: one.single and one.modalities == name)  # type: ignore[misc]
            found.append((f"several scales of {name}", model, alone))
    whole = everything(offered)
    if len(offered) > 1:
        several = any(len(scales) > 1 for scales in offered.values())
        if several:
            pairs = best(lambda one: one.single and len(one.scales) == len(offered))
            found.append(("several scales of all modalities", whole, pairs))
        found.append(("several modalities", whole, best(lambda one: len(one.scales) == 1)))
        if several:
            lone = best(lambda one: one.single and len(one.scales) == 1)
            found.append(("several scales and modalities", whole, lone))
    return [(text, model, other) for text, model, other in found if other is not None and model in standings]


class _Comparer:
    """Compares standings on one scoreboard."""

    def __init__(self, board: Scoreboard, standings: Mapping[Variant, Standing]) -> None:
        self._board = board
        self._standings = standings
        self._draws = len(board.resampling.weights) - 1

    def score(self, variant: Variant) -> float:
        """Return the mean AUC on real predictors, by which references are chosen, as gains are means."""
        return score_of(self._standings[variant], self._board.counted)

    def figures(self, standing: Standing, predictors: str) -> Figures:
        """Return the figures of a model."""
        places = standing.of(predictors)
        repeats = self._repeats(len(places))
        auc = repeats.mean(standing.auc[places])
        mine = auc[:, self._board.counted & np.isfinite(auc[0])]
        f1 = Estimate()
        if standing.micro_f1 is not None:
            f1 = Estimate.of(repeats.mean(standing.micro_f1[places]))
        return Figures(
            variant=standing.variant,
            predictors=predictors,
            runs=len(places),
            auc_median=Estimate.of(median(mine)) if mine.shape[1] else Estimate(),
            auc_mean=Estimate.of(average(mine)) if mine.shape[1] else Estimate(),
            micro_f1=f1,
            species=tuple(self._estimate(auc[:, column], column) for column in range(auc.shape[1])),
            n_species=mine.shape[1],
        )

    def compared(self, question: str, model: Variant, reference: Variant) -> Comparison:
        """Return one model beside another."""
        one, other = self._standings[model], self._standings[reference]
        real = self._mean(one.real) - self._mean(other.real)
        counted = self._board.counted & np.isfinite(real[0])
        mine, theirs = one.on_placebos_of(other), other.on_placebos_of(one)
        placebo = mine - theirs
        every = range(len(self._board.scored.species))
        return Comparison(
            question=question,
            model=model,
            reference=reference,
            species=tuple(
                self._gain(real[:, column], placebo[:, :, column]) if counted[column] else None
                for column in every
            ),
            mean=self._gain(average(real[:, counted]), average(placebo[:, :, counted])),
            median=self._gain(
                median(self._mean(one.real)[:, counted]) - median(self._mean(other.real)[:, counted]),
                median(mine[:, :, counted]) - median(theirs[:, :, counted]),
            ),
        )

    def _gain(self, real: Floats, placebo: Floats) -> Gain:
        """Return a gain from its draws, (1 + draws,), and those of each placebo, (placebos, 1 + draws)."""
        if not len(placebo) or not np.isfinite(placebo[:, 0]).all():
            return Gain(Estimate.of(real), Estimate(), Estimate())
        repeats = self._repeats(len(placebo))
        return Gain(
            real=Estimate.of(real),
            placebo=Estimate.of(repeats.mean(placebo)),
            excess=Estimate.of(real - repeats.another(placebo)) if len(placebo) > 1 else Estimate(),
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
    if not len(standing.real):
        return -np.inf
    auc = standing.real[:, 0].mean(axis=0)
    mine = auc[counted] if counted.any() else auc
    return _or_nothing(float(np.nanmean(mine)) if np.isfinite(mine).any() else None)


def _or_nothing(value: float | None) -> float:
    return -np.inf if value is None or not np.isfinite(value) else value
