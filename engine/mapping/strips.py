"""What one strip of a map needs, read before it is computed: new rows of input, cells, which pixels count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..rasters.lattice import MapGrid, Tile
from ..rasters.predictors import Predictor
from ..rasters.raster import Valid, Values
from .coarse import Cells, CoarseField


@dataclass(frozen=True)
class Strip:
    """A few rows of one column of a map.

    ``valid`` (rows, columns) tells which pixels get a value; where none does, ``rows`` is None. Else ``rows``
    (channels, rows, columns) are the normalised input below that of the strip above, or, where ``top``, all
    that the windows of this strip hold; ``values`` (bands, rows, columns) are what the finest modality's files
    hold under the tile's own pixels. ``cells`` are those of the coarse modalities, by name.
    """

    tile: Tile
    valid: Valid
    top: bool = True
    rows: Values | None = None
    values: Values | None = None
    cells: Mapping[str, Cells] = field(default_factory=dict)


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
            around = self._around(across)
            values, held = self._fine.values(slice(start, stop), around)
            channels, held = self._fine.channels(values, held, start, around.start)
            if top:
                centres = _Centres(self._grid.step)
            middle = slice(self._radius, self._radius + int(across[-1] - across[0]) + 1, self._grid.step)
            centres.add(start, values[:, :, middle], np.all(held[:, :, middle], axis=0))
            under, here = centres.take(inputs)
            valid = valid & here
            if not valid.any():
                below = None
                yield Strip(tile, valid)
                continue
            below = stop if self._carry else None
            yield Strip(tile, valid, top, channels, under, cells)

    def _reachable(self, tile: Tile, between: Callable[[], None]) -> tuple[Valid, dict[str, Cells]]:
        """Return which pixels of a tile may have a value, by all but the finest modality's NoData."""
        height, width = self._fine.grid.shape
        rows, columns = self._grid.input_rows(tile.rows), self._grid.input_columns(tile.columns)
        inside_rows = (rows >= self._reach) & (rows < height - self._reach)
        inside_columns = (columns >= self._reach) & (columns < width - self._reach)
        valid = inside_rows[:, None] & inside_columns[None, :]
        if valid.any():
            valid &= self._wanted(tile)
        cells = {}
        for name, coarse in self._coarse.items():
            if not valid.any():
                break
            found, here = coarse.at(tile, valid, between)
            valid &= here
            if found is not None:
                cells[name] = found
        return valid, cells

    def _around(self, index: np.ndarray) -> slice:
        return slice(int(index[0]) - self._radius, int(index[-1]) + self._radius + 1)


class _Centres:
    """What the files hold under output pixels, and where they hold a value, kept until their strip comes."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._rows: dict[int, tuple[Values, Valid]] = {}

    def add(self, start: int, values: Values, held: Valid) -> None:
        """Take note of input rows from ``start`` on: (bands, rows, output columns), and without bands."""
        for offset in range((self._step // 2 - start) % self._step, len(held), self._step):
            self._rows[start + offset] = values[:, offset].copy(), held[offset]

    def take(self, inputs: np.ndarray) -> tuple[Values, Valid]:
        """Return the rows under output rows, and forget them."""
        values, held = zip(*(self._rows[int(row)] for row in inputs), strict=True)
        last = int(inputs[-1])
        self._rows = {row: kept for row, kept in self._rows.items() if row > last}
        return np.stack(values, axis=1), np.stack(held)
