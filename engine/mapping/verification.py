"""Random pixels of a map computed again, window by window in float32, before anything is written for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...models.network import FusionNetwork
from ..running.progress import Monitor
from .evaluation import Evaluator, Probability
from .layout import Layout
from .plan import Plan
from .strips import Strip

TOLERANCE = {"float32": 1e-4, "bfloat16": 0.01}


class MismatchError(RuntimeError):
    """A map that differs from its own windows: a defect of ours, so it is not written."""


class Verifier:
    """Keeps a random sample of the pixels that a map gets, and recomputes them.

    Parameters
    ----------
    plan
        The map's.
    wanted
        How many pixels.
    link
        What makes the map's values of logits.
    """

    def __init__(self, plan: Plan, wanted: int, link: Callable[[Tensor], Tensor] = torch.sigmoid_) -> None:
        rows, columns = plan.reachable
        self._plan = plan
        self._link = link
        self._wanted = wanted
        self._share = wanted / max(1, (rows.stop - rows.start) * (columns.stop - columns.start))
        self._draw = np.random.default_rng()
        self._kept: list[tuple[int, int, npt.NDArray[np.float32]]] = []

    def see(self, strip: Strip, values: Probability) -> None:
        """Take note of some pixels of a strip, (species, rows, columns); further layers do not count."""
        at = np.argwhere(strip.valid)
        number = min(len(at), int(np.ceil(self._share * strip.valid.size))) if self._wanted else 0
        for row, column in at[self._draw.choice(len(at), number, replace=False)]:
            place = strip.tile.rows.start + int(row), strip.tile.columns.start + int(column)
            self._kept.append((*place, values[: len(self._plan.species), row, column].copy()))

    def largest_difference(self, network: FusionNetwork, precision: str, monitor: Monitor) -> float | None:
        """Return the largest difference of a value, None where nothing was to be verified.

        Raises
        ------
        MismatchError
            It is larger than the precision explains.
        """
        if not self._kept:
            return None
        self._draw.shuffle(self._kept)
        largest = 0.0
        kept = self._kept[: self._wanted]
        for done, (row, column, values) in enumerate(kept):
            monitor.report("verifying", done, len(kept), "px")
            largest = max(largest, float(np.abs(self._alone(network, row, column) - values).max()))
        monitor.report("verifying", len(kept), len(kept), "px")
        if not largest <= TOLERANCE[precision]:
            raise MismatchError(
                f"Of {len(kept)} pixels computed again window by window one differs by {largest:.2g}, so the "
                "map was not written."
            )
        return largest

    def _alone(self, network: FusionNetwork, row: int, column: int) -> npt.NDArray[np.float32]:
        """Return the values of one pixel from its own window."""
        grid = self._plan.grid
        pixel = replace(
            grid,
            rows=slice(grid.rows.start + row, grid.rows.start + row + 1),
            columns=slice(grid.columns.start + column, grid.columns.start + column + 1),
        )
        evaluator = Evaluator(
            network, replace(self._plan, grid=pixel), Layout("patch", 1, 1, 0), link=self._link
        )
        (strip,) = evaluator.strips()
        _, values = evaluator.probability(strip)
        if values is None:
            return np.full(len(self._plan.species), np.nan, np.float32)
        return values[:, 0, 0]
