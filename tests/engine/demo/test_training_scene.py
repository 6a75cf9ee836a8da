"""A landscape is judged on the same pixels, cells and records as the files hold."""

from __future__ import annotations

import numpy as np
from scalescape.engine.demo.landscape import Landscape
from scalescape.engine.demo.sites import presence_only_sites
from scalescape.engine.demo.training_scene import training_scene, truth_at_sites


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
