"""Placebo bands: as rough as the real ones inside the mask, with their spread and correlations."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rough_rasters import bands, mask, smooth
from scalescape.engine.study.adjustment import Wanted
from scalescape.engine.study.likeness import Likeness, likeness_notes, likeness_of, likeness_range
from scalescape.engine.study.randomised_bands import RandomisedBands
from scipy.spatial import cKDTree

DATA = os.environ.get("SCALESCAPE_TEST_DATA", "")
LAGS = range(1, 21)
MODIS = ("cloudcover-mean", "cloudcover-stdv", "leafareaindex-mean", "leafareaindex-stdv",
         "surfacetemp-mean", "surfacetemp-stdv")  # fmt: skip


def semivariance(values: np.ndarray, valid: np.ndarray, lag: int) -> float:
    """Along rows and columns together, with NaN for what is missing."""
    field = np.where(valid, values, np.nan).astype(np.float64)
    down, across = field[lag:] - field[:-lag], field[:, lag:] - field[:, :-lag]
    pairs = np.concatenate([down.ravel(), across.ravel()])
    return float(np.nanmean(pairs**2)) / 2


def roughness(real: np.ndarray, made: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The made bands' variograms as a share of the real ones': (bands, lags)."""
    return np.array(
        [
            [semivariance(made[b], valid[b], lag) / semivariance(real[b], valid[b], lag) for lag in LAGS]
            for b in range(len(real))
        ]
    )


def correlations(fields: np.ndarray, valid: np.ndarray) -> np.ndarray:
    return np.corrcoef(fields[:, valid.all(axis=0)])


def check(real: np.ndarray, made: np.ndarray, valid: np.ndarray) -> None:
    found = roughness(real, made, valid)
    assert found.min() >= 0.8 and found.max() <= 1.25, found.round(2)
    np.testing.assert_array_equal(np.isnan(made), ~valid)
    for band in range(len(real)):
        before, after = real[band][valid[band]], made[band][valid[band]]
        assert after.std() == pytest.approx(float(before.std()), rel=0.1)
        assert after.mean() == pytest.approx(before.mean(), abs=0.01 * float(before.std()))
    assert np.abs(correlations(made, valid) - correlations(real, valid)).max() <= 0.1


@pytest.mark.parametrize("gap", [0, 0.3, 0.65])
@pytest.mark.parametrize("kind", ["plain", "trend", "skewed", "rough", "streaks"])
def test_variogram_spread_and_correlations_are_those_of_the_real_bands(kind: str, gap: float) -> None:
    real = bands((110, 90), kind)
    valid = np.broadcast_to(mask((110, 90), gap), real.shape)
    drawn = RandomisedBands(real, valid, (False,) * 3)
    for seed in range(2):
        check(real, drawn.drawn((seed,)), valid)


def test_bands_may_have_gaps_of_their_own() -> None:
    real = bands((110, 90), "plain")
    valid = np.stack([mask((110, 90), gap, seed) for gap, seed in ((0.2, 1), (0.4, 2), (0.6, 3))])
    made = RandomisedBands(real, valid, (False,) * 3).drawn((0,))
    found = roughness(real, made, valid)
    assert found.min() >= 0.8 and found.max() <= 1.25
    np.testing.assert_array_equal(np.isnan(made), ~valid)


def test_a_placebo_of_a_placebo_is_as_good() -> None:
    valid = np.broadcast_to(mask((110, 90), 0.5), (3, 110, 90))
    first = np.nan_to_num(RandomisedBands(bands((110, 90), "plain"), valid, (False,) * 3).drawn((0,)))
    check(first, RandomisedBands(first, valid, (False,) * 3).drawn((1,)), valid)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA, reason="no test data")
@pytest.mark.parametrize("modality", ["climate", "modis"])
def test_california_inside_its_mask(modality: str) -> None:
    """67 and 58 % of the rectangle are gaps; the one in EPSG:3310 at 1.9 km, the other in UTM at 1 km."""
    folder = Path(DATA) / "california"
    files = (
        [folder / "climate_pc.tif"] if modality == "climate" else [folder / f"modis/ca-{n}.tif" for n in MODIS]
    )
    read = []
    for file in files:
        with rasterio.open(file) as raster:
            read.append(raster.read(masked=True).filled(np.nan))
    real = np.concatenate(read).astype(np.float32)
    valid = np.isfinite(real)
    made = RandomisedBands(np.nan_to_num(real), valid, (False,) * len(real)).drawn((42, 8, 1, 0))
    check(np.nan_to_num(real), made, valid)


def test_nothing_is_left_of_where_things_were() -> None:
    real = bands((150, 140), "rough")
    valid = np.broadcast_to(mask((150, 140), 0.3), real.shape)
    drawn = RandomisedBands(real, valid, (False,) * 3)
    one, again, other = (drawn.drawn((seed,)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    inside = valid[0]
    for made, against in ((one, real), (other, one)):
        assert abs(np.corrcoef(made[0][inside], against[0][inside])[0, 1]) < 0.1


def test_what_lies_under_gaps_does_not_matter() -> None:
    real, valid = bands((40, 40), "plain"), np.broadcast_to(mask((40, 40), 0.5), (3, 40, 40))
    spoilt = np.where(valid, real, np.float32(-9999))
    one, other = (RandomisedBands(values, valid, (False,) * 3).drawn((0,)) for values in (real, spoilt))
    np.testing.assert_array_equal(one, other)


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(1, 12),
    columns=st.integers(1, 12),
    held=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    levels=st.sampled_from([1, 2, 50]),
    categorical=st.booleans(),
    seed=st.integers(0, 3),
)
def test_small_empty_and_constant_bands_are_no_obstacle(
    rows: int, columns: int, held: float, levels: int, categorical: bool, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    real = draw.integers(0, levels, (2, rows, columns)).astype(np.float32)
    valid = draw.random(real.shape) < held
    made = RandomisedBands(real, valid, (categorical, False)).drawn((seed,))
    np.testing.assert_array_equal(np.isnan(made), ~valid)
    if categorical:
        assert set(made[0][valid[0]]) <= set(real[0][valid[0]])
    likeness_of(real, made, valid, ("a", "b"), (categorical, False))


def categories(kind: str) -> np.ndarray:
    """Three zones; patches with straight edges; single pixels of one class in another."""
    rows, columns = np.mgrid[:120, :100]
    if kind == "zones":
        return np.digitize(smooth((120, 100), 8, 1), [-0.5, 0.7]) * 4.0 + 2
    if kind == "patches":
        points = np.random.default_rng(0).random((30, 2)) * [120, 100]
        nearest = cKDTree(points).query(np.stack([rows.ravel(), columns.ravel()], axis=1))[1]
        return (nearest % 5).reshape(120, 100).astype(float)
    return (np.random.default_rng(3).random((120, 100)) < 0.1).astype(float)


@pytest.mark.parametrize("gap", [0, 0.65])
@pytest.mark.parametrize("kind", ["zones", "patches", "single pixels"])
def test_categories_keep_their_shares_and_are_as_ragged(kind: str, gap: float) -> None:
    real = categories(kind)[None].astype(np.float32)
    valid = mask((120, 100), gap)[None]
    made = RandomisedBands(real, valid, (True,)).drawn((5,))
    assert set(made[valid]) == set(real[valid])
    for name in set(real[valid]):
        assert np.mean(made[valid] == name) == pytest.approx(np.mean(real[valid] == name), abs=0.03)
    for lag in LAGS:
        summed = [
            sum(semivariance(fields[0] == name, valid[0], lag) for name in set(real[valid]))
            for fields in (real, made)
        ]
        assert 0.8 <= summed[1] / summed[0] <= 1.25


def test_the_gradient_is_how_the_loss_changes() -> None:
    """Against finite differences, in a masked field and its neighbour."""
    draw = np.random.default_rng(0)
    valid = draw.random((2, 9, 7)) < 0.8
    wanted = Wanted(draw.normal(size=(2, 9, 7)).astype(np.float32), valid)
    fields = np.where(valid, draw.normal(size=(2, 9, 7)), 0).astype(np.float32)
    found = wanted.misfit(fields)
    for band, row, column in [(0, 0, 0), (0, 4, 3), (1, 8, 6), (1, 2, 5), (0, 7, 1)]:
        moved = [fields.copy(), fields.copy()]
        moved[0][band, row, column] -= 1e-2
        moved[1][band, row, column] += 1e-2
        slope = (wanted.misfit(moved[1]).loss - wanted.misfit(moved[0]).loss) / 2e-2
        assert found.gradient[band, row, column] == pytest.approx(slope, rel=2e-2, abs=1e-2)


def test_likeness_tells_a_good_placebo_from_one_that_is_too_smooth() -> None:
    real = bands((90, 80), "rough")
    valid = np.broadcast_to(mask((90, 80), 0.4), real.shape)
    good = RandomisedBands(real, valid, (False,) * 3).drawn((0,))
    smoother = np.stack([good[0] * 0.5, good[1], good[2][::-1]])
    smoother = np.where(valid, np.nan_to_num(smoother), np.nan).astype(np.float32)
    fine, bad = (likeness_of(real, one, valid, "abc", (False,) * 3) for one in (good, smoother))
    assert all(one.good for one in fine)
    assert not bad[0].good and bad[0].roughness_high == pytest.approx(0.25, rel=0.2)
    assert bad[0].std_ratio == pytest.approx(0.5, rel=0.05)
    notes = likeness_notes({(1, "modis"): fine, (2, "modis"): bad})
    assert len(notes) == 1 and "a of modis, placebo 2: variogram 0.2" in notes[0] and "placebos.csv" in notes[0]
    assert likeness_notes({(1, "modis"): fine}) == ()
    low, high = likeness_range({(1, "modis"): fine}) or (0, 0)
    expected = roughness(real, good, valid)
    assert (low, high) == (pytest.approx(expected.min(), rel=1e-5), pytest.approx(expected.max(), rel=1e-5))


def test_likeness_of_a_band_that_does_not_vary_says_nothing() -> None:
    flat, valid = np.ones((1, 8, 8), np.float32), np.ones((1, 8, 8), np.bool_)
    assert likeness_of(flat, flat, valid, ["a"], [False]) == (Likeness("a", None, None, 4, None, None),)
