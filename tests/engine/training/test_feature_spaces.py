"""Spaces of branch features: distances as the covariance gives them, limits from places held out."""

from __future__ import annotations

import numpy as np
import torch
from scalescape.engine.training.feature_spaces import (
    MOST_COMPONENTS,
    HeldOutDistances,
    feature_space,
    some_of,
)
from scipy.spatial.distance import mahalanobis

KEY = ("satellite", 25)


def features(seed: int, places: int, size: int = 6) -> np.ndarray:
    draw = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(size, size))
    return draw.normal(size=(places, size)) @ mixing + 3


def test_distances_are_those_of_the_covariance() -> None:
    learnt = features(1, 500)
    space = feature_space(learnt)
    others = features(2, 20) * 1.5
    inverse = np.linalg.inv(np.cov(learnt, rowvar=False))
    wanted = [mahalanobis(one, learnt.mean(axis=0), inverse) for one in others]
    found = space.distance(torch.from_numpy(others.astype(np.float32)))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)


def test_only_the_first_components_count() -> None:
    learnt = features(1, 500, size=30)
    space = feature_space(learnt)
    assert space.axes.shape == (MOST_COMPONENTS, 30)
    variance = np.linalg.eigvalsh(np.cov(learnt, rowvar=False))[::-1][:MOST_COMPONENTS]
    np.testing.assert_allclose(1 / space.axes.norm(dim=1) ** 2, variance, rtol=1e-4)
    assert feature_space(np.ones((50, 4))) is None
    still = learnt.copy()
    still[:, 3:] = 7
    assert len(feature_space(still).axes) == 3


def test_the_limit_is_the_99th_percentile_of_what_folds_held_out() -> None:
    distances = HeldOutDistances()
    pooled = []
    for fold in range(3):
        learnt, tested = features(10 + fold, 400) * (1 + fold), features(20 + fold, 150) * (1 + fold)
        distances.add({KEY: learnt}, {KEY: tested})
        pooled.append(feature_space(learnt).distance(torch.from_numpy(tested.astype(np.float32))).numpy())
    spaces = distances.spaces({KEY: features(5, 800)})
    np.testing.assert_allclose(spaces[KEY].limit, np.percentile(np.concatenate(pooled), 99), rtol=1e-5)
    unseen = spaces[KEY].distance(torch.from_numpy(features(6, 4000).astype(np.float32))).numpy()
    assert 0.003 < (unseen > spaces[KEY].limit).mean() < 0.03


def test_one_percent_of_the_places_held_out_exceed_any_of_the_limits() -> None:
    keys = [("satellite", 25), ("satellite", 59), ("bioclim", 1), ("bioclim", 5)]
    distances, largest = HeldOutDistances(), []
    for fold in range(4):
        learnt = {key: features(100 * fold + place, 600) for place, key in enumerate(keys)}
        tested = {key: features(100 * fold + place + 50, 500) for place, key in enumerate(keys)}
        distances.add(learnt, tested)
        of_key = [
            feature_space(learnt[key]).distance(torch.from_numpy(tested[key].astype(np.float32))).numpy()
            for key in keys
        ]
        largest.append(np.stack(of_key))
    limits = distances.limits()
    pooled = np.concatenate(largest, axis=1)
    novel = (pooled > np.array([limits[key] for key in keys])[:, None]).any(axis=0)
    assert abs(novel.mean() - 0.01) < 0.001
    own = np.percentile(pooled, 99, axis=1)
    factors = np.array([limits[key] for key in keys]) / own
    np.testing.assert_allclose(factors, factors[0], rtol=1e-5)
    assert (pooled > own[:, None]).any(axis=0).mean() > 0.03  # what four limits of their own would call novel


def test_many_places_are_drawn_from_by_seed() -> None:
    few, many = np.arange(10), np.arange(100_000)
    np.testing.assert_array_equal(some_of(few, 1), few)
    drawn = some_of(many, 1)
    assert len(set(drawn)) == len(drawn) == 4000
    np.testing.assert_array_equal(drawn, some_of(many, 1))
