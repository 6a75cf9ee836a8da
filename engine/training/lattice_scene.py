"""Scenes whose sites lie on a lattice, so that neighbouring sites share the network's work in training."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...models.card import Modality


@dataclass(frozen=True)
class LatticeScene:
    """One area: its predictors, and the species recorded at the sites of a square lattice.

    Attributes:
        fine: shape ``(bands, height, width)``: the finest modality.
        coarse: shape ``(bands, rows, columns)``: the coarse modality, with as many cells around those that hold
            sites as its largest window reaches.
        first: the fine pixel (row and column alike) of the first site; all windows of all sites lie inside
            ``fine``.
        step: fine pixels between neighbouring sites.
        cell_rows: shape ``(rows,)``, int64: for each row of sites, the row of its coarse cell; row 0 is the
            first whose window lies inside ``coarse``.
        cell_columns: shape ``(columns,)``, int64: the same for columns.
        seen: shape ``(species, rows, columns)``, bool: what was recorded at each site.
    """

    fine: Tensor
    coarse: Tensor
    first: int
    step: int
    cell_rows: Tensor
    cell_columns: Tensor
    seen: Tensor

    @property
    def recorded(self) -> Tensor:
        """Where at least one species was recorded: shape ``(rows, columns)``, bool."""
        return self.seen.any(dim=0)

    def cells(self) -> tuple[Tensor, Tensor]:
        """Row and column of every site's coarse cell, each of shape ``(rows, columns)``."""
        rows, columns = torch.meshgrid(self.cell_rows, self.cell_columns, indexing="ij")
        return rows, columns

    def normalised(self, fine: Modality, coarse: Modality) -> LatticeScene:
        """The same scene with the rasters' own values brought to the mean 0 and deviation 1 of the sites."""
        return replace(self, fine=_normalised(self.fine, fine), coarse=_normalised(self.coarse, coarse))


@dataclass(frozen=True)
class Block:
    """A square of neighbouring sites, as the network meets it in one step of training.

    Attributes:
        fine: shape ``(bands, side, side)``: the pixels that the windows of its sites cover.
        cell_rows: shape ``(sites, sites)``, int64: the row of each site's coarse cell.
        cell_columns: shape ``(sites, sites)``, int64: the column of each site's coarse cell.
        seen: shape ``(species, sites, sites)``, bool.
    """

    fine: Tensor
    cell_rows: Tensor
    cell_columns: Tensor
    seen: Tensor


def draw_block(scene: LatticeScene, sites: int, window: int, generator: torch.Generator) -> Block:
    """Draws a square of ``sites`` by ``sites`` neighbours at random, turned and mirrored at random.

    Args:
        scene: where it is drawn from.
        sites: side of the square, in sites.
        window: side of the largest fine window, in pixels.
        generator: the source of randomness.
    """
    rows, columns = scene.seen.shape[-2:]
    row = int(torch.randint(rows - sites + 1, (), generator=generator))
    column = int(torch.randint(columns - sites + 1, (), generator=generator))
    square = slice(row, row + sites), slice(column, column + sites)
    side = (sites - 1) * scene.step + window
    top, left = (scene.first - window // 2 + scene.step * start for start in (row, column))
    cell_rows, cell_columns = scene.cells()
    parts = (
        scene.fine[:, top : top + side, left : left + side],
        cell_rows[square],
        cell_columns[square],
        scene.seen[:, square[0], square[1]],
    )
    quarter_turns = int(torch.randint(4, (), generator=generator))
    mirrored = bool(torch.randint(2, (), generator=generator))
    return Block(*(_turned(part, quarter_turns, mirrored) for part in parts))


def _turned(values: Tensor, quarter_turns: int, mirrored: bool) -> Tensor:
    turned = torch.rot90(values, quarter_turns, dims=(-2, -1))
    return turned.flip(-1) if mirrored else turned


def _normalised(values: Tensor, modality: Modality) -> Tensor:
    mean = torch.tensor([band.mean for band in modality.bands])[:, None, None]
    std = torch.tensor([band.std for band in modality.bands])[:, None, None]
    return (values.to(torch.float32) - mean) / std
