"""The judgement on a network: figures by species and over species."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models.card import Card
from ..running.errors import InputError
from .calibration import BINS, Calibration, Reliability, favourable, held_out_occurrence, reliability
from .resampling import DRAWS, Estimate, Resampling, average, finite
from .scored import BACKGROUND, SURVEY, Floats, Scored
from .site_figures import micro_f1, site_auc
from .species_figures import FIGURES, Figures, SpeciesFigures, beside_coordinates, species_figures
from .species_means import averaged, classes, compared, mean_of, over_species, with_auc
from .thresholds import LARGEST_TSS

COLUMNS = (
    "species", "n_presence", "n_absence", "n_blocks", "against", "auc", "auc_low", "auc_high",
    "average_precision", "tss", "threshold", "boyce", "brier", "flag",
)  # fmt: skip


@dataclass(frozen=True)
class Judgement:
    """What a network is worth.

    Attributes
    ----------
    species
        Rows of species.csv: a dict of ``COLUMNS`` a species, None where there is no figure.
    summary
        Content of summary.json: numbers, text and None only.
    figures, null
        All figures by species with their intervals, of the network and of coordinates alone.
    scored, card
        What was judged.
    curve
        Found against calibrated probability over all species and sites; None where there is no occurrence.
    """

    species: tuple[dict[str, Any], ...]
    summary: dict[str, Any]
    figures: Figures
    null: Figures | None
    scored: Scored
    card: Card | None
    curve: Reliability | None


def judge(
    scored: Scored,
    validation: Scored | None = None,
    seed: int = 0,
    *,
    null: Scored | None = None,
    calibration: Calibration | None = None,
    card: Card | None = None,
    blocked: bool = True,
    draws: int = DRAWS,
) -> Judgement:
    """Judge a network by its values at places that it did not learn from.

    Parameters
    ----------
    validation
        Sites to choose the threshold of F1 on; the other folds by default.
    seed
        Of the resampled blocks.
    null
        Values of coordinates alone for the same rows (``coordinates_null``).
    calibration
        How a logit becomes an occurrence, fitted elsewhere. Without it each fold is calibrated on the others.
    card
        Says what the output is (a favourability or not), and is shown in the report.
    blocked
        Whether test blocks were cut from the training area (``species_figures``); False for a separate survey.
    draws
        Number of block resamples.
    """
    resampling = Resampling.of(scored.block, scored.fold, draws, seed)
    occurrence = _occurrence(scored, calibration, card)
    figures = species_figures(scored, resampling, occurrence, blocked)
    null_figures = None
    if null is not None:
        if null.species != scored.species or len(null) != len(scored):
            raise InputError("Coordinates alone were judged on other species or sites; make them again.")
        null_figures = species_figures(null, resampling, np.full(null.logit.shape, np.nan), blocked)
        figures = beside_coordinates(figures, null_figures)
    curve = _curve(scored, occurrence)
    summary = {
        **_headline(scored, validation, resampling, figures, curve),
        "draws": draws,
        "seed": seed,
        "coordinates": None if null_figures is None else compared(figures, null_figures),
    }
    rows = tuple(_row(one) for one in figures.species)
    return Judgement(rows, summary, figures, null_figures, scored, card, curve)


def _occurrence(scored: Scored, calibration: Calibration | None, card: Card | None) -> Floats:
    if calibration is None:
        return held_out_occurrence(scored, None if card is None else favourable(card, scored.species))
    if calibration.species != scored.species:
        raise InputError("The calibration was fitted to other species; fit it again.")
    return calibration.occurrence(scored.logit)


def _curve(scored: Scored, occurrence: Floats) -> Reliability | None:
    there = np.isfinite(occurrence) & scored.compared
    return reliability(occurrence[there], scored.found[there].astype(np.float64)) if there.any() else None


def _headline(
    scored: Scored,
    validation: Scored | None,
    resampling: Resampling,
    figures: Figures,
    curve: Reliability | None,
) -> dict[str, Any]:
    f1 = micro_f1(scored, validation, resampling)
    site, n_site = site_auc(scored, resampling)
    counts = averaged(figures)
    macro = average(figures.auc[:, counts]) if counts.any() else np.full(len(figures.auc), np.nan)
    against = [kind for kind in (SURVEY, BACKGROUND) if kind in scored.against]
    kinds = np.array(scored.against)
    flags = Counter(flag for one in figures.species for flag in one.flags)
    return {
        **over_species(figures, counts),
        **_estimate("macro_auc", Estimate.of(macro, units=figures.blocks_of(counts))),
        **_estimate("site_auc", site),
        "n_site_auc": n_site,
        **_estimate("micro_f1", Estimate() if f1 is None else f1.f1),
        "f1_threshold": None if f1 is None else f1.threshold,
        "n_f1": 0 if f1 is None else f1.sites,
        **_means(figures),
        "calibration": None if curve is None else _curve_rows(curve),
        "against": " and ".join(against),
        "by_against": {kind: over_species(figures, counts & (kinds == kind)) for kind in against},
        "with_auc": over_species(figures, with_auc(figures)),
        "classes": classes(figures),
        "flags": dict(sorted(flags.items())),
        "n_species_tested": len(scored.species),
        "n_species_flagged": sum(bool(one.flag) for one in figures.species),
        "n_sites": int((~scored.background).sum()),
        "n_background": int(scored.background.sum()),
        "n_blocks": resampling.blocks,
        "n_folds": resampling.folds,
    }


def _means(figures: Figures) -> dict[str, float | int | None]:
    found: dict[str, float | int | None] = {}
    for name in FIGURES[1:]:
        mean, number = mean_of(figures, name)
        found.update({**_estimate(f"{name}_mean", mean), f"n_{name}": number})
    return found


def _estimate(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def _curve_rows(curve: Reliability) -> dict[str, Any]:
    return {
        "error": finite(curve.error),
        "bins": [
            {
                "low": number / BINS,
                "high": (number + 1) / BINS,
                "predicted": finite(curve.predicted[number]),
                "found": finite(curve.observed[number]),
                "n": int(curve.count[number]),
            }
            for number in range(len(curve.count))
        ],
    }


def _row(one: SpeciesFigures) -> dict[str, Any]:
    threshold = one.thresholds.get(LARGEST_TSS)
    values = (
        one.name, one.n_presence, one.n_absence, one.n_blocks, one.against,
        one.auc.value, one.auc.low, one.auc.high, one.average_precision.value, one.tss.value,
        None if threshold is None else threshold.value, one.boyce.value, one.brier.value, one.flag,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
