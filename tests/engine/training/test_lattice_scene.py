"""A block holds exactly the pixels, cells and records of its sites, however it is turned."""

from __future__ import annotations

import torch
from scalescape.engine.training.lattice_scene import LatticeScene, draw_block

STEP, WINDOW, FIRST = 4, 7, 5


def numbered_scene() -> LatticeScene:
    """A scene whose every value says where it lies: pixel (row, column) holds 1000 · row + column."""
    rows, columns = 9, 11
    height, width = FIRST + STEP * (rows - 1) + 4, FIRST + STEP * (columns - 1) + 4
    fine = 1000 * torch.arange(height)[:, None] + torch.arange(width)[None, :]
    return LatticeScene(
        fine=fine[None].float(),
        coarse=torch.zeros(1, 4, 4),
        first=FIRST,
        step=STEP,
        cell_rows=torch.arange(rows) // 3,
        cell_columns=torch.arange(columns) // 3,
        seen=torch.rand(2, rows, columns, generator=torch.Generator().manual_seed(0)) < 0.5,
    )


def test_every_site_of_a_block_lies_at_the_centre_of_its_window_with_its_own_cell_and_records() -> None:
    scene = numbered_scene()
    generator = torch.Generator().manual_seed(1)
    first_sites = set()
    for _ in range(60):
        block = draw_block(scene, sites=3, window=WINDOW, generator=generator)
        assert block.fine.shape == (1, 2 * STEP + WINDOW, 2 * STEP + WINDOW)
        for i in range(3):
            for j in range(3):
                centre = int(block.fine[0, i * STEP + WINDOW // 2, j * STEP + WINDOW // 2])
                row, column = (centre // 1000 - FIRST) // STEP, (centre % 1000 - FIRST) // STEP
                assert (centre // 1000 - FIRST) % STEP == (centre % 1000 - FIRST) % STEP == 0
                assert block.cell_rows[i, j] == scene.cell_rows[row]
                assert block.cell_columns[i, j] == scene.cell_columns[column]
                assert torch.equal(block.seen[:, i, j], scene.seen[:, row, column])
        first_sites.add(int(block.fine[0, 0, 0]))
    assert len(first_sites) > 20, "blocks are drawn from all over the scene, and turned"
