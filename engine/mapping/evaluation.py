"""The network on a plan's map: strips of input in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...models.dense import DenseStrips
from ...models.network import FusionNetwork, branch_name
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..running.progress import Monitor
from .branches import Branches, batches
from .coarse import CoarseField
from .feature_novelty import FeatureNovelty
from .layout import Layout
from .pipeline import overlapped
from .plan import Plan
from .strips import Strip, StripReader

Probability = npt.NDArray[np.float32]


class Evaluator:
    """Probabilities of a plan's species on its map.

    Parameters
    ----------
    network
        In evaluation mode, on the device that computes.
    layout
        Method (``dense``, or ``patch``: window by window, the reference), columns and strips.
    between
        Called between operations; raises to stop.
    link
        What makes the map's values of logits; probabilities by default.
    novelty
        What gives further values, after the species.
    """

    def __init__(
        self,
        network: FusionNetwork,
        plan: Plan,
        layout: Layout,
        between: Callable[[], None] = lambda: None,
        link: Callable[[Tensor], Tensor] = torch.sigmoid_,
        novelty: FeatureNovelty | None = None,
    ) -> None:
        self.plan = plan
        self.layout = layout
        self._between = between
        self._link = link
        self._novelty = novelty
        dense = layout.method == "dense"
        self._branches: dict[str, Branches] = {}
        self._bias: dict[str, Tensor] = {}
        for name, scales in plan.scales.items():
            further = novelty.rows[name] if novelty is not None else ()
            outputs = torch.tensor((*plan.species, *further), device=network.head.weight.device)
            step = plan.grid.step if name == plan.finest else 1
            self._branches[name] = Branches(network, name, scales, step, outputs, dense, layout.frozen)
            self._bias[name] = self._constant(network, outputs)[:, None]
        self._fine = self._branches[plan.finest]
        self._column: DenseStrips | None = None

    def strips(self, after: Tile | None = None) -> Iterator[Strip]:
        """Yield every strip of the map, column by column; may run in a thread of its own.

        ``after`` goes on below a tile that was done, in columns of the same width.
        """
        plan, fill = self.plan, self.plan.job.edge == "fill"
        coarse = {
            name: CoarseField(branches, plan.predictors[name], plan.grid, fill, plan.job.blend)
            for name, branches in self._branches.items()
            if name != plan.finest
        }
        reader = StripReader(
            plan.grid,
            plan.predictors[plan.finest],
            self._fine.radius,
            coarse,
            self._wanted(),
            fill,
            carry=self._fine.dense is not None,
        )
        rows, across = plan.reachable
        for columns in self.layout.columns(across):
            down = rows
            if after is not None:
                if columns.start < after.columns.start:
                    continue
                if columns.start == after.columns.start:
                    down = slice(after.rows.stop, rows.stop)
            yield from reader.strips(down, columns, self.layout.strip, self._between)

    def _wanted(self) -> Callable[[Tile], Valid]:
        """Return what tells which pixels of a tile are wanted: those in the extent and, if asked, the mask."""
        plan = self.plan
        if plan.mask is None:
            return plan.grid.within
        mask = plan.mask
        return lambda tile: plan.grid.within(tile) & mask.within(plan.grid, tile)

    @torch.inference_mode()
    def probability(self, strip: Strip) -> tuple[Strip, Probability | None]:
        """Return a strip with its values (species, rows, columns), None where it holds no pixel."""
        if strip.rows is None:
            return strip, None
        self._between()
        species = len(self.plan.species)
        fine = self._dense(strip) if self._fine.dense is not None else self._patches(strip)
        logits = fine[:species].add_(self._bias[self.plan.finest][:species])
        further = {self.plan.finest: fine[species:]}
        for name, cells in strip.cells.items():
            part = cells.spread()
            logits += part[:species]
            further[name] = part[species:]
        values = self._link(logits)
        if self._novelty is not None:
            coordinates = {name: part.add_(self._bias[name][species:]) for name, part in further.items()}
            values = torch.cat([values, self._novelty.ratios(coordinates)])
        return strip, values.reshape(-1, *strip.tile.shape).to("cpu").numpy()

    def _dense(self, strip: Strip) -> Tensor:
        rows, columns = strip.tile.shape
        if strip.rows is None:
            raise ValueError("a strip without input has no logits")
        if strip.top or self._column is None:
            self._column = self._fine.column(columns, self.layout.strip, self._between)
        self._column.feed(self._fine.tensor(strip.rows))
        return self._fine.next_logits(self._column, rows)

    def _patches(self, strip: Strip) -> Tensor:
        if strip.rows is None:
            raise ValueError("a strip without input has no logits")
        side, step = 2 * self._fine.radius + 1, self._fine.step
        windows = np.lib.stride_tricks.sliding_window_view(strip.rows, (side, side), axis=(1, 2))
        at = np.argwhere(strip.valid)
        found = self._fine.of_windows(batches(windows[:, ::step, ::step], at), self._between)
        logits = found.new_zeros(len(found), *strip.tile.shape)
        rows, columns = torch.from_numpy(at.T.copy()).to(found.device)
        logits[:, rows, columns] = found
        return logits.flatten(1)

    def _constant(self, network: FusionNetwork, outputs: Tensor) -> Tensor:
        """Return bias and the replacements of branches that are off: (outputs,) in float32."""
        constant = network.head.bias[outputs].float()
        for key, weight in network.head_weights().items():
            if key[1] not in self.plan.scales.get(key[0], ()):
                constant = constant + (weight[outputs] @ network.replacements[branch_name(key)]).float()
        return constant


def map_strips(
    evaluator: Evaluator, write: Callable[[Strip, Probability], None], phase: str, monitor: Monitor
) -> int:
    """Evaluate a map and ``write`` each strip that holds a value; return how many pixels have one.

    Where a device's memory runs out, strips are halved and the map goes on below the last one that was written.
    """
    rows, columns = evaluator.plan.reachable
    total = (rows.stop - rows.start) * (columns.stop - columns.start)
    done = valid_pixels = 0
    last: Tile | None = None

    def written(result: tuple[Strip, Probability | None]) -> None:
        nonlocal done, valid_pixels, last
        strip, values = result
        if values is not None:
            write(strip, values)
            valid_pixels += int(strip.valid.sum())
        last = strip.tile
        done += strip.tile.shape[0] * strip.tile.shape[1]
        monitor.report(phase, done, total, "px")

    def computed(strip: Strip) -> tuple[Strip, Probability | None]:
        with monitor.timed("computing"):
            return evaluator.probability(strip)

    monitor.report(phase, 0, total, "px")
    while True:
        try:
            overlapped(evaluator.strips(last), computed, written)
        except torch.OutOfMemoryError:
            smaller = evaluator.layout.halved()
            if smaller is None:
                raise
            evaluator.layout = smaller
            torch.cuda.empty_cache()
        else:
            return valid_pixels
