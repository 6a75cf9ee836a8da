"""What a dense evaluation of a tile costs, computed from the shapes of its tensors without doing it."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from .dense import DenseModality
from .network import FusionNetwork


@dataclass(frozen=True)
class Cost:
    """Floating-point operations, and the most bytes of tensors alive at one time."""

    flops: int
    peak_bytes: int


def on_meta(network: FusionNetwork) -> FusionNetwork:
    """Return a copy of a network whose tensors have shapes and no values."""
    return copy.deepcopy(network).to("meta")


def dense_cost(dense: DenseModality, rows: int, columns: int) -> Cost:
    """Return the cost of ``dense`` (of a network from ``on_meta``) for an output of rows x columns."""
    bands = dense.network.architecture.modality(dense.name).bands
    shape = (1, bands, dense.input_side(rows), dense.input_side(columns))
    return measured(lambda: dense.features(torch.empty(shape, device="meta")))


def measured(run: Callable[[], Any]) -> Cost:
    """Return the cost of what ``run`` does with tensors on the meta device."""
    counter = FlopCounterMode(display=False)
    alive = _Alive()
    with torch.no_grad(), counter, alive:
        run()
    return Cost(counter.get_total_flops(), alive.peak)


class _Alive(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the storages of the tensors that live, as each operation makes and each release frees them."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._now = 0
        self._holders: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
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
