"""The network on one tile of a map: a pure function of model, inputs and tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..models.architecture import BranchKey
from ..models.dense import DenseModality
from ..models.network import FusionNetwork, branch_name
from .ground import transformer
from .lattice import Tile
from .plan import Plan
from .predictors import Predictor
from .raster import Valid, Values

PATCH_BATCH = 64
SPARSE = 4  # cells in a window for each cell looked up: beyond it they are evaluated one by one

Probability = npt.NDArray[np.float32]
Index = npt.NDArray[np.int64]


class Evaluator:
    """Probabilities of a plan's species on tiles of its map.

    Parameters
    ----------
    network
        In evaluation mode, on ``device``.
    method
        ``dense`` or ``patch`` (window by window, the reference).
    between
        Called between operations; raises to stop.
    """

    def __init__(
        self,
        network: FusionNetwork,
        plan: Plan,
        device: torch.device,
        method: str,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self.network = network
        self.device = device
        self.method = method
        self.between = between
        species = torch.tensor(plan.species, device=device)
        self._weights = {key: weight[species] for key, weight in network.head_weights().items()}
        bias = network.head.bias[species].clone()
        for key, weight in self._weights.items():
            if key[1] not in plan.scales.get(key[0], ()):
                bias += weight @ network.replacements[branch_name(key)]
        self._bias = bias
        self._dense = {}
        if method == "dense":
            for name, scales in plan.scales.items():
                step = plan.grid.step if name == plan.finest else 1
                self._dense[name] = DenseModality(network, name, step, scales)

    @torch.inference_mode()
    def probability(self, tile: Tile) -> tuple[Probability, Valid]:
        """Return a tile's probabilities (species, rows, columns), and which pixels have one (rows, columns)."""
        valid = self.plan.grid.within(tile)
        logits = self._bias[:, None, None].expand(-1, *tile.shape).clone()
        for name in self.plan.scales:
            if not valid.any():
                break
            self.between()
            if name == self.plan.finest:
                part, here = self._fine(name, tile, valid)
            else:
                part, here = self._coarse(name, tile, valid)
            valid &= here
            if part is not None:
                logits += part
        probability = torch.sigmoid(logits).to("cpu").numpy().astype(np.float32, copy=False)
        return probability, valid

    def _fine(self, name: str, tile: Tile, wanted: Valid) -> tuple[Tensor | None, Valid]:
        """Return what the finest modality adds to the logits of a tile, and where it is known."""
        predictor = self.plan.predictors[name]
        rows = self.plan.grid.input_rows(tile.rows)
        columns = self.plan.grid.input_columns(tile.columns)
        radius = (max(self.plan.scales[name]) - 1) // 2
        values, held = predictor.read(_around(rows, radius), _around(columns, radius))
        step = self.plan.grid.step
        centres = _everywhere(held)[radius::step, radius::step][: rows.size, : columns.size]
        valid = centres & self._inside(predictor, rows, radius, 0)[:, None]
        valid &= self._inside(predictor, columns, radius, 1)[None, :]
        if not (valid & wanted).any():
            return None, valid
        window = self._tensor(values)
        if self.method == "dense":
            features = self._dense[name].features(window, self.between)
            return self._logits({key: value[0].flatten(1).T for key, value in features.items()}, tile), valid
        at = np.argwhere(valid & wanted)
        return self._scattered(name, window[0], at * step + radius, at, tile), valid

    def _coarse(self, name: str, tile: Tile, wanted: Valid) -> tuple[Tensor | None, Valid]:
        """Return what a coarse modality adds: each pixel takes the value of the cell that holds its centre."""
        predictor = self.plan.predictors[name]
        x, y = self.plan.grid.centres(tile)
        if predictor.crs != self.plan.grid.crs:
            x, y = transformer(self.plan.grid.crs, predictor.crs).transform(x, y)
        affine = predictor.grid.affine
        columns = _cells((x - affine.c) / affine.a)
        rows = _cells((y - affine.f) / affine.e)
        radius = (max(self.plan.scales[name]) - 1) // 2
        valid = self._inside(predictor, rows, radius, 0) & self._inside(predictor, columns, radius, 1)
        if not (valid & wanted).any():
            return None, valid
        mine = valid & wanted
        first_row, last_row = int(rows[mine].min()), int(rows[mine].max())
        first_column, last_column = int(columns[mine].min()), int(columns[mine].max())
        values, held = predictor.read(
            slice(first_row - radius, last_row + radius + 1),
            slice(first_column - radius, last_column + radius + 1),
        )
        rows = np.where(mine, rows - first_row, 0)
        columns = np.where(mine, columns - first_column, 0)
        valid &= _everywhere(held)[rows + radius, columns + radius] | ~mine
        height, width = last_row - first_row + 1, last_column - first_column + 1
        window = self._tensor(values)
        codes, places = np.unique(rows * width + columns, return_inverse=True)
        at = np.stack(np.divmod(codes, width), axis=1)
        if self.method == "dense" and height * width <= SPARSE * max(codes.size, PATCH_BATCH):
            features = self._dense[name].features(window, self.between)
            cells = {key: value[0].flatten(1).T[codes] for key, value in features.items()}
        else:
            cells = self._patches(name, window[0], at + radius)
        logits = self._contributions(cells)
        return logits[:, torch.from_numpy(places.reshape(tile.shape)).to(self.device)], valid

    def _tensor(self, values: Values) -> Tensor:
        """Return a window (bands, rows, columns) as (1, bands, rows, columns) on the device, channels last."""
        return torch.from_numpy(values)[None].to(self.device, memory_format=torch.channels_last)

    def _inside(self, predictor: Predictor, index: Index, radius: int, axis: int) -> Valid:
        """Tell where windows of a radius lie within the raster, or with edge fill their centres alone."""
        reach = radius if self.plan.job.edge == "nodata" else 0
        inside: Valid = (index >= reach) & (index < predictor.grid.shape[axis] - reach)
        return inside

    def _contributions(self, features: dict[BranchKey, Tensor]) -> Tensor:
        """Return (species, sites) from branch features (sites, out_size)."""
        stacked = torch.cat(list(features.values()), dim=1)
        weights = torch.cat([self._weights[key] for key in features], dim=1)
        return weights @ stacked.T

    def _logits(self, features: dict[BranchKey, Tensor], tile: Tile) -> Tensor:
        return self._contributions(features).reshape(-1, *tile.shape)

    def _scattered(self, name: str, window: Tensor, centres: Index, at: Index, tile: Tile) -> Tensor:
        """Return (species, rows, columns): logits window by window at pixels ``at``, 0 elsewhere."""
        part = torch.zeros(len(self.plan.species), *tile.shape, device=self.device)
        rows, columns = torch.from_numpy(at.T.copy()).to(self.device)
        part[:, rows, columns] = self._contributions(self._patches(name, window, centres))
        return part

    def _patches(self, name: str, window: Tensor, centres: Index) -> dict[BranchKey, Tensor]:
        """Return branch features (sites, out_size) at centres (rows, columns) in a window (bands, ...)."""
        scales = self.plan.scales[name]
        radius = (max(scales) - 1) // 2
        found: dict[BranchKey, list[Tensor]] = {(name, scale): [] for scale in scales}
        for batch in _batches(centres):
            self.between()
            patches = torch.stack(
                [window[:, r - radius : r + radius + 1, c - radius : c + radius + 1] for r, c in batch]
            )
            features = self.network.features({name: patches}, {name: scales})
            for key, collected in found.items():
                collected.append(features[key])
        return {key: torch.cat(collected) for key, collected in found.items()}


def _everywhere(held: Valid) -> Valid:
    """Tell where all bands hold a value (rows, columns)."""
    together: Valid = np.all(held, axis=0)
    return together


def _around(index: Index, radius: int) -> slice:
    return slice(int(index[0]) - radius, int(index[-1]) + radius + 1)


def _cells(position: npt.NDArray[np.float64]) -> Index:
    """Return the index of the cell that holds each position; one that can't be transformed is outside."""
    return np.where(np.isfinite(position), np.floor(position), -1).astype(np.int64)


def _batches(centres: Index) -> Iterator[list[tuple[int, int]]]:
    for start in range(0, len(centres), PATCH_BATCH):
        yield [(int(r), int(c)) for r, c in centres[start : start + PATCH_BATCH]]
