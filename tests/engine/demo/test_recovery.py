"""The figures by which the demo network is judged agree with independent ones."""

from __future__ import annotations

import numpy as np
from scalescape.engine.demo.recovery import auc, best_threshold
from sklearn.metrics import roc_auc_score


def test_auc_agrees_with_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.normal(size=400), 1)
    present = rng.random(400) < 1 / (1 + np.exp(-scores))
    assert np.isclose(auc(scores, present), roc_auc_score(present, scores))


def test_the_threshold_of_largest_tss_is_found_among_all_scores() -> None:
    rng = np.random.default_rng(1)
    scores = np.round(rng.normal(size=200), 1)
    present = rng.random(200) < 1 / (1 + np.exp(-2 * scores))
    skill = {t: (scores[present] >= t).mean() - (scores[~present] >= t).mean() for t in np.unique(scores)}
    assert skill[best_threshold(scores, present)] == max(skill.values())
