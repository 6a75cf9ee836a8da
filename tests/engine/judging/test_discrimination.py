"""AUC and average precision agree with scikit-learn and with plain loops, plain and resampled."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.judging import discrimination
from scalescape.engine.judging.discrimination import auc, resampled_skill
from sklearn.metrics import average_precision_score, roc_auc_score


def looped_auc(scores: np.ndarray, present: np.ndarray, weight: np.ndarray) -> float:
    """Every pair of a presence and an absence, one after the other."""
    won = total = 0.0
    for i in np.flatnonzero(present):
        for j in np.flatnonzero(~present):
            pair = weight[i] * weight[j]
            total += pair
            won += pair * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
    return won / total if total else float("nan")


@pytest.mark.parametrize("digits", [1, 8])
def test_auc_agrees_with_scikit_learn_ties_included(digits: int) -> None:
    draw = np.random.default_rng(0)
    scores = np.round(draw.normal(size=400), digits)
    present = draw.random(400) < 1 / (1 + np.exp(-scores))
    assert np.isclose(auc(scores, present), roc_auc_score(present, scores))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 40), st.integers(1, 8), st.integers(0, 1))
def test_resampled_figures_agree_with_loops_and_with_weights_of_scikit_learn(
    seed: int, rows: int, blocks: int, digits: int
) -> None:
    draw = np.random.default_rng(seed)
    scores = np.round(draw.normal(size=rows), digits)
    present = draw.random(rows) < 0.4
    present[:2] = True, False
    position = draw.integers(0, blocks, rows)
    weights = draw.multinomial(blocks, np.full(blocks, 1 / blocks), size=6).astype(np.float64)
    area, precision = resampled_skill(scores, present, ~present, position, weights)
    for number, by_block in enumerate(weights):
        weight = by_block[position]
        expected = looped_auc(scores, present, weight)
        assert np.isclose(area[number], expected, equal_nan=True)
        if np.isnan(expected):
            assert np.isnan(precision[number])
        else:
            theirs = average_precision_score(present, scores, sample_weight=weight)
            assert np.isclose(precision[number], theirs)
            assert np.isclose(area[number], roc_auc_score(present, scores, sample_weight=weight))


def test_the_answer_does_not_depend_on_how_many_cells_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(2)
    scores, present = draw.normal(size=300), draw.random(300) < 0.3
    position, weights = draw.integers(0, 9, 300), draw.integers(0, 3, (50, 9)).astype(np.float64)
    whole = resampled_skill(scores, present, ~present, position, weights)
    monkeypatch.setattr(discrimination, "CELLS", 200)
    pieces = resampled_skill(scores, present, ~present, position, weights)
    assert np.allclose(whole[1], pieces[1]) and (whole[0] == pieces[0]).all()


def test_one_class_only_has_no_figure() -> None:
    everywhere = np.ones(10, np.bool_)
    figures = resampled_skill(np.arange(10.0), everywhere, ~everywhere, np.zeros(10, np.int64), np.ones((3, 1)))
    assert np.isnan(figures).all()
