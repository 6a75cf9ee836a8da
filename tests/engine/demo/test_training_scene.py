"""The trainer meets the same pixels, cells and records as the files hold."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.demo.landscape import Landscape
from scalescape.engine.demo.sites import presence_only_sites
from scalescape.engine.demo.training_scene import described_modalities, training_scene, truth_at_sites


def test_sites_are_the_records_whose_windows_lie_inside_the_image(landscape: Landscape) -> None:
    scene = training_scene(landscape)
    records = presence_only_sites(landscape)
    whole = (np.minimum(records.rows, records.columns) >= 57) & (
        np.maximum(records.rows, records.columns) < landscape.size - 57
    )
    assert int(scene.recorded.sum()) == whole.sum()
    for row, column, seen in zip(records.rows[whole], records.columns[whole], records.seen[whole], strict=True):
        i, j = (row - scene.first) // scene.step, (column - scene.first) // scene.step
        np.testing.assert_array_equal(scene.seen[:, i, j].numpy(), seen)


def test_sites_know_their_climate_cell_and_their_truth(landscape: Landscape) -> None:
    scene = training_scene(landscape)
    truth = truth_at_sites(landscape, scene).reshape(*scene.seen.shape[-2:], -1)
    for i, j in [(0, 0), (5, 17), (scene.seen.shape[-2] - 1, scene.seen.shape[-1] - 1)]:
        row, column = scene.first + 16 * i, scene.first + 16 * j
        cell = landscape.bioclim[:, 12 + row // 100, 12 + column // 100]
        np.testing.assert_array_equal(scene.coarse[:, scene.cell_rows[i] + 2, scene.cell_columns[j] + 2], cell)
        np.testing.assert_array_equal(truth[i, j], landscape.truth[:, row, column])


def test_bands_are_described_by_their_values_at_the_sites(landscape: Landscape) -> None:
    scene = training_scene(landscape)
    coarse, fine = described_modalities([scene])
    assert (coarse.name, coarse.pixel_size, coarse.scales) == ("bioclim", 1000, (1, 5))
    assert (fine.name, fine.pixel_size, fine.scales) == ("satellite", 10, (25, 59, 115))
    assert [band.name for band in fine.bands] == ["red", "green", "blue", "nir"]
    records = presence_only_sites(landscape)
    whole = (np.minimum(records.rows, records.columns) >= 57) & (
        np.maximum(records.rows, records.columns) < landscape.size - 57
    )
    values = landscape.satellite[3, records.rows[whole], records.columns[whole]].astype(float)
    assert fine.bands[3].mean == pytest.approx(values.mean())
    assert fine.bands[3].std == pytest.approx(values.std())
    assert fine.bands[3].quantiles[50] == pytest.approx(np.median(values))
    at_sites = (scene.normalised(fine, coarse).fine[:, scene.first :: 16, scene.first :: 16])[
        :, : scene.seen.shape[-2], : scene.seen.shape[-1]
    ][:, scene.recorded]
    np.testing.assert_allclose(at_sites.mean(dim=1), 0, atol=1e-4)
    np.testing.assert_allclose(at_sites.std(dim=1, correction=0), 1, atol=1e-4)
