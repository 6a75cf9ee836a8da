"""A landscape as a network is judged on it: predictors, and what was recorded at the sites of a lattice."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...models.card import Modality
from ...models.dense import DenseModality
from ...models.network import Features, FusionNetwork


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


@torch.no_grad()
def scene_features(network: FusionNetwork, scene: LatticeScene, fine: str, coarse: str) -> Features:
    """Branch features of all sites of a normalised scene, row by row: by branch, ``(sites, out_size)``."""
    dense = DenseModality(network, fine, scene.step)
    start = scene.first - dense.window // 2
    rows, columns = (start + dense.input_side(count) for count in scene.seen.shape[-2:])
    tile = scene.fine[None, :, start:rows, start:columns]
    features = {key: _by_position(values) for key, values in dense.features(tile).items()}
    cell_rows, cell_columns = scene.cells()
    for key, cells in DenseModality(network, coarse, 1).features(scene.coarse[None]).items():
        features[key] = _by_position(cells[:, :, cell_rows, cell_columns])
    return features


def _by_position(maps: Tensor) -> Tensor:
    """Reorders ``(blocks, channels, rows, columns)`` to ``(positions, channels)``."""
    return maps.movedim(1, -1).flatten(0, -2)


def _normalised(values: Tensor, modality: Modality) -> Tensor:
    mean = torch.tensor([band.mean for band in modality.bands])[:, None, None]
    std = torch.tensor([band.std for band in modality.bands])[:, None, None]
    return (values.to(torch.float32) - mean) / std
