"""Occurrence: the calibrated probability of presence, where surveys allow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...models.card import Card
from .scored import Flags, Floats, Integers, Scored, sigmoid

FEW = 20  # presences below which species share one slope and intercept
RIDGE = 0.1  # pull of slope and intercept towards 1 and 0, in units of one site's information
STEPS = 50
TOLERANCE = 1e-9
BINS = 10
LEAST_VALUES = 10  # in a bin, before its share found says anything

REFUSALS = {
    "po": "presence-only records do not say how often the species is present, so there is no occurrence",
    "pa-balanced": "the absences were chosen by design, so that the share of presences means nothing "
    "and there is no occurrence",
    "pa": "",
}
REFUSED_LOSS = (
    "the network weighed absences against background or other species' sites, so that its output is no "
    "favourability and there is no occurrence"
)
NOT_CALIBRATED = "the model has no calibration"
ONE_CLASS = "the surveys hold one class only, so there is no occurrence"


@dataclass(frozen=True)
class Calibration:
    """How a logit becomes an occurrence: logit(occurrence) = slope * logit + intercept.

    Attributes
    ----------
    species
        Names.
    slope, intercept
        By species; None where occurrence is refused.
    pooled
        By species, whether slope and shift are shared with other species of few presences.
    refusal
        By species, why there is no occurrence; empty where there is.
    """

    species: tuple[str, ...]
    slope: tuple[float | None, ...]
    intercept: tuple[float | None, ...]
    pooled: tuple[bool, ...]
    refusal: tuple[str, ...]

    def occurrence(self, logit: Floats) -> Floats:
        """Return the probability of presence for logits (rows, species); NaN where it is refused."""
        slope, intercept = (np.array(values, np.float64) for values in (self.slope, self.intercept))
        line = slope * logit + intercept
        return np.where(np.isfinite(line), sigmoid(np.nan_to_num(line)), np.nan)


@dataclass(frozen=True)
class Reliability:
    """What was found against what was predicted, by bins of the prediction; NaN in an empty bin.

    Attributes
    ----------
    predicted, observed
        (bins,) means.
    count
        (bins,) values.
    """

    predicted: Floats
    observed: Floats
    count: Integers

    @property
    def filled(self) -> Flags:
        """Return which bins hold 10 values or more: (bins,)."""
        return self.count >= LEAST_VALUES

    @property
    def error(self) -> float:
        """Return the mean absolute difference over the bins with 10 values or more, each bin weighing the same.

        NaN where there is no such bin.
        """
        filled = self.filled
        if not filled.any():
            return float("nan")
        return float(np.abs(self.predicted[filled] - self.observed[filled]).mean())


def reliability(occurrence: Floats, outcome: Floats, bins: int = BINS) -> Reliability:
    """Compare predictions with outcomes (0 or 1, or a true probability), both (values,), in equal bins."""
    place = np.minimum((occurrence * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Reliability(
            np.bincount(place, occurrence, bins) / count,
            np.bincount(place, outcome, bins) / count,
            count,
        )


def favourable(card: Card, names: Sequence[str]) -> list[bool]:
    """Tell for each species whether the network's output is a favourability, by its card."""
    by_name = {one.name: one for one in card.species}
    return [name in by_name and card.quantity(by_name[name]) == "favourability" for name in names]


def calibrate(
    scored: Scored, prevalence: Floats | None = None, favourability: Sequence[bool] | None = None
) -> Calibration:
    """Fit occurrence to out-of-fold values.

    With presence-absence data the full weighted loss (lambda2 = 1, no background) is least where
    logit s = logit p - logit prevalence. So the logit is corrected by the prevalence, then recalibrated by a
    logistic regression on it (Platt 1999) with a small ridge towards slope 1 and intercept 0. Species with
    fewer than 20 presences share slope and intercept, fitted to all of them together (to all surveyed species
    if those few hold fewer than 20 presences between them). A slope is never negative: where the network ranks
    a species worse than chance, its occurrence is the same everywhere.

    Parameters
    ----------
    prevalence
        (species,) share of surveyed training sites where each was found; that of ``scored`` by default.
    favourability
        By species, whether the network's output is a favourability (``Card.quantity``); judged by the kind of
        data alone by default.
    """
    counted = scored.compared
    presences = (counted & scored.found).sum(axis=0)
    surveys = counted.sum(axis=0)
    refusal = [
        REFUSALS[kind] or ("" if favourability is None or favourability[column] else REFUSED_LOSS)
        for column, kind in enumerate(scored.kinds)
    ]
    refusal = [
        reason or ("" if 0 < presences[column] < surveys[column] else ONE_CLASS)
        for column, reason in enumerate(refusal)
    ]
    allowed = [column for column, reason in enumerate(refusal) if not reason]
    share = presences / np.maximum(surveys, 1) if prevalence is None else prevalence
    with np.errstate(divide="ignore"):
        shift = np.log(share) - np.log1p(-share)

    few = [column for column in allowed if presences[column] < FEW]
    lines: dict[int, tuple[float, float]] = {}
    if few:
        pool = few if presences[few].sum() >= FEW else allowed
        lines.update(dict.fromkeys(few, _fitted(scored, counted, pool, shift)))
    for column in allowed:
        if column not in lines:
            lines[column] = _fitted(scored, counted, [column], shift)
    slope: list[float | None] = [None] * len(scored.species)
    intercept: list[float | None] = [None] * len(scored.species)
    for column, (a, b) in lines.items():
        slope[column] = a
        intercept[column] = a * float(shift[column]) + b
    pooled = tuple(column in few for column in range(len(scored.species)))
    return Calibration(scored.species, tuple(slope), tuple(intercept), pooled, tuple(refusal))


def held_out_occurrence(scored: Scored, favourability: Sequence[bool] | None = None) -> Floats:
    """Return occurrence (rows, species), each fold calibrated on the other folds; NaN where there is none."""
    occurrence = np.full(scored.logit.shape, np.nan)
    folds = np.unique(scored.fold)
    if len(folds) < 2:
        return occurrence
    for fold in folds:
        mine = scored.fold == fold
        calibration = calibrate(scored.taken(~mine), favourability=favourability)
        occurrence[mine] = calibration.occurrence(scored.logit[mine])
    return occurrence


def _fitted(scored: Scored, counted: Flags, columns: list[int], shift: Floats) -> tuple[float, float]:
    """Fit slope and intercept on the corrected logits of some species, all in one."""
    corrected = np.concatenate([scored.logit[counted[:, c], c] + shift[c] for c in columns])
    found = np.concatenate([scored.found[counted[:, c], c] for c in columns])
    return platt(corrected, found)


def platt(logit: Floats, found: Flags) -> tuple[float, float]:
    """Return slope (never negative) and intercept of a logistic regression of ``found`` on ``logit``."""
    slope, intercept = _newton(logit, found, free_slope=True)
    return (slope, intercept) if slope >= 0 else _newton(logit, found, free_slope=False)


def _newton(logit: Floats, found: Flags, free_slope: bool) -> tuple[float, float]:
    """Minimise the ridged negative log-likelihood by Newton's method, halving steps that do not descend."""
    slope, intercept = (1.0, 0.0) if free_slope else (0.0, 0.0)

    def loss(a: float, b: float) -> float:
        line = a * logit + b
        return float((np.logaddexp(0, line) - found * line).sum() + RIDGE / 2 * ((a - 1) ** 2 + b**2))

    value = loss(slope, intercept)
    for _ in range(STEPS):
        p = sigmoid(slope * logit + intercept)
        residual, information = p - found, p * (1 - p)
        gradient = np.array(
            [(residual * logit).sum() + RIDGE * (slope - 1), residual.sum() + RIDGE * intercept]
        )
        cross = float((information * logit).sum())
        curvature = np.array(
            [[(information * logit**2).sum() + RIDGE, cross], [cross, information.sum() + RIDGE]]
        )
        if not free_slope:
            gradient[0], curvature[0], curvature[:, 0] = 0.0, (1.0, 0.0), (1.0, 0.0)
        step = np.linalg.solve(curvature, gradient)
        while loss(slope - step[0], intercept - step[1]) > value + TOLERANCE and np.abs(step).max() > TOLERANCE:
            step = step / 2
        slope, intercept = slope - float(step[0]), intercept - float(step[1])
        value = loss(slope, intercept)
        if np.abs(step).max() < TOLERANCE:
            break
    return slope, intercept
