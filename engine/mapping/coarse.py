"""What a coarse modality adds to the logits: evaluated on its own grid, each cell once a run, and looked up."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from ..rasters.lattice import MapGrid, Tile, cell_of
from ..rasters.longitudes import onto
from ..rasters.predictors import Predictor
from ..rasters.raster import Valid, Values
from .branches import Branches, batches

BLOCK = 32  # cells along a side that are evaluated together
KEPT_BLOCKS = 16
SPARSE = 4  # cells evaluated for each one looked up: beyond it cells are evaluated one by one
MOST_MARKS = 4  # for each pixel, where cells are told apart by marks

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cells:
    """Logits (outputs, cells), and which cells each pixel of a tile takes, with what weights.

    ``places`` and ``weights`` are (cells a pixel, rows, columns): one cell, or four where cells are blended.
    ``values`` (bands, cells) are what the files hold there, and ``own`` (rows, columns) says which cell holds a
    pixel's centre, where that has a value.
    """

    logits: Tensor
    places: Index
    weights: npt.NDArray[np.float32]
    values: Values
    own: Index

    def spread(self) -> Tensor:
        """Return logits (outputs, pixels) of the tile's pixels, row by row."""
        total: Tensor | None = None
        for places, weights in zip(self.places, self.weights, strict=True):
            part = self.logits.index_select(1, torch.from_numpy(places.ravel()).to(self.logits.device))
            if len(self.places) == 1:
                return part
            part = part.mul_(torch.from_numpy(weights.ravel()).to(part.device))
            total = part if total is None else total.add_(part)
        if total is None:
            raise RuntimeError("pixels that take no cell")
        return total


@dataclass(frozen=True)
class _Evaluated:
    """Some cells: ``logits`` (outputs, cells), whether they hold values (cells,), and which (bands, cells)."""

    logits: Tensor
    held: Valid
    values: Values


class CoarseField:
    """The coarse modality of ``branches`` on the pixels of a map: each takes the cell that holds its centre.

    With ``blend`` it takes the four cells around it, weighted bilinearly; a logit is a sum, so that can be done
    for one modality alone. Cells without a value do not count; a pixel whose own cell has none stays without.
    """

    def __init__(
        self, branches: Branches, predictor: Predictor, grid: MapGrid, fill_edge: bool, blend: bool
    ) -> None:
        self._branches = branches
        self._predictor = predictor
        self._grid = grid
        self._reach = 0 if fill_edge else branches.radius
        self._blend = blend
        self._blocks: OrderedDict[tuple[int, int], _Evaluated] = OrderedDict()

    def at(self, tile: Tile, wanted: Valid, between: Callable[[], None]) -> tuple[Cells | None, Valid]:
        """Return the cells of a tile's pixels that are ``wanted``, and which of those have a value."""
        y, x = positions_in(self._predictor, self._grid, tile)
        own_row, own_column = cell_of(y), cell_of(x)
        mine = wanted & self._inside(own_row, own_column)
        if not mine.any():
            return None, mine
        if self._blend:
            rows, columns, weights = _corners(y, x)
        else:
            rows, columns = own_row[None], own_column[None]
            weights = np.ones(rows.shape, np.float32)
        usable = mine & self._inside(rows, columns)
        some = np.argwhere(usable)[0]
        rows = np.where(usable, rows, rows[tuple(some)])
        columns = np.where(usable, columns, columns[tuple(some)])
        found, places = self._looked_up(rows, columns, between)
        usable &= found.held[places]
        centre = usable & (rows == own_row) & (columns == own_column)
        valid = mine & centre.any(axis=0)
        own = np.take_along_axis(places, centre.argmax(axis=0)[None], axis=0)[0]
        weights = np.where(usable, weights, np.float32(0))
        weights /= np.maximum(weights.sum(axis=0), np.float32(1e-6))
        return Cells(found.logits, places, weights, found.values, own), valid

    def _inside(self, rows: Index, columns: Index) -> Valid:
        """Tell where windows around cells lie within the raster, or with edge fill the cells themselves."""
        height, width = self._predictor.grid.shape
        inside: Valid = (rows >= self._reach) & (rows < height - self._reach)
        return inside & (columns >= self._reach) & (columns < width - self._reach)

    def _looked_up(self, rows: Index, columns: Index, between: Callable[[], None]) -> tuple[_Evaluated, Index]:
        """Return the cells that occur, and each one's place."""
        cells, places = distinct_cells(rows.ravel(), columns.ravel())
        blocks, which = np.unique(cells // BLOCK, axis=0, return_inverse=True)
        which = which.ravel()
        if self._branches.dense and len(blocks) * BLOCK**2 <= SPARSE * max(len(cells), BLOCK**2):
            every = [self._block(int(up), int(left), between) for up, left in blocks]
            among = which * BLOCK**2 + cells[:, 0] % BLOCK * BLOCK + cells[:, 1] % BLOCK
            found = _Evaluated(
                torch.cat([one.logits for one in every], dim=1)[:, among],
                np.concatenate([one.held for one in every])[among],
                np.concatenate([one.values for one in every], axis=1)[:, among],
            )
        else:
            found = self._one_by_one(cells, blocks, which, between)
        return found, places.reshape(rows.shape)

    def _block(self, up: int, left: int, between: Callable[[], None]) -> _Evaluated:
        """Return the cells of one block, row by row."""
        key = (up, left)
        if key not in self._blocks:
            if len(self._blocks) >= KEPT_BLOCKS:
                self._blocks.popitem(last=False)
            channels, held, values = self._window(up * BLOCK, left * BLOCK, BLOCK)
            self._blocks[key] = _Evaluated(self._branches.everywhere(channels, between), held, values)
        self._blocks.move_to_end(key)
        return self._blocks[key]

    def _one_by_one(self, cells: Index, blocks: Index, which: Index, between: Callable[[], None]) -> _Evaluated:
        """Return cells (cells, 2), each from its own window; ``which`` says in which block each lies."""
        side = 2 * self._branches.radius + 1
        held: list[Valid] = []
        values: list[Values] = []

        def windows() -> Iterator[Values]:
            for number, (up, left) in enumerate(blocks):
                at = cells[which == number] % BLOCK
                channels, inside, own = self._window(int(up) * BLOCK, int(left) * BLOCK, BLOCK)
                here = at[:, 0] * BLOCK + at[:, 1]
                held.append(inside[here])
                values.append(own[:, here])
                yield from batches(sliding_window_view(channels, (side, side), axis=(1, 2)), at)

        logits = self._branches.of_windows(windows(), between)
        back = np.argsort(np.argsort(which, kind="stable"))  # from the order of blocks to that of cells
        return _Evaluated(logits[:, back], np.concatenate(held)[back], np.concatenate(values, axis=1)[:, back])

    def _window(self, row: int, column: int, side: int) -> tuple[Values, Valid, Values]:
        """Return the channels that a square of cells sees; where these hold values, and what, row by row."""
        radius = self._branches.radius
        up, left = row - radius, column - radius
        over = slice(up, row + side + radius), slice(left, column + side + radius)
        values, held = self._predictor.values(*over)
        channels, held = self._predictor.channels(values, held, up, left)
        inner = slice(radius, radius + side)
        own = values[:, inner, inner].reshape(len(values), -1)
        return channels, np.all(held[:, inner, inner], axis=0).ravel(), own


def distinct_cells(rows: Index, columns: Index) -> tuple[Index, Index]:
    """Return the cells that occur, (cells, 2) by row and column, and the place of each pixel's among them."""
    up, left = rows.min(), columns.min()
    width = columns.max() - left + 1
    box = (rows.max() - up + 1) * width
    codes = (rows - up) * width + columns - left
    if box <= MOST_MARKS * codes.size:  # a mark for each cell of the box is quicker than sorting the pixels
        occurs = np.zeros(box, np.bool_)
        occurs[codes] = True
        distinct = np.flatnonzero(occurs)
        places = (np.cumsum(occurs) - 1)[codes]
    else:
        distinct, places = np.unique(codes, return_inverse=True)
    row, column = np.divmod(distinct, width)
    return np.stack([row + up, column + left], axis=1), places


def positions_in(
    predictor: Predictor, grid: MapGrid, tile: Tile
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where a map's pixel centres lie, in rows and columns of cells from a modality's corner."""
    x, y = onto(*grid.centres(tile), grid.crs, predictor.grid)
    affine = predictor.grid.affine
    return (y - affine.f) / affine.e, (x - affine.c) / affine.a


def _corners(
    y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]
) -> tuple[Index, Index, npt.NDArray[np.float32]]:
    """Return rows, columns and bilinear weights, each (4, ...), of the cells whose centres surround points."""
    up, left = cell_of(y - 0.5), cell_of(x - 0.5)
    down_share = np.nan_to_num(y - 0.5 - up, posinf=0, neginf=0)
    right_share = np.nan_to_num(x - 0.5 - left, posinf=0, neginf=0)
    rows = np.stack([up, up, up + 1, up + 1])
    columns = np.stack([left, left + 1, left, left + 1])
    vertical = np.stack([1 - down_share, 1 - down_share, down_share, down_share])
    horizontal = np.stack([1 - right_share, right_share, 1 - right_share, right_share])
    return rows, columns, (vertical * horizontal).astype(np.float32)
