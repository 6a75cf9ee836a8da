"""Octaves of masked fields, gaps filled, and the matrices that turn one covariance into another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rough_rasters import bands, mask, smooth
from scalescape.engine.study.octaves import Octaves, covariances, filled, matching, power
from scipy.linalg import sqrtm

SIDES = st.integers(1, 40)


@settings(max_examples=30, deadline=None)
@given(rows=SIDES, columns=SIDES, seed=st.integers(0, 5), held=st.sampled_from([1.0, 0.4, 0.0]))
def test_octaves_add_up_to_the_field_and_are_nothing_outside_the_mask(
    rows: int, columns: int, seed: int, held: float
) -> None:
    draw = np.random.default_rng(seed)
    inside = draw.random((rows, columns)) < held
    fields = np.where(inside, draw.normal(size=(2, rows, columns)), 0).astype(np.float32)
    parts = list(Octaves(inside).parts(fields))
    np.testing.assert_allclose(np.sum(parts, axis=0), fields, atol=1e-5)
    assert not any(part[:, ~inside].any() for part in parts)


def test_a_mean_is_that_of_the_pixels_inside_the_mask() -> None:
    """A constant stays one up to the coast: nothing outside pulls it down."""
    inside = mask((60, 50), 0.6)
    fields = np.where(inside, 7.0, 0.0)[None].astype(np.float32)
    for radius in (1, 4, 16):
        made = Octaves(inside).smoothed(fields, radius)
        np.testing.assert_allclose(made[0][inside], 7.0, rtol=1e-4)


@pytest.mark.parametrize(("size", "finer"), [(1, True), (20, False)])
def test_rough_fields_lie_in_fine_octaves_and_smooth_ones_in_coarse_ones(size: float, finer: bool) -> None:
    field = smooth((128, 128), size, 0)[None].astype(np.float32)
    strength = [float(part.var()) for part in Octaves(np.ones((128, 128), np.bool_)).parts(field)]
    assert (sum(strength[:2]) > 0.5 * sum(strength)) == finer


def test_filled_gaps_leave_what_is_there_and_are_within_its_range() -> None:
    values, valid = bands((80, 60), "trend")[0], mask((80, 60), 0.6)
    found = filled(values, valid)
    np.testing.assert_array_equal(found[valid], values[valid])
    assert values[valid].min() - 1e-3 <= found.min() <= found.max() <= values[valid].max() + 1e-3
    edge = np.abs(np.diff(found, axis=1)).max()
    assert edge <= 3 * np.abs(np.diff(values, axis=1)).max(), "no cliff at a coast"
    assert not filled(values, np.zeros_like(valid)).any()
    np.testing.assert_array_equal(filled(values, np.ones_like(valid)), values)


def test_what_lies_in_a_gap_does_not_matter() -> None:
    values, valid = bands((40, 40), "plain")[0], mask((40, 40), 0.5)
    spoilt = np.where(valid, values, np.float32(-9999))
    np.testing.assert_array_equal(filled(values, valid), filled(spoilt, valid))


def test_covariances_of_fields_with_masks_of_their_own_are_means_over_common_pixels() -> None:
    draw = np.random.default_rng(0)
    fields, valid = draw.normal(size=(3, 12, 9)).astype(np.float32), draw.random((3, 12, 9)) < 0.7
    found = covariances(fields, valid)
    for one in range(3):
        for other in range(3):
            both = valid[one] & valid[other]
            expected = np.mean(fields[one][both].astype(np.float64) * fields[other][both])
            assert found[one, other] == pytest.approx(expected, abs=1e-6)
    np.testing.assert_allclose(
        covariances(fields, valid[0]), covariances(fields, np.stack([valid[0]] * 3)), atol=1e-6
    )


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (2, 3, 8), elements=st.floats(-3, 3)))
def test_the_matching_matrix_gives_the_wanted_covariance(both: np.ndarray) -> None:
    found, wanted = (one @ one.T + 0.3 * np.eye(3) for one in both)
    turn = matching(found, wanted)
    np.testing.assert_allclose(turn @ found @ turn.T, wanted, rtol=1e-6, atol=1e-8 * np.abs(wanted).max())
    root = sqrtm(wanted)
    np.testing.assert_allclose(
        turn, (root @ np.linalg.inv(sqrtm(root @ found @ root)) @ root).real, rtol=1e-5, atol=1e-6
    )


def test_directions_without_anything_are_left_out() -> None:
    flat = np.outer([1.0, 2.0], [1.0, 2.0])
    turn = matching(flat, 4 * flat)
    np.testing.assert_allclose(turn @ flat @ turn.T, 4 * flat, rtol=1e-6)
    assert (
        np.isfinite(matching(np.zeros((2, 2)), flat)).all() and np.isfinite(power(np.zeros((2, 2)), -0.5)).all()
    )
