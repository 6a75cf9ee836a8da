"""Phases drawn at random: the same power spectrum, nothing else of the original."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.study.phase_randomisation import phase_randomised, phase_shifts

SIDES = st.integers(1, 24)


def rough_and_smooth(shape: tuple[int, int], seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(draw.normal(size=shape), axis=0), axis=1)
    return np.stack([smooth, 0.5 * smooth + draw.normal(size=shape), draw.normal(3, 2, shape)])


@settings(max_examples=40, deadline=None)
@given(rows=SIDES, columns=SIDES, seed=st.integers(0, 5))
def test_each_band_keeps_its_power_spectrum_and_its_mean(rows: int, columns: int, seed: int) -> None:
    bands = rough_and_smooth((rows, columns), seed).astype(np.float32)
    made = phase_randomised(bands, (seed,))
    before, after = (np.abs(np.fft.fft2(one.astype(np.float64))) for one in (bands, made))
    assert made.shape == bands.shape and made.dtype == np.float32
    np.testing.assert_allclose(after, before, atol=1e-5 * before.max() + 1e-6)
    np.testing.assert_allclose(made.mean(axis=(1, 2)), bands.mean(axis=(1, 2)), atol=1e-4 * before.max())


def test_bands_keep_their_cross_spectrum_and_so_their_correlation() -> None:
    bands = rough_and_smooth((40, 51), 0).astype(np.float32)
    made = phase_randomised(bands, (1,))
    cross = [np.fft.fft2(one[0]) * np.conj(np.fft.fft2(one[1])) for one in (bands, made)]
    np.testing.assert_allclose(cross[1], cross[0], atol=1e-5 * np.abs(cross[0]).max())
    correlation = [np.corrcoef(one.reshape(3, -1)) for one in (bands, made)]
    np.testing.assert_allclose(correlation[1], correlation[0], atol=1e-4)


def test_nothing_is_left_of_where_things_were_and_each_draw_is_another() -> None:
    noise = np.random.default_rng(0).normal(size=(1, 64, 64)).astype(np.float32)
    one, again, other = (phase_randomised(noise, (seed,)).ravel() for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    correlations = [np.corrcoef(a, b)[0, 1] for a, b in ((one, noise.ravel()), (other, one))]
    assert np.abs(correlations).max() < 5 / 64, "five standard errors of independent fields"


@settings(max_examples=40, deadline=None)
@given(rows=SIDES, columns=SIDES)
def test_shifts_are_those_of_a_real_field(rows: int, columns: int) -> None:
    shifts = phase_shifts((rows, columns), (3,))
    np.testing.assert_allclose(np.abs(shifts), 1, atol=1e-12)
    assert shifts[0, 0] == 1
    field = np.fft.irfft2(shifts, s=(rows, columns))
    np.testing.assert_allclose(np.fft.rfft2(field), shifts, atol=1e-9), "so no part of them is lost"


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (8, 1)])
def test_smallest_rasters(shape: tuple[int, int]) -> None:
    bands = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape)
    made = phase_randomised(bands, (0,))
    assert np.isfinite(made).all() and made.mean() == pytest.approx(bands.mean(), abs=1e-6)
