"""Covariances inside a mask, and what the middle of a window says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from rough_rasters import bands, grainy, mask
from scalescape.engine.study import covariance
from scalescape.engine.study.covariance import BandCovariances, Prediction
from sklearn.linear_model import LinearRegression


def test_covariances_are_mean_products_of_the_pairs_that_hold(tmp_path: Path) -> None:
    """Against plain loops, with gaps that differ from band to band."""
    draw = np.random.default_rng(0)
    values, valid = draw.normal(3, 2, (2, 9, 11)).astype(np.float32), draw.random((2, 9, 11)) < 0.7
    found = BandCovariances.of(values, valid, 3)
    found.save(tmp_path / "kept.npz")
    found = BandCovariances.load(tmp_path / "kept.npz")
    std = [(values[b] - values[b][valid[b]].mean()) / values[b][valid[b]].std() for b in range(2)]
    for one in range(2):
        for other in range(2):
            for down in range(-3, 4):
                for right in range(-3, 4):
                    products = [
                        float(std[one][r, c]) * float(std[other][r + down, c + right])
                        for r in range(9)
                        for c in range(11)
                        if 0 <= r + down < 9
                        and 0 <= c + right < 11
                        and valid[one, r, c]
                        and valid[other, r + down, c + right]
                    ]
                    expected = np.mean(products) if products else 0.0
                    assert found.values[one, other, down + 3, right + 3] == pytest.approx(expected, abs=1e-5)


def windows_of(values: np.ndarray, side: int) -> np.ndarray:
    """All windows of a raster, in standard deviations: (windows, bands · side²)."""
    scaled = (values - values.mean(axis=(1, 2), keepdims=True)) / values.std(axis=(1, 2), keepdims=True)
    cut = sliding_window_view(scaled, (side, side), axis=(1, 2))
    return np.moveaxis(cut, 0, 2).reshape(-1, len(values), side, side)


@pytest.mark.parametrize(("middle", "side"), [(1, 5), (3, 7), (1, 9)])
def test_the_prediction_is_as_good_as_a_regression_on_all_windows(middle: int, side: int) -> None:
    values = grainy((160, 150))
    found = Prediction.of(BandCovariances.of(values, np.ones(values.shape, np.bool_), side - 1), middle, side)
    windows = windows_of(values, side)[::7]
    given = windows[:, :, found.rows, found.columns].reshape(len(windows), -1)
    wanted = windows.reshape(len(windows), -1)
    plain = LinearRegression(fit_intercept=False).fit(given, wanted)
    left, least = (
        float(np.square(wanted - predicted).mean())
        for predicted in (given @ found.weights, plain.predict(given))
    )
    assert least <= left <= 1.05 * least + 0.01
    edge = (side - middle) // 2
    inside = (given @ found.weights).reshape(windows.shape)[:, :, edge : side - edge, edge : side - edge]
    np.testing.assert_allclose(inside, windows[:, :, edge : side - edge, edge : side - edge], atol=0.1)


def test_of_a_wide_middle_some_pixels_are_given_its_corners_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covariance, "MOST_GIVEN", 3 * 16)
    values = bands((90, 80), "plain")
    found = Prediction.of(
        BandCovariances.of(values, np.broadcast_to(mask((90, 80), 0.4), values.shape), 16), 9, 17
    )
    assert len(found.rows) == 16 and found.weights.shape == (3 * 16, 3 * 17 * 17)
    assert {found.rows.min(), found.columns.min()} == {4} and {found.rows.max(), found.columns.max()} == {12}
    monkeypatch.setattr(covariance, "MOST_GIVEN", 3)
    alone = Prediction.of(BandCovariances.of(values, np.ones(values.shape, np.bool_), 16), 9, 17)
    assert (alone.rows.tolist(), alone.columns.tolist()) == ([8], [8])
