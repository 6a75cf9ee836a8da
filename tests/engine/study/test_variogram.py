"""The variogram, against plain loops over all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.study import variogram as module
from scalescape.engine.study.variogram import changes, lags_of, variogram


def plain(values: np.ndarray, valid: np.ndarray, lag: int, categories: bool) -> float:
    found = []
    rows, columns = values.shape
    for row in range(rows):
        for column in range(columns):
            for other in ((row + lag, column), (row, column + lag)):
                if other[0] < rows and other[1] < columns and valid[row, column] and valid[other]:
                    difference = float(values[row, column]) - float(values[other])
                    found.append(float(difference != 0) if categories else difference**2)
    return float(np.mean(found)) / 2 if found else float("nan")


@pytest.mark.parametrize("shape", [(9, 13), (13, 9), (1, 8), (8, 1), (1, 1)])
@pytest.mark.parametrize("held", [1.0, 0.5, 0.0])
def test_it_is_half_the_mean_squared_difference_of_pairs_that_hold(shape: tuple[int, int], held: float) -> None:
    draw = np.random.default_rng(1)
    values = draw.integers(0, 4, shape).astype(np.float32)
    valid = draw.random(shape) < held
    lags = tuple(range(1, 8))
    for measure, categories in ((variogram, False), (changes, True)):
        expected = [plain(values, valid, lag, categories) for lag in lags]
        np.testing.assert_allclose(measure(values, valid, lags), expected)


def test_changes_are_half_the_summed_variograms_of_yes_or_no_maps() -> None:
    draw = np.random.default_rng(2)
    values, valid = draw.integers(0, 5, (30, 20)).astype(np.float32), draw.random((30, 20)) < 0.8
    summed = sum(variogram((values == one).astype(np.float32), valid, (1, 3, 9)) for one in range(5))
    np.testing.assert_allclose(changes(values, valid, (1, 3, 9)), summed / 2)


def test_of_a_large_raster_every_second_row_or_so_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.cumsum(np.random.default_rng(3).normal(size=(300, 200)), axis=0)
    valid = np.ones(values.shape, np.bool_)
    whole = variogram(values, valid, (1, 5, 20))
    monkeypatch.setattr(module, "MOST_PIXELS", 15_000)
    np.testing.assert_allclose(variogram(values, valid, (1, 5, 20)), whole, rtol=0.1)


def test_small_rasters_have_few_lags() -> None:
    assert lags_of((400, 300)) == tuple(range(1, 21))
    assert lags_of((6, 10)) == (1, 2, 3, 4, 5)
    assert lags_of((1, 1)) == ()
