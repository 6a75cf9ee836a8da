"""What a coarse modality adds to the logits: evaluated on its own grid, each cell once a run, and looked up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .branches import Branches
from .ground import transformer
from .lattice import MapGrid, Tile
from .predictors import Predictor
from .raster import Valid

BLOCK = 32  # cells along a side that are evaluated together
KEPT_BLOCKS = 16
SPARSE = 4  # cells evaluated for each one looked up: beyond it cells are evaluated one by one

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """Logits (species, cells) and for each pixel of a tile (rows, columns) the cell that it takes."""

    logits: Tensor
    places: Index

    def spread(self) -> Tensor:
        """Return logits (species, pixels) of the tile's pixels, row by row."""
        return self.logits[:, torch.from_numpy(self.places.ravel()).to(self.logits.device)]


class CoarseField:
    """The coarse modality of ``branches`` on the pixels of a map: each takes the cell that holds its centre."""

    def __init__(self, branches: Branches, predictor: Predictor, grid: MapGrid, fill_edge: bool) -> None:
        self._branches = branches
        self._predictor = predictor
        self._grid = grid
        self._reach = 0 if fill_edge else branches.radius
        self._blocks: OrderedDict[tuple[int, int], tuple[Tensor, Valid]] = OrderedDict()

    def at(self, tile: Tile, wanted: Valid, between: Callable[[], None]) -> tuple[Cells | None, Valid]:
        """Return the cells of a tile's pixels that are ``wanted``, and which of those have a value."""
        rows, columns = self._cells(tile)
        height, width = self._predictor.grid.shape
        inside = (rows >= self._reach) & (rows < height - self._reach)
        inside &= (columns >= self._reach) & (columns < width - self._reach)
        mine = inside & wanted
        if not mine.any():
            return None, mine
        rows, columns = np.where(mine, rows, rows[mine][0]), np.where(mine, columns, columns[mine][0])
        blocks, which = np.unique(
            np.stack([rows.ravel() // BLOCK, columns.ravel() // BLOCK]), axis=1, return_inverse=True
        )
        codes, places = np.unique(
            which.ravel() * BLOCK**2 + (rows.ravel() % BLOCK) * BLOCK + columns.ravel() % BLOCK,
            return_inverse=True,
        )
        if self._branches.dense and blocks.shape[1] * BLOCK**2 <= SPARSE * max(codes.size, BLOCK**2):
            found = [self._block(int(up), int(left), between) for up, left in blocks.T]
            logits = torch.cat([one for one, _ in found], dim=1)[:, codes]
            held = np.concatenate([one for _, one in found])[codes]
        else:
            block, cell = np.divmod(codes, BLOCK**2)
            at = blocks[:, block].T * BLOCK + np.stack(np.divmod(cell, BLOCK), axis=1)
            logits, held = self._one_by_one(at, between)
        places = places.reshape(tile.shape)
        return Cells(logits, places), mine & held[places]

    def _cells(self, tile: Tile) -> tuple[Index, Index]:
        """Return row and column of the cell that holds each pixel's centre."""
        x, y = self._grid.centres(tile)
        if self._predictor.crs != self._grid.crs:
            x, y = transformer(self._grid.crs, self._predictor.crs).transform(x, y)
        affine = self._predictor.grid.affine
        return _cell((y - affine.f) / affine.e), _cell((x - affine.c) / affine.a)

    def _block(self, up: int, left: int, between: Callable[[], None]) -> tuple[Tensor, Valid]:
        """Return logits (species, cells) and validity (cells,) of one block, row by row."""
        key = (up, left)
        if key not in self._blocks:
            if len(self._blocks) >= KEPT_BLOCKS:
                self._blocks.popitem(last=False)
            radius = self._branches.radius
            values, held = self._predictor.read(
                _around(up * BLOCK, (up + 1) * BLOCK, radius), _around(left * BLOCK, (left + 1) * BLOCK, radius)
            )
            centres = np.all(held, axis=0)[radius : radius + BLOCK, radius : radius + BLOCK]
            self._blocks[key] = self._branches.everywhere(values, between), centres.ravel()
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _one_by_one(self, at: Index, between: Callable[[], None]) -> tuple[Tensor, Valid]:
        """Return logits (species, cells) and validity of cells (cells, 2), each from its own window."""
        radius = self._branches.radius
        windows, held = [], []
        for row, column in at:
            values, valid = self._predictor.read(
                _around(int(row), int(row) + 1, radius), _around(int(column), int(column) + 1, radius)
            )
            windows.append(values)
            held.append(bool(valid[:, radius, radius].all()))
        return self._branches.of_windows([np.stack(windows)], between), np.array(held)


def _around(start: int, stop: int, radius: int) -> slice:
    return slice(start - radius, stop + radius)


def _cell(position: npt.NDArray[np.float64]) -> Index:
    """Return the index of the cell that holds each position; one that can't be transformed is outside."""
    return np.where(np.isfinite(position), np.floor(position), -1).astype(np.int64)
