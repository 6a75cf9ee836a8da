"""How well each species is told apart, fold by fold, with intervals from resampled blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ...models.flags import (
    CHANCE,
    COORDINATES,
    FEW_BLOCKS,
    FEW_PRESENCES,
    FEWEST_BLOCKS,
    FEWEST_PRESENCES,
    NO_SKILL,
    ONE_CLASS,
    joined,
    split,
)
from .boyce import area_ranks, pooled_boyce
from .calibration import reliability
from .discrimination import resampled_skill
from .resampling import Estimate, Resampling, average, finite
from .scored import Flags, Floats, Scored
from .thresholds import LARGEST_TSS, Threshold, thresholds

FIGURES = ("auc", "average_precision", "tss", "boyce", "brier")
LEAST_FOR_BOYCE = 50  # test presences; with fewer the index of a perfect model is far below 1
BOYCE_DRAWS = 400  # its ranks can't be shared between draws, so it takes the first of these
PARTS = 5  # of the blocks of a single fold, each called by a threshold from the others


@dataclass(frozen=True)
class SpeciesFigures:
    """What is known about one species.

    Attributes
    ----------
    n_presence, n_absence
        Test presences; survey absences or background points.
    n_blocks
        Blocks that hold a test presence.
    against
        ``survey`` or ``background``.
    presences
        Training presences.
    thresholds
        By rule, on the probability; empty without both classes in a fold.
    tss
        At thresholds of largest TSS that other folds chose.
    flag
        Why the figures deserve less trust (``models.flags``), as one text.
    """

    name: str
    kind: str
    against: str
    n_presence: int
    n_absence: int
    n_blocks: int
    presences: int
    auc: Estimate
    average_precision: Estimate
    tss: Estimate
    thresholds: Mapping[str, Threshold]
    boyce: Estimate
    brier: Estimate
    calibration_error: float | None
    flag: str

    @property
    def flags(self) -> tuple[str, ...]:
        """Return the reasons in ``flag``."""
        return split(self.flag)

    @property
    def prevalence(self) -> float | None:
        """Return the share of surveyed test sites where the species was found; None against background."""
        surveyed = self.against == "survey" and self.n_presence + self.n_absence > 0
        return self.n_presence / (self.n_presence + self.n_absence) if surveyed else None


@dataclass(frozen=True)
class Figures:
    """The figures of all species, and their values in every draw.

    Attributes
    ----------
    species
        One a species.
    drawn
        By the name of a figure (``FIGURES``), (1 + draws, species): the first row holds the data as they are.
        NaN where there is no value; species in few blocks have theirs, too.
    blocks
        (blocks, species) whether a block holds a test presence.
    """

    species: tuple[SpeciesFigures, ...]
    drawn: Mapping[str, Floats]
    blocks: Flags

    @property
    def auc(self) -> Floats:
        """Return the AUC in every draw: (1 + draws, species)."""
        return self.drawn["auc"]

    def blocks_of(self, chosen: Flags) -> int:
        """Return how many blocks hold a test presence of the ``chosen`` species (species,)."""
        return int(self.blocks[:, chosen].any(axis=1).sum())


def species_figures(
    scored: Scored, resampling: Resampling, occurrence: Floats, blocked: bool = True
) -> Figures:
    """Judge every species.

    AUC, average precision, TSS and Brier score are means over the folds that hold both classes; a pool of folds
    would compare values of different networks. TSS calls each fold by a threshold from the other folds
    (``cross_fitted_skill``). The thresholds themselves must serve one map, so one score is sought for all
    folds: sensitivity and specificity at it are again means over folds. The Boyce index is that of ranks
    within folds, pooled, and asks for 50 test presences.

    Parameters
    ----------
    occurrence
        (rows, species) calibrated probabilities; NaN where there are none.
    blocked
        Whether the test blocks were cut from the training area: then a species in fewer than 5 blocks gets no
        AUC, average precision, TSS or Boyce index. False for a survey of its own, where only the interval is
        left out.
    """
    judged = [
        _one(scored, resampling, occurrence[:, column], blocked, column)
        for column in range(len(scored.species))
    ]
    drawn = {name: np.stack([values[name] for _, values in judged], axis=1) for name in FIGURES}
    blocks = np.zeros((resampling.blocks, len(scored.species)), np.bool_)
    row, column = np.nonzero(scored.present)
    blocks[resampling.position[row], column] = True
    return Figures(tuple(figures for figures, _ in judged), drawn, blocks)


def true_skill(called: Flags, present: Flags, absent: Flags, resampling: Resampling) -> Floats:
    """Return in every draw the TSS of calling rows suitable, (1 + draws,): a mean over folds.

    ``called``, ``present`` and ``absent`` are (rows,); how rows are called is the same in all draws.
    """
    hits = resampling.fold_means(called.astype(np.float64), present.astype(np.float64))
    rejected = resampling.fold_means((~called).astype(np.float64), absent.astype(np.float64))
    return average(hits + rejected - 1)


def _one(
    scored: Scored, resampling: Resampling, occurrence: Floats, blocked: bool, column: int
) -> tuple[SpeciesFigures, dict[str, Floats]]:
    present, absent = scored.present[:, column], scored.absent[:, column]
    area = present | absent if scored.surveyed[column] else absent
    logit, probability = scored.logit[:, column], scored.probability(column)
    shape = (len(resampling.weights), resampling.folds)
    auc, precision = np.full(shape, np.nan), np.full(shape, np.nan)
    weight, ranks = np.zeros(len(scored)), np.zeros(len(scored))
    for fold in range(resampling.folds):
        rows = np.flatnonzero((resampling.fold == fold) & (present | absent))
        here, gone, position = present[rows], absent[rows], resampling.position[rows]
        if not here.any() or not gone.any():
            continue
        auc[:, fold], precision[:, fold] = resampled_skill(
            logit[rows], here, gone, position, resampling.weights
        )
        ranks[rows] = area_ranks(logit[rows], area[rows])
        weight[rows] = np.where(here, 1 / here.sum(), 1 / gone.sum())

    used = weight > 0
    n_presence, n_blocks = int(present.sum()), len(np.unique(scored.block[present]))
    rules: dict[str, Threshold] = {}
    skill = np.full(shape[0], np.nan)
    if used.any():
        rules = thresholds(probability[used], present[used], weight[used])
        skill = cross_fitted_skill(probability, present & used, absent & used, weight, resampling)
    crowding = np.full(min(BOYCE_DRAWS + 1, shape[0]), np.nan)
    if int((present & used).sum()) >= LEAST_FOR_BOYCE:
        crowding = pooled_boyce(
            ranks[used], present[used], area[used], resampling.position[used],
            resampling.weights[: len(crowding)],
        )  # fmt: skip

    squared, error = _calibrated(scored, resampling, occurrence, column)
    drawn = dict(zip(FIGURES, (average(auc), average(precision), skill, crowding, squared), strict=True))
    bounded = n_blocks >= FEWEST_BLOCKS
    shown = bounded or not blocked
    estimates = {
        name: Estimate.of(values, bounded, n_blocks) if shown or name == "brier" else Estimate()
        for name, values in drawn.items()
    }
    reasons = [
        (ONE_CLASS, not used.any()),
        (FEW_PRESENCES, n_presence < FEWEST_PRESENCES),
        (FEW_BLOCKS, not bounded),
        (CHANCE, estimates["auc"].low is not None and estimates["auc"].low <= NO_SKILL),
    ]
    figures = SpeciesFigures(
        name=scored.species[column],
        kind=scored.kinds[column],
        against=scored.against[column],
        n_presence=n_presence,
        n_absence=int(absent.sum()),
        n_blocks=n_blocks,
        presences=int(scored.presences[column]),
        thresholds=rules,
        **estimates,
        calibration_error=error,
        flag=joined(tuple(name for name, holds in reasons if holds)),
    )
    return figures, drawn


def beside_coordinates(figures: Figures, null: Figures) -> Figures:
    """Return figures with a flag for each species whose AUC coordinates alone reach."""
    species = []
    for ours, theirs in zip(figures.species, null.species, strict=True):
        mine, other = ours.auc.value, theirs.auc.value
        reached = mine is not None and other is not None and other >= mine
        species.append(replace(ours, flag=joined((*ours.flags, COORDINATES))) if reached else ours)
    return replace(figures, species=tuple(species))


def cross_fitted_skill(
    scores: Floats, present: Flags, absent: Flags, weight: Floats, resampling: Resampling
) -> Floats:
    """Return the TSS in every draw, each row called by a threshold that other rows chose: (1 + draws,).

    The threshold of a fold is that of largest TSS over the other folds; with one fold, that of a fifth of the
    blocks over the other blocks. A TSS at a threshold that the same rows chose is above 0 for pure noise: 0.15
    on average with 20 presences. The draws hold the thresholds fixed.

    Parameters
    ----------
    scores, present, absent
        (rows,) of one species.
    weight
        (rows,) by which rows count when a threshold is chosen.
    """
    part = resampling.fold if resampling.folds > 1 else resampling.position % PARTS
    called = np.zeros(len(scores), np.bool_)
    fitted = np.zeros(len(scores), np.bool_)
    for number in np.unique(part):
        rows, others = part == number, (part != number) & (present | absent)
        if not present[others].any() or not absent[others].any():
            continue
        chosen = thresholds(scores[others], present[others], weight[others])[LARGEST_TSS]
        called[rows], fitted[rows] = scores[rows] >= chosen.value, True
    return true_skill(called, present & fitted, absent & fitted, resampling)


def _calibrated(
    scored: Scored, resampling: Resampling, occurrence: Floats, column: int
) -> tuple[Floats, float | None]:
    """Return the Brier score of a species' occurrence, (1 + draws,), and its calibration error."""
    there: Flags = np.isfinite(occurrence) & scored.compared[:, column]
    if not there.any():
        return np.full(len(resampling.weights), np.nan), None
    found = scored.found[:, column].astype(np.float64)
    squared = np.where(there, (np.where(there, occurrence, 0) - found) ** 2, 0.0)
    brier = average(resampling.fold_means(squared, there.astype(np.float64)))
    return brier, finite(reliability(occurrence[there], found[there]).error)
