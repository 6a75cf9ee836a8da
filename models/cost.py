"""What dense evaluation costs, computed from the shapes of its tensors without doing it."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from .architecture import Architecture
from .dense import DenseModality, DenseStrips
from .fusion import fused
from .network import FusionNetwork
from .winograd import share_of_time, transformed_bytes

WARM_STRIPS = 2  # after the first, each strip costs the same
USEFUL_STRIP = 64


@dataclass(frozen=True)
class Cost:
    """Floating-point operations in all and of the largest single one, and the most bytes alive at a time."""

    flops: int
    largest_flops: int
    peak_bytes: int


@dataclass(frozen=True)
class ColumnCost:
    """The cost of a column of a map: once at its top, and then for each output row.

    Of frozen weights, convolutions that Winograd's way makes shorter count for as many operations as take a
    direct convolution the same time.
    """

    top_flops: int
    row_flops: float
    largest_flops: int
    peak_bytes: int

    def flops(self, rows: int) -> float:
        """Return the operations of a column of so many output rows."""
        return self.top_flops + rows * self.row_flops


def on_meta(network: FusionNetwork) -> FusionNetwork:
    """Return a copy of a network whose tensors have shapes and no values."""
    return copy.deepcopy(network).to("meta")


@cache
def shape_of_dense(
    architecture: Architecture, name: str, step: int, scales: tuple[int, ...], frozen: bool = True
) -> DenseModality:
    """Return the dense form of a modality as it is used (batch norm folded away), with shapes and no values."""
    with torch.device("meta"):
        network = FusionNetwork(architecture)
    return DenseModality(fused(network), name, step, scales, frozen)


@cache
def patch_cost(architecture: Architecture, name: str, scales: tuple[int, ...]) -> Cost:
    """Return the cost of one window of one modality, with all of its scales."""
    dense = shape_of_dense(architecture, name, 1, scales)
    window = _empty(dense, (1, _bands(dense), dense.window, dense.window))
    return measured(lambda: dense.network.features({name: window}, {name: scales}))


class ColumnCosts:
    """The cost of columns of any width, from two widths that are counted for each strip.

    All of it is affine in the width but for rounding to whole positions.

    Parameters
    ----------
    count
        Counts the cost of a column by its width and strip (output pixels).
    """

    WIDTHS = (32, 512)

    def __init__(self, count: Callable[[int, int], ColumnCost]) -> None:
        self.count = count
        self._known: dict[int, tuple[ColumnCost, ColumnCost]] = {}

    def at(self, columns: int, strip: int) -> ColumnCost:
        """Return the estimated cost of a column ``columns`` outputs wide, in strips of ``strip`` rows."""
        if strip not in self._known:
            narrow, wide = (self.count(width, strip) for width in self.WIDTHS)
            self._known[strip] = narrow, wide
        narrow, wide = self._known[strip]
        across = (columns - self.WIDTHS[0]) / (self.WIDTHS[1] - self.WIDTHS[0])

        def affine(field: str) -> float:
            low, high = float(getattr(narrow, field)), float(getattr(wide, field))
            return max(0.0, low + across * (high - low))

        return ColumnCost(
            round(affine("top_flops")),
            affine("row_flops"),
            round(affine("largest_flops")),
            round(affine("peak_bytes")),
        )


@cache
def column_costs(
    architecture: Architecture, name: str, step: int, scales: tuple[int, ...], frozen: bool = True
) -> ColumnCosts:
    """Return the costs of columns of one modality at a step; they are counted once and kept."""

    def count(columns: int, strip: int) -> ColumnCost:
        return column_cost(shape_of_dense(architecture, name, step, scales, frozen), columns, strip)

    return ColumnCosts(count)


@cache
def useful_flops(architecture: Architecture, name: str, step: int, scales: tuple[int, ...]) -> float:
    """Return the operations that dense evaluation needs for an output pixel, far from the sides of a column."""
    costs = column_costs(architecture, name, step, scales, frozen=False)
    narrow, wide = (costs.at(columns, USEFUL_STRIP).row_flops for columns in costs.WIDTHS)
    return (wide - narrow) / (costs.WIDTHS[1] - costs.WIDTHS[0])


def dense_cost(dense: DenseModality, rows: int, columns: int) -> Cost:
    """Return the cost of ``dense`` (of a network from ``on_meta``) for an output of rows x columns at once."""
    shape = (1, _bands(dense), dense.input_side(rows), dense.input_side(columns))
    return measured(lambda: dense.features(_empty(dense, shape)))


def column_cost(dense: DenseModality, columns: int, strip: int) -> ColumnCost:
    """Return the cost of a column that is ``columns`` outputs wide, in strips of ``strip`` output rows."""

    seen: list[int] = []

    def down(counter: _Counter) -> None:
        column = DenseStrips(dense, columns, strip)
        width = dense.input_side(columns)
        column.feed(_empty(dense, (1, _bands(dense), dense.input_side(strip), width)))
        column.take(strip)
        for _ in range(WARM_STRIPS):
            seen.append(counter.flops)
            column.feed(_empty(dense, (1, _bands(dense), strip * dense.step, width)))
            column.take(strip)

    frozen = dense.winograd is not None
    whole = _counted(down, frozen)
    row = (whole.flops - seen[-1]) / strip
    kept = transformed_bytes(dense.layers) if frozen else 0
    return ColumnCost(round(seen[0] - strip * row), row, whole.largest_flops, whole.peak_bytes + kept)


def measured(run: Callable[[], Any]) -> Cost:
    """Return the cost of what ``run`` does with tensors on the meta device."""
    return _counted(lambda counter: run())


def _counted(run: Callable[[_Counter], Any], frozen: bool = False) -> Cost:
    counter = _Counter(frozen)
    # Inference mode would hide the operations behind others that are not counted.
    with torch.inference_mode(False), torch.no_grad(), counter:
        run(counter)
    return Cost(counter.flops, counter.largest, counter.peak)


def _bands(dense: DenseModality) -> int:
    return dense.network.architecture.modality(dense.name).bands


def _empty(dense: DenseModality, shape: tuple[int, ...]) -> Tensor:
    weight = next(dense.network.parameters())
    return torch.empty(shape, device="meta", dtype=weight.dtype, memory_format=torch.channels_last)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations by torch's own registry, and adds up the storages of the tensors that live.

    ``frozen``: convolutions count by the time that they take where weights don't change.
    """

    def __init__(self, frozen: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._frozen = frozen
        self.flops = 0
        self.largest = 0
        self.peak = 0
        self._now = 0
        self._holders: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            flops = int(count(*args, **(kwargs or {}), out_val=result))
            if self._frozen and func.overloadpacket is torch.ops.aten.convolution:
                image, weight, _, stride, _, dilation, *_ = args
                flops = round(flops * share_of_time(image.shape, weight.shape, stride[0], dilation[0]))
            self.flops += flops
            self.largest = max(self.largest, flops)
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._hold(leaf)
        return result

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._holders:
            self._holders[key] = 0
            self._now += size
            self.peak = max(self.peak, self._now)
        self._holders[key] += 1
        weakref.finalize(tensor, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._holders[key] -= 1
        if self._holders[key] == 0:
            del self._holders[key]
            self._now -= size
