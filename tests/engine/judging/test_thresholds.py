"""Every rule picks, among all scores, the one that it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging.thresholds import (
    EQUAL,
    LARGEST_TSS,
    MINIMUM,
    RULES,
    TENTH_PERCENTILE,
    best_threshold,
    thresholds,
)
from scalescape.engine.protocol import THRESHOLD_RULES


def test_rules_are_typed_as_they_are_called() -> None:
    """They are paired by their order: a name in another place would stand for another threshold."""
    assert tuple(rule.lower().replace(" ", "-") for rule in RULES) == THRESHOLD_RULES


def sites(seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    scores = np.round(draw.normal(size=200), 1)
    return scores, draw.random(200) < 1 / (1 + np.exp(-2 * scores))


@pytest.mark.parametrize("seed", range(5))
def test_each_rule_agrees_with_trying_all_scores(seed: int) -> None:
    scores, present = sites(seed)
    tried = {
        float(t): ((scores[present] >= t).mean(), (scores[~present] < t).mean()) for t in np.unique(scores)
    }
    found = thresholds(scores, present)
    for threshold in found.values():
        assert np.allclose(tried[threshold.value], (threshold.sensitivity, threshold.specificity))
    assert np.isclose(found[LARGEST_TSS].tss, max(a + b - 1 for a, b in tried.values()))
    apart = abs(found[EQUAL].sensitivity - found[EQUAL].specificity)
    assert np.isclose(apart, min(abs(a - b) for a, b in tried.values()))
    assert found[TENTH_PERCENTILE].value == max(t for t, (a, _) in tried.items() if a >= 0.9 - 1e-12)
    assert found[MINIMUM].value == scores[present].min()
    assert best_threshold(scores, present) == found[LARGEST_TSS].value


def test_weights_by_class_and_fold_make_means_over_folds() -> None:
    scores, present = sites(9)
    fold = np.arange(200) % 3
    weight = np.zeros(200)
    for one in range(3):
        for kind in (present, ~present):
            weight[(fold == one) & kind] = 1 / ((fold == one) & kind).sum()
    for threshold in thresholds(scores, present, weight).values():
        called = scores >= threshold.value
        sensitivity = np.mean([called[(fold == one) & present].mean() for one in range(3)])
        specificity = np.mean([(~called[(fold == one) & ~present]).mean() for one in range(3)])
        assert np.isclose(threshold.sensitivity, sensitivity)
        assert np.isclose(threshold.specificity, specificity)
