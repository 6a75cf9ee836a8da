"""The continuous Boyce index agrees with a plain loop, and means what it should."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging.boyce import area_ranks, pooled_boyce
from scipy.stats import percentileofscore, spearmanr


def looped_boyce(present: np.ndarray, area: np.ndarray, weight: np.ndarray, mine: np.ndarray) -> float:
    """A window of a tenth of the ranks, moved in 100 steps; share of presences over share of the area."""
    ratios, places = [], []
    for step in range(100):
        start = step / 99 * 0.9
        end = start + 0.1
        inside = mine[(area >= start - 1e-12) & (area <= end + 1e-12)].sum()
        held = weight[(present >= start - 1e-12) & (present <= end + 1e-12)].sum()
        if inside > 0:
            ratios.append(round(held / inside, 9))
            places.append(step)
    return float(spearmanr(ratios, places).statistic)


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_a_plain_loop_for_any_weights_of_blocks(seed: int) -> None:
    draw = np.random.default_rng(seed)
    ranks = draw.random(500) ** 2
    present = draw.random(500) < ranks
    position = draw.integers(0, 7, 500)
    weights = np.vstack([np.ones(7), draw.integers(1, 4, (3, 7))]).astype(np.float64)
    found = pooled_boyce(ranks, present, ~present, position, weights)
    for value, by_block in zip(found, weights, strict=True):
        of_row = by_block[position]
        expected = looped_boyce(ranks[present], ranks[~present], of_row[present], of_row[~present])
        assert np.isclose(value, expected, atol=0.01)


def test_windows_without_area_are_left_out() -> None:
    ranks = np.concatenate([np.full(50, 0.3), np.linspace(0.7, 1, 50)])
    present = np.arange(100) % 3 == 0
    position, weights = np.zeros(100, np.int64), np.ones((1, 1))
    everywhere = np.ones(100)
    expected = looped_boyce(ranks[present], ranks[~present], everywhere[present], everywhere[~present])
    assert np.isclose(pooled_boyce(ranks, present, ~present, position, weights)[0], expected, atol=0.01)


def test_it_is_near_one_where_presences_crowd_and_near_minus_one_where_they_shun() -> None:
    draw = np.random.default_rng(0)
    ranks = draw.random(20_000)
    position, weights = np.zeros(20_000, np.int64), np.ones((1, 1))
    crowd, shun = draw.random(20_000) < ranks / 2, draw.random(20_000) < (1 - ranks) / 2
    assert pooled_boyce(ranks, crowd, ~crowd, position, weights)[0] > 0.98
    assert pooled_boyce(ranks, shun, ~shun, position, weights)[0] < -0.98


def test_there_is_none_without_presences_or_without_any_spread() -> None:
    nobody, flat = np.zeros(9, np.bool_), np.full(9, 0.5)
    position, weights = np.zeros(9, np.int64), np.ones((2, 1))
    assert np.isnan(pooled_boyce(np.linspace(0, 1, 9), nobody, ~nobody, position, weights)).all()
    assert np.isnan(pooled_boyce(flat, np.arange(9) < 3, np.arange(9) >= 3, position, weights)).all()


def test_ranks_are_shares_of_the_area_that_score_lower() -> None:
    draw = np.random.default_rng(1)
    scores = np.round(draw.normal(size=60), 1)
    area = draw.random(60) < 0.7
    expected = [percentileofscore(scores[area], one, "mean") / 100 for one in scores]
    np.testing.assert_allclose(area_ranks(scores, area), expected)
