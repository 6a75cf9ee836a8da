"""A scene's features are those of the windows around its sites."""

from __future__ import annotations

import torch
from scalescape.engine.demo.lattice_scene import LatticeScene, scene_features
from scalescape.models.architecture import Architecture, modality_shape
from scalescape.models.network import FusionNetwork

STEP, FIRST = 8, 31
ROWS = 14


def small_network(seed: int = 0) -> FusionNetwork:
    torch.manual_seed(seed)
    modalities = (
        modality_shape("climate", 2, (1, 5), "pointwise", (8, 8), 8, 6),
        modality_shape("image", 3, (25, 59), "residual", (4, 4, 6), 8, 6),
    )
    return FusionNetwork(Architecture(modalities, species=2))


def scene(seed: int) -> LatticeScene:
    """Two species: one where the image is bright around a site, one where the cell is warm."""
    generator = torch.Generator().manual_seed(seed)
    side = FIRST + STEP * (ROWS - 1) + 31
    coarse = torch.randn(2, 8, 8, generator=generator)
    patches = torch.randn(3, side // 20 + 1, side // 20 + 1, generator=generator)
    fine = patches.repeat_interleave(20, 1).repeat_interleave(20, 2)[:, :side, :side].contiguous()
    cells = torch.arange(ROWS) // 4
    at = slice(FIRST, FIRST + STEP * ROWS, STEP)
    seen = torch.stack([fine[0, at, at] > 0.3, coarse[0, 2:6, 2:6][cells[:, None], cells[None, :]] > 0.3])
    return LatticeScene(fine, coarse, FIRST, STEP, cells, cells, seen)


def test_features_of_a_scene_are_those_of_the_windows_around_its_sites() -> None:
    network, one = small_network().eval(), scene(0)
    features = scene_features(network, one, "image", "climate")
    logits = network.logits(features)
    for row, column in [(0, 0), (3, 12), (13, 13), (7, 2)]:
        y, x = FIRST + STEP * row, FIRST + STEP * column
        cell_y, cell_x = int(one.cell_rows[row]) + 2, int(one.cell_columns[column]) + 2
        patches = {
            "image": one.fine[None, :, y - 29 : y + 30, x - 29 : x + 30],
            "climate": one.coarse[None, :, cell_y - 2 : cell_y + 3, cell_x - 2 : cell_x + 3],
        }
        torch.testing.assert_close(logits[row * ROWS + column], network(patches)[0], atol=1e-5, rtol=1e-5)
