"""F1 and AUC by site agree with scikit-learn, and the threshold is chosen on other sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_up_values import scored
from scalescape.engine.judging.resampling import Resampling
from scalescape.engine.judging.scored import Scored
from scalescape.engine.judging.site_figures import (
    CANDIDATES,
    chosen_threshold,
    micro_f1,
    site_auc,
    site_f1,
)
from scalescape.engine.running.errors import InputError
from sklearn.metrics import f1_score, roc_auc_score


def resampling(values: Scored) -> Resampling:
    return Resampling.of(values.block, values.fold, 200, 0)


def test_the_candidates_are_those_of_the_paper() -> None:
    assert len(CANDIDATES) == 25 and CANDIDATES[:2] == (0.2, 0.225) and CANDIDATES[-1] == 0.8


@pytest.mark.parametrize("threshold", [0.2, 0.525, 0.8])
def test_site_f1_agrees_with_scikit_learn(threshold: float) -> None:
    values = scored(species=12)
    some = values.found.any(axis=1)
    called = 1 / (1 + np.exp(-values.logit)) >= threshold
    theirs = f1_score(values.found[some], called[some], average="samples", zero_division=0)
    mine = site_f1(values, threshold)
    assert np.isclose(np.nanmean(mine), theirs)
    assert (np.isfinite(mine) == some).all()


def test_the_threshold_comes_from_validation_and_the_figure_from_test() -> None:
    values = scored(species=10, rows=900, folds=1)
    first = np.arange(900) < 400
    validation, test = values.taken(first), values.taken(~first)
    means = [
        f1_score(
            validation.found[validation.found.any(axis=1)],
            (1 / (1 + np.exp(-validation.logit)) >= t)[validation.found.any(axis=1)],
            average="samples",
            zero_division=0,
        )
        for t in CANDIDATES
    ]
    judged = micro_f1(test, validation, resampling(test))
    assert judged is not None
    assert judged.threshold == CANDIDATES[int(np.argmax(means))] == chosen_threshold(validation)
    assert np.isclose(judged.f1.value, np.nanmean(site_f1(test, judged.threshold)))
    assert judged.f1.low < judged.f1.value < judged.f1.high
    assert judged.sites == test.found.any(axis=1).sum()


def test_without_validation_a_fold_never_chooses_its_own_threshold() -> None:
    values = scored(species=10, rows=900, folds=3)
    expected = []
    for fold in np.unique(values.fold):
        mine = values.fold == fold
        expected.append(np.nanmean(site_f1(values.taken(mine), chosen_threshold(values.taken(~mine)))))
    judged = micro_f1(values, None, resampling(values))
    assert judged is not None and np.isclose(judged.f1.value, np.mean(expected))


def test_site_auc_agrees_with_scikit_learn_over_surveyed_species_alone() -> None:
    values = scored(species=12, rows=300, digits=1, folds=1)
    known = np.random.default_rng(2).random(values.known.shape) < 0.5
    values = replace(values, known=known)
    expected = []
    for row in range(300):
        found = values.found[row, known[row]]
        if found.any() and not found.all():
            expected.append(roc_auc_score(found, values.logit[row, known[row]]))
    estimate, sites = site_auc(values, resampling(values))
    assert sites == len(expected) and np.isclose(estimate.value, np.mean(expected))


def test_sites_that_were_not_surveyed_change_nothing_however_wrong_they_are() -> None:
    values = scored(species=8)
    known = np.random.default_rng(2).random(values.known.shape) < 0.5
    masked = replace(values, known=known)
    wrong = replace(masked, logit=np.where(known, values.logit, 99.0), found=values.found | ~known)
    for threshold in (0.3, 0.6):
        assert np.array_equal(site_f1(masked, threshold), site_f1(wrong, threshold), equal_nan=True)
    assert site_auc(masked, resampling(masked)) == site_auc(wrong, resampling(wrong))


def test_presence_only_records_have_no_figure_by_site() -> None:
    values = scored(kinds="po", background=0.4)
    assert micro_f1(values, None, resampling(values)) is None
    assert site_auc(values, resampling(values))[0].value is None


def test_species_that_differ_are_refused() -> None:
    values = scored()
    with pytest.raises(InputError, match="same species"):
        micro_f1(values, values.with_species(["Species 1"]), resampling(values))
