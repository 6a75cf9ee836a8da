"""The continuous Boyce index agrees with a plain loop, and means what it should."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging.boyce import boyce
from scipy.stats import spearmanr


def looped_boyce(present: np.ndarray, area: np.ndarray, weight: np.ndarray) -> float:
    """A window of a tenth of the range, moved in 100 steps; share of presences over share of the area."""
    low = min(present.min(), area.min())
    high = max(present.max(), area.max())
    ratios, places = [], []
    for step in range(100):
        start = low + step / 99 * 0.9 * (high - low)
        end = start + 0.1 * (high - low)
        inside = ((area >= start - 1e-12) & (area <= end + 1e-12)).sum() / area.size
        mine = weight[(present >= start - 1e-12) & (present <= end + 1e-12)].sum() / weight.sum()
        if inside > 0:
            ratios.append(round(mine / inside, 9))
            places.append(step)
    return float(spearmanr(ratios, places).statistic)


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_a_plain_loop_for_any_weights_of_blocks(seed: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.random(500) ** 2
    present = draw.random(500) < scores
    position = draw.integers(0, 7, 500)
    weights = np.vstack([np.ones(7), draw.integers(1, 4, (3, 7))]).astype(np.float64)
    found = boyce(scores, present, ~present, position, weights)
    for value, by_block in zip(found, weights, strict=True):
        expected = looped_boyce(scores[present], scores[~present], by_block[position[present]])
        assert np.isclose(value, expected, atol=0.01)


def test_it_is_near_one_where_presences_crowd_and_near_minus_one_where_they_shun() -> None:
    draw = np.random.default_rng(0)
    scores = draw.random(20_000)
    position, weights = np.zeros(20_000, np.int64), np.ones((1, 1))
    crowd, shun = draw.random(20_000) < scores / 2, draw.random(20_000) < (1 - scores) / 2
    assert boyce(scores, crowd, ~crowd, position, weights)[0] > 0.98
    assert boyce(scores, shun, ~shun, position, weights)[0] < -0.98


def test_there_is_none_without_presences_or_without_any_spread() -> None:
    nobody, flat = np.zeros(9, np.bool_), np.full(9, 0.5)
    position, weights = np.zeros(9, np.int64), np.ones((2, 1))
    assert np.isnan(boyce(np.arange(9.0), nobody, ~nobody, position, weights)).all()
    assert np.isnan(boyce(flat, np.arange(9) < 3, np.arange(9) >= 3, position, weights)).all()
