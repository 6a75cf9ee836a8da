"""MESS on quantiles: as Elith et al. write it, exact where negative, near the whole sample's elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scalescape.engine.products.mess import Mess

PIXELS = 100_000


def elith(value: float, sample: np.ndarray) -> float:
    """Similarity to a whole sample, from the paper's text: f is the percentage of points below the value."""
    low, high = sample[0], sample[-1]
    f = 100 * np.searchsorted(sample, value, side="left") / len(sample)
    if f == 0:
        return 100 * (value - low) / (high - low)
    if f <= 50:
        return 2 * f
    if f < 100:
        return 2 * (100 - f)
    return 100 * (high - value) / (high - low)


def on_quantiles(value: float, quantiles: np.ndarray) -> float:
    """The same with f read off the line through the quantiles: 0, 1 ... 100 percent lie below them."""
    low, high = quantiles[0], quantiles[-1]
    if value <= low:
        return 100 * (value - low) / (high - low)
    if value > high:
        return 100 * (high - value) / (high - low)
    upper = next(place for place in range(1, 101) if quantiles[place] >= value)
    f = upper - 1 + (value - quantiles[upper - 1]) / (quantiles[upper] - quantiles[upper - 1])
    return 2 * f if f <= 50 else 2 * (100 - f)


def samples() -> list[np.ndarray]:
    """Bands as they come: smooth, skewed, with half of all values zero, with few different ones."""
    draw = np.random.default_rng(4)
    rain = np.maximum(draw.normal(-1, 40, 5000), 0)
    return [
        np.sort(one)
        for one in (draw.normal(10, 5, 5000), draw.gamma(0.8, 100, 5000), rain, draw.integers(0, 6, 5000) * 1.0)
    ]


@pytest.mark.parametrize("number", range(4))
def test_pixels_are_those_of_an_independent_loop(number: int) -> None:
    sample = samples()[number]
    quantiles = np.percentile(sample, np.arange(101))
    spread = sample[-1] - sample[0]
    draw = np.random.default_rng(number)
    values = draw.uniform(sample[0] - spread / 2, sample[-1] + spread / 2, PIXELS // 4)
    values[:500] = draw.choice(sample, 500)
    found = Mess([quantiles]).similarity(values[None])[0]
    wanted = np.array([on_quantiles(value, quantiles) for value in values])
    assert np.abs(found - wanted).max() < 1e-6
    whole = np.array([elith(value, sample) for value in values])
    outside = whole < 0
    assert outside.sum() > 1000
    np.testing.assert_allclose(found[outside], whole[outside], rtol=1e-12)
    assert ((found < 0) == outside).all()
    if number < 2:  # where values tie by the hundred, no quantile tells how many lie below
        assert np.abs(found - whole)[~outside].max() <= 2


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, 101, elements=st.floats(-1e3, 1e3)), st.floats(-2e3, 2e3))
def test_any_quantiles_give_at_most_100_and_negative_only_outside(knots: np.ndarray, value: float) -> None:
    quantiles = np.sort(knots)
    found = float(Mess([quantiles]).similarity(np.array([[value]]))[0, 0])
    assert found <= 100
    assert (found < 0) == (value < quantiles[0] or value > quantiles[-1])


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int64, 101, elements=st.integers(0, 40)),
    st.lists(st.floats(-20, 60) | st.integers(0, 40), min_size=1, max_size=20),
)
def test_values_on_quantiles_and_between_are_those_of_the_loop_where_many_tie(
    knots: np.ndarray, values: list[float]
) -> None:
    quantiles = np.sort(knots).astype(np.float64)
    quantiles[-1] += 1  # so that they have a range
    found = Mess([quantiles]).similarity(np.array([values], np.float64))[0]
    wanted = [on_quantiles(float(value), quantiles) for value in values]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (3, 4, 5), elements=st.integers(-3, 14).map(float)))
def test_the_least_is_that_of_the_first_band_that_has_it(values: np.ndarray) -> None:
    mess = Mess([np.linspace(0, 10, 101), np.linspace(2, 12, 101), np.linspace(0, 10, 101)])
    least, limiting = mess.least(values)
    similarity = mess.similarity(values)
    np.testing.assert_array_equal(least, similarity.min(axis=0))
    np.testing.assert_array_equal(limiting, similarity.argmin(axis=0))


def test_each_band_has_its_own_quantiles() -> None:
    mess = Mess([np.linspace(0, 1, 101), np.linspace(0, 100, 101)])
    values = np.array([[[0.5, 2.0]], [[50.0, 25.0]]], np.float32)
    np.testing.assert_allclose(mess.similarity(values), [[[100, -100]], [[100, 50]]], atol=1e-5)
