"""How well each species is told apart, fold by fold, with intervals from resampled blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .boyce import boyce
from .calibration import reliability
from .discrimination import resampled_skill
from .resampling import Estimate, Resampling, average, centred, finite
from .scored import Flags, Floats, Scored
from .thresholds import LARGEST_TSS, Threshold, thresholds

FEW_PRESENCES = "few presences"
FEW_BLOCKS = "few blocks"
ONE_CLASS = "one class only"
LEAST_PRESENCES = 10  # test presences
LEAST_BLOCKS = 5  # blocks that hold a presence
FIGURES = ("auc", "average_precision", "tss", "boyce", "brier")
BOYCE_DRAWS = 200  # its ranks can't be shared between draws, so it takes the first of these


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
        At the threshold of largest TSS.
    flag
        Why the figures deserve less trust, ``; `` between reasons.
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
        return tuple(self.flag.split("; ")) if self.flag else ()

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
    """

    species: tuple[SpeciesFigures, ...]
    drawn: Mapping[str, Floats]

    @property
    def auc(self) -> Floats:
        """Return the AUC in every draw: (1 + draws, species)."""
        return self.drawn["auc"]


def species_figures(
    scored: Scored, resampling: Resampling, occurrence: Floats, blocked: bool = True
) -> Figures:
    """Judge every species.

    AUC, average precision, Boyce index and Brier score are means over the folds that hold both classes; a pool
    of folds would compare values of different networks. The thresholds must serve one map, so one score is
    sought for all folds: sensitivity and specificity at it are again means over folds. The interval of TSS
    holds that threshold fixed.

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
    return Figures(tuple(figures for figures, _ in judged), drawn)


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
    logit, probability = scored.logit[:, column], scored.probability(column)
    shape = (len(resampling.weights), resampling.folds)
    auc, precision = np.full(shape, np.nan), np.full(shape, np.nan)
    crowding = np.full((min(BOYCE_DRAWS + 1, shape[0]), shape[1]), np.nan)
    weight = np.zeros(len(scored))
    for fold in range(resampling.folds):
        rows = np.flatnonzero((resampling.fold == fold) & (present | absent))
        here, gone, position = present[rows], absent[rows], resampling.position[rows]
        if not here.any() or not gone.any():
            continue
        auc[:, fold], precision[:, fold] = resampled_skill(
            logit[rows], here, gone, position, resampling.weights
        )
        area = gone if not scored.surveyed[column] else here | gone
        crowding[:, fold] = boyce(probability[rows], here, area, position, resampling.weights[: len(crowding)])
        weight[rows] = np.where(here, 1 / here.sum(), 1 / gone.sum())

    n_presence = int(present.sum())
    n_blocks = len(np.unique(scored.block[present]))
    judged = bool(weight.any())
    reasons = [
        (ONE_CLASS, not judged),
        (FEW_PRESENCES, n_presence < LEAST_PRESENCES),
        (FEW_BLOCKS, n_blocks < LEAST_BLOCKS),
    ]
    bounded = n_blocks >= LEAST_BLOCKS
    shown = bounded or not blocked
    rules: dict[str, Threshold] = {}
    skill = np.full(shape[0], np.nan)
    if judged:
        used = weight > 0
        rules = thresholds(probability[used], present[used], weight[used])
        called = probability >= rules[LARGEST_TSS].value
        skill = true_skill(called, present & used, absent & used, resampling)

    squared, error = _calibrated(scored, resampling, occurrence, column)
    drawn = dict(
        zip(
            FIGURES, (average(auc), average(precision), skill, centred(average(crowding)), squared), strict=True
        )
    )
    estimates = {
        name: Estimate.of(values, bounded) if shown or name == "brier" else Estimate()
        for name, values in drawn.items()
    }
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
        flag="; ".join(name for name, holds in reasons if holds),
    )
    return figures, drawn


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
