"""What one strip of a map needs, read before it is computed: new rows of input, cells, which pixels count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..rasters.lattice import MapGrid, Tile
from ..rasters.predictors import Predictor
from ..rasters.raster import Valid, Values
from .coarse import Cells, CoarseField


@dataclass(frozen=True)
class Strip:
    """A few rows of one column of a map.

    ``valid`` (rows, columns) tells which pixels get a value; where none does, ``rows`` is None. Else ``rows``
    (bands, rows, columns) are the normalised input below that of the strip above, or, where ``top``, all that
    the windows of this strip hold. ``cells`` are those of the coarse modalities.
    """

    tile: Tile
    valid: Valid
    top: bool = True
    rows: Values | None = None
    cells: tuple[Cells, ...] = ()


class StripReader:
    """Reads a column of a map, strip by strip.

    Parameters
    ----------
    grid
        The map's grid, which is that of ``fine``.
    fine
        The finest modality that is on, with the radius of its largest window in pixels.
    coarse
        The other modalities.
    wanted
        Tells for a tile which pixels are wanted at all (rows, columns).
    fill_edge
        Whether a window may leave the raster.
    carry
        Whether each strip goes on where the one above ended; else each is read whole.
    """

    def __init__(
        self,
        grid: MapGrid,
        fine: Predictor,
        radius: int,
        coarse: Mapping[str, CoarseField],
        wanted: Callable[[Tile], Valid],
        fill_edge: bool,
        carry: bool,
    ) -> None:
        self._grid = grid
        self._fine = fine
        self._radius = radius
        self._coarse = coarse
        self._wanted = wanted
        self._reach = 0 if fill_edge else radius
        self._carry = carry

    def strips(self, down: slice, columns: slice, rows: int, between: Callable[[], None]) -> Iterator[Strip]:
        """Yield the strips of a column of the map, ``rows`` output rows each, from the top of ``down``."""
        below: int | None = None  # the first input row that was not read yet, where strips go on
        centres = _Centres(self._grid.step)
        for up in range(down.start, down.stop, rows):
            between()
            tile = Tile(slice(up, min(up + rows, down.stop)), columns)
            valid, cells = self._reachable(tile, between)
            if not valid.any():
                below = None
                yield Strip(tile, valid)
                continue
            inputs = self._grid.input_rows(tile.rows)
            across = self._grid.input_columns(columns)
            top = below is None
            start = int(inputs[0]) - self._radius if below is None else below
            stop = int(inputs[-1]) + self._radius + 1
            values, held = self._fine.read(slice(start, stop), self._around(across))
            if top:
                centres = _Centres(self._grid.step)
            centres.add(start, np.all(held, axis=0)[:, self._radius :: self._grid.step][:, : across.size])
            valid = valid & centres.take(inputs)
            if not valid.any():
                below = None
                yield Strip(tile, valid)
                continue
            below = stop if self._carry else None
            yield Strip(tile, valid, top, values, cells)

    def _reachable(self, tile: Tile, between: Callable[[], None]) -> tuple[Valid, tuple[Cells, ...]]:
        """Return which pixels of a tile may have a value, by all but the finest modality's NoData."""
        height, width = self._fine.grid.shape
        rows, columns = self._grid.input_rows(tile.rows), self._grid.input_columns(tile.columns)
        inside_rows = (rows >= self._reach) & (rows < height - self._reach)
        inside_columns = (columns >= self._reach) & (columns < width - self._reach)
        valid = inside_rows[:, None] & inside_columns[None, :]
        if valid.any():
            valid &= self._wanted(tile)
        cells = []
        for field in self._coarse.values():
            if not valid.any():
                break
            found, here = field.at(tile, valid, between)
            valid &= here
            if found is not None:
                cells.append(found)
        return valid, tuple(cells)

    def _around(self, index: np.ndarray) -> slice:
        return slice(int(index[0]) - self._radius, int(index[-1]) + self._radius + 1)


class _Centres:
    """Which pixels under output pixels hold values, kept until their strip comes."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._rows: dict[int, Valid] = {}

    def add(self, start: int, held: Valid) -> None:
        """Take note of input rows from ``start`` on: (rows, output columns)."""
        for offset in range((self._step // 2 - start) % self._step, len(held), self._step):
            self._rows[start + offset] = held[offset]

    def take(self, inputs: np.ndarray) -> Valid:
        """Return the rows under output rows, and forget them."""
        wanted = {int(row) for row in inputs}
        found = np.stack([self._rows[int(row)] for row in inputs])
        last = max(wanted)
        self._rows = {row: held for row, held in self._rows.items() if row > last}
        return found
