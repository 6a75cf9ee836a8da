"""Figures by site, over the species of a survey: F1 at one threshold, and AUC."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..running.errors import InputError
from .discrimination import auc
from .resampling import Estimate, Resampling, average
from .scored import Floats, Scored

CANDIDATES = tuple(round(0.2 + 0.025 * step, 3) for step in range(25))  # 0.2, 0.225, … 0.8


@dataclass(frozen=True)
class SiteF1:
    """Sample-averaged F1, GeoLifeCLEF's "micro F1".

    Attributes
    ----------
    f1
        Mean over sites (in each fold, then over folds).
    threshold
        Probability from which a species is called present.
    sites
        Sites that count.
    drawn
        (1 + draws,) the F1 in every draw, the first as the data are.
    """

    f1: Estimate
    threshold: float
    sites: int
    drawn: Floats


def site_f1(scored: Scored, threshold: float) -> Floats:
    """Return each site's F1 over its surveyed species at a threshold of the probability: (rows,).

    F1 = 2 hits / (species called + species found). NaN where no surveyed species was found (as everywhere in
    GeoLifeCLEF, a site without any species says nothing about which), and at background points.
    """
    counted = scored.compared
    called = (scored.logit >= np.log(threshold) - np.log1p(-threshold)) & counted
    found = scored.found & counted
    hits = (called & found).sum(axis=1)
    total = called.sum(axis=1) + found.sum(axis=1)
    return np.where(found.any(axis=1), 2 * hits / np.maximum(total, 1), np.nan)


def chosen_threshold(validation: Scored) -> float | None:
    """Return the candidate (0.2, 0.225, … 0.8) with the largest mean site F1; None where no site counts."""
    means = average(np.stack([site_f1(validation, threshold) for threshold in CANDIDATES]))
    return None if np.isnan(means).all() else CANDIDATES[int(np.nanargmax(means))]


def micro_f1(test: Scored, validation: Scored | None, resampling: Resampling) -> SiteF1 | None:
    """Return the mean of the sites' F1 on ``test`` at the threshold chosen on ``validation``.

    Without a validation set each fold of ``test`` gets the threshold that is best on the other folds (each half
    of the blocks, with one fold only), and the threshold named is the best on all. None where no site counts.
    """
    if validation is not None and validation.species != test.species:
        raise InputError("Validation and test do not hold the same species; give both in the same order.")
    threshold = chosen_threshold(test if validation is None else validation)
    if threshold is None:
        return None
    if validation is not None:
        values = site_f1(test, threshold)
    else:
        values = np.full(len(test), np.nan)
        for group in _groups(test):
            other = chosen_threshold(test.taken(~group)) if not group.all() else None
            if other is not None:
                values[group] = site_f1(test.taken(group), other)
    drawn, sites = _by_site(values, resampling)
    return SiteF1(Estimate.of(drawn, units=resampling.blocks), threshold, sites, drawn)


def site_auc(scored: Scored, resampling: Resampling) -> tuple[Estimate, int]:
    """Return the mean over sites of the AUC over a site's species, and how many sites hold both classes."""
    counted, values = scored.compared, np.full(len(scored), np.nan)
    number = (scored.found & counted).sum(axis=1)
    for row in np.flatnonzero((number > 0) & (number < counted.sum(axis=1))):
        there = counted[row]
        values[row] = auc(scored.logit[row, there], scored.found[row, there])
    drawn, sites = _by_site(values, resampling)
    return Estimate.of(drawn, units=resampling.blocks), sites


def _by_site(values: Floats, resampling: Resampling) -> tuple[Floats, int]:
    there = np.isfinite(values)
    means = resampling.fold_means(np.nan_to_num(values), there.astype(np.float64))
    return average(means), int(there.sum())


def _groups(scored: Scored) -> list[np.ndarray]:
    """Return the rows of each fold; with one fold, of each half of the blocks."""
    folds = np.unique(scored.fold)
    key = scored.fold if len(folds) > 1 else np.unique(scored.block, return_inverse=True)[1] % 2
    return [key == one for one in np.unique(key)]
