"""The values of all predictors at a map's pixels, as they stand in the files."""

from __future__ import annotations

from types import TracebackType

import numpy as np

from ...models.card import Band
from ..mapping.coarse import positions_in
from ..mapping.plan import Plan
from ..rasters.lattice import MapGrid, Tile, cell_of
from ..rasters.predictors import Predictor
from ..rasters.raster import Valid, Values

ROWS_AT_ONCE = 512  # input rows of the finest modality


class PredictorValues:
    """Reads the continuous bands of a plan's modalities, from files of its own. Use as a context manager.

    Attributes
    ----------
    bands
        (modality, band) of each row of what ``of`` returns.
    """

    def __init__(self, plan: Plan) -> None:
        self._grid: MapGrid = plan.grid
        self._finest = plan.finest
        self._predictors: dict[str, Predictor] = {}
        for name, predictor in plan.predictors.items():
            self._predictors[name] = predictor.reopened()
        self.bands: list[tuple[str, Band]] = [
            (name, band)
            for name, predictor in self._predictors.items()
            for band in predictor.modality.bands
            if not band.categories
        ]

    def __enter__(self) -> PredictorValues:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for predictor in self._predictors.values():
            predictor.close()

    def of(self, tile: Tile) -> tuple[Values, Valid]:
        """Return the values under a tile's pixels and where there are any, each (bands, rows, columns)."""
        values, valid = [], []
        for name, predictor in self._predictors.items():
            read = self._fine if name == self._finest else self._coarse
            one, held = read(predictor, tile)
            continuous = [not band.categories for band in predictor.modality.bands]
            values.append(one[continuous])
            valid.append(held[continuous])
        return np.concatenate(values), np.concatenate(valid)

    def _fine(self, predictor: Predictor, tile: Tile) -> tuple[Values, Valid]:
        step = self._grid.step
        rows, columns = self._grid.input_rows(tile.rows), self._grid.input_columns(tile.columns)
        across = slice(int(columns[0]), int(columns[-1]) + 1)
        at_once = max(1, ROWS_AT_ONCE // step)
        values, valid = [], []
        for start in range(0, len(rows), at_once):
            some = rows[start : start + at_once]
            one, held = predictor.values(slice(int(some[0]), int(some[-1]) + 1), across)
            values.append(one[:, ::step, ::step])
            valid.append(held[:, ::step, ::step])
        return np.concatenate(values, axis=1), np.concatenate(valid, axis=1)

    def _coarse(self, predictor: Predictor, tile: Tile) -> tuple[Values, Valid]:
        y, x = positions_in(predictor, self._grid, tile)
        height, width = predictor.grid.shape
        rows, columns = cell_of(y), cell_of(x)
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        shape = (len(predictor.modality.bands), *tile.shape)
        if not inside.any():
            return np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
        up, left = int(rows[inside].min()), int(columns[inside].min())
        values, valid = predictor.values(
            slice(up, int(rows[inside].max()) + 1), slice(left, int(columns[inside].max()) + 1)
        )
        place = np.where(inside, rows - up, 0), np.where(inside, columns - left, 0)
        return values[:, place[0], place[1]], valid[:, place[0], place[1]] & inside
