"""Occurrence comes near the true probability, and is refused where surveys do not allow it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_values import scored
from scalescape.engine.judging.calibration import (
    FEW,
    RIDGE,
    calibrate,
    held_out_occurrence,
    platt,
    reliability,
)
from scalescape.engine.judging.scored import Scored
from scipy.optimize import minimize


def simulated(
    rows: int, prevalences: tuple[float, ...], stretch: float, shift: float, seed: int = 0
) -> tuple[Scored, np.ndarray]:
    """Surveys with a known probability p; the logits are favourabilities, stretched and shifted."""
    draw = np.random.default_rng(seed)
    true_logit = draw.normal(0, 1.5, (rows, len(prevalences))) + np.log(np.array(prevalences))
    p = 1 / (1 + np.exp(-true_logit))
    found = draw.random(p.shape) < p
    share = found.mean(axis=0)
    favourability = true_logit - np.log(share / (1 - share))
    values = scored(rows, len(prevalences), folds=4)
    return replace(values, logit=favourability * stretch + shift, found=found), p


@pytest.mark.parametrize(("stretch", "shift"), [(1.0, 0.0), (2.5, 0.7), (0.4, -1.0)])
def test_occurrence_is_within_five_percent_of_the_true_probability_over_ten_bins(
    stretch: float, shift: float
) -> None:
    values, p = simulated(2000, (0.5, 0.2, 1.0), stretch, shift)
    for occurrence in (calibrate(values).occurrence(values.logit), held_out_occurrence(values)):
        for column in range(3):
            curve = reliability(occurrence[:, column], p[:, column])
            assert curve.count.sum() == 2000
            assert curve.error < 0.05
            tenths = np.array_split(np.argsort(occurrence[:, column]), 10)
            apart = [abs(occurrence[t, column].mean() - p[t, column].mean()) for t in tenths]
            assert np.mean(apart) < 0.05


def test_the_error_notices_logits_that_were_never_calibrated() -> None:
    values, p = simulated(2000, (0.5,), 2.5, 0.7)
    assert reliability(1 / (1 + np.exp(-values.logit[:, 0])), p[:, 0]).error > 0.1


def test_the_regression_is_the_minimum_that_scipy_finds() -> None:
    draw = np.random.default_rng(4)
    logit = draw.normal(0, 2, 300)
    found = draw.random(300) < 1 / (1 + np.exp(-0.6 * logit + 1))

    def loss(line: np.ndarray) -> float:
        eta = line[0] * logit + line[1]
        ridge = RIDGE / 2 * ((line[0] - 1) ** 2 + line[1] ** 2)
        return float(np.sum(np.logaddexp(0, eta) - found * eta) + ridge)

    assert np.allclose(platt(logit, found), minimize(loss, [1.0, 0.0], tol=1e-10).x, atol=1e-4)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_classes_that_do_not_overlap_give_a_finite_line(scale: float) -> None:
    logit = np.linspace(-1, 1, 40) * scale
    assert np.isfinite(platt(logit, logit > 0)).all()


def test_a_species_ranked_worse_than_chance_occurs_with_the_same_probability_everywhere() -> None:
    logit = np.linspace(-3, 3, 400)
    slope, intercept = platt(logit, np.random.default_rng(0).random(400) < 1 / (1 + np.exp(logit)))
    assert slope == 0 and abs(intercept) < 0.3


def test_species_of_few_presences_share_slope_and_shift() -> None:
    values, _ = simulated(600, (0.5, 0.005, 0.008, 0.006), 1.8, 0.3)
    presences = values.found.sum(axis=0)
    assert (presences[1:] < FEW).all() and presences[1:].sum() >= FEW
    fitted = calibrate(values)
    assert fitted.pooled == (False, True, True, True)
    assert fitted.slope[1] == fitted.slope[2] == fitted.slope[3] != fitted.slope[0]
    share = presences / 600
    shifts = np.array(fitted.intercept[1:]) - fitted.slope[1] * np.log(share / (1 - share))[1:]
    assert np.allclose(shifts, shifts[0])


def test_it_is_refused_with_the_reason_for_records_and_for_chosen_absences() -> None:
    values = scored(kinds=("po", "pa-balanced", "pa", "pa"), background=0.2)
    fitted = calibrate(values, favourability=(False, False, True, False))
    assert "presence-only" in fitted.refusal[0] and "by design" in fitted.refusal[1]
    assert not fitted.refusal[2] and "no favourability" in fitted.refusal[3]
    assert [slope is None for slope in fitted.slope] == [True, True, False, True]
    occurrence = fitted.occurrence(values.logit)
    assert np.isnan(occurrence[:, [0, 1, 3]]).all() and np.isfinite(occurrence[:, 2]).all()


def test_sites_that_were_not_surveyed_and_background_points_do_not_count() -> None:
    values = scored(rows=900, background=0.2)
    known = np.random.default_rng(1).random(values.known.shape) < 0.6
    masked = replace(values, known=known, found=np.where(known, values.found, True))
    mine = known[:, 0] & ~values.background
    share = values.found[mine, 0].mean()
    shift = np.log(share / (1 - share))
    slope, intercept = platt(values.logit[mine, 0] + shift, values.found[mine, 0])
    fitted = calibrate(masked)
    assert np.isclose(fitted.slope[0], slope)
    assert np.isclose(fitted.intercept[0], slope * shift + intercept)


def test_held_out_values_are_calibrated_without_their_own_fold() -> None:
    values = scored(folds=3)
    mine = values.fold == 1
    changed = replace(values, found=np.where(mine[:, None], ~values.found, values.found))
    same = held_out_occurrence(values)[mine] == held_out_occurrence(changed)[mine]
    assert same.all()
    assert np.isnan(held_out_occurrence(scored(folds=1))).all()
