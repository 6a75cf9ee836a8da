"""Figures over species: medians and means of their AUC, with the same block resamples, also by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...models.flags import FEW_PRESENCES
from .resampling import Estimate, average, median
from .scored import BACKGROUND, SURVEY, Flags
from .species_figures import Figures, SpeciesFigures

PREVALENCE_BOUNDS = (0.01, 0.05, 0.2)  # of surveyed sites
PRESENCES_BOUNDS = (10, 100, 1000)  # training presences, where prevalence is not known


def over_species(figures: Figures, chosen: Flags) -> dict[str, Any]:
    """Return number, median and mean of the AUC of the ``chosen`` species (species,), with intervals.

    ``auc_low`` and ``auc_high`` bound the median.
    """
    counted = chosen & np.isfinite(figures.auc[0])
    mine, blocks = figures.auc[:, counted], figures.blocks_of(counted)
    if not mine.shape[1]:
        middle = mean = Estimate()
    else:
        middle, mean = (Estimate.of(values, units=blocks) for values in (median(mine), average(mine)))
    return {
        "n_species": mine.shape[1],
        "auc_median": middle.value,
        "auc_low": middle.low,
        "auc_high": middle.high,
        "auc_mean": mean.value,
        "auc_mean_low": mean.low,
        "auc_mean_high": mean.high,
    }


def averaged(figures: Figures) -> Flags:
    """Return which species count in the averages: those that have an AUC, from 10 test presences or more.

    The AUC of a handful of presences says hardly anything, and tends to be too good or too bad.
    """
    return with_auc(figures) & np.array([FEW_PRESENCES not in one.flags for one in figures.species], np.bool_)


def with_auc(figures: Figures) -> Flags:
    """Return which species have an AUC of their own, from however few test presences."""
    return np.array([one.auc.value is not None for one in figures.species], np.bool_)


def classes(figures: Figures) -> list[dict[str, Any]]:
    """Return ``over_species`` within classes of prevalence (survey) or of training presences (background)."""
    counts = averaged(figures)
    found = []
    for against, bounds in ((SURVEY, PREVALENCE_BOUNDS), (BACKGROUND, PRESENCES_BOUNDS)):
        place = np.array([_class(one, against, bounds) for one in figures.species], np.int64)
        for number in range(len(bounds) + 1):
            chosen = counts & (place == number)
            if chosen.any():
                label = class_label(number, bounds, against)
                found.append({"class": label, "against": against, **over_species(figures, chosen)})
    return found


def _class(one: SpeciesFigures, against: str, bounds: Sequence[float]) -> int:
    value = one.prevalence if against == SURVEY else float(one.presences)
    return -1 if one.against != against or value is None else int(np.searchsorted(bounds, value, "right"))


def class_label(number: int, bounds: Sequence[float], against: str) -> str:
    """Return the name of a class: ``prevalence 1 % to 5 %``, ``10 to 99 training presences``."""
    low = bounds[number - 1] if number else None
    high = bounds[number] if number < len(bounds) else None
    if against == SURVEY:
        if low is None:
            return f"prevalence under {high:.0%}".replace("%", " %")
        span = f"{low:.0%} or more" if high is None else f"{low:.0%} to {high:.0%}"
        return f"prevalence {span}".replace("%", " %")
    if low is None:
        return f"fewer than {high} training presences"
    return f"{low} or more training presences" if high is None else f"{low} to {high - 1:g} training presences"


def mean_of(figures: Figures, name: str) -> tuple[Estimate, int]:
    """Return the mean over species of a figure such as ``tss``, and over how many: those that are averaged."""
    there = np.array([getattr(one, name).value is not None for one in figures.species], np.bool_)
    there &= averaged(figures)
    if not there.any():
        return Estimate(), 0
    drawn = average(figures.drawn[name][:, there])
    return Estimate.of(drawn, units=figures.blocks_of(there)), int(there.sum())


def compared(network: Figures, null: Figures) -> dict[str, Any]:
    """Return the null's figures over the species that both have, the network's on the same, and the gain.

    The gain is the mean over species of the network's AUC less the null's, draw by draw.
    """
    both = averaged(network) & averaged(null)
    theirs, ours = over_species(null, both), over_species(network, both)
    gain = Estimate()
    if both.any():
        gain = Estimate.of(average((network.auc - null.auc)[:, both]), units=network.blocks_of(both))
    return {
        **theirs,
        "network_auc_median": ours["auc_median"],
        "network_auc_mean": ours["auc_mean"],
        "gain_mean": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
    }
