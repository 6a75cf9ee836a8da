"""The branches of one modality that are on, with what they add to the outputs wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as functional
from torch import Tensor

from ...models.dense import DenseModality, DenseStrips
from ...models.network import Features, FusionNetwork
from ..rasters.raster import Values

BATCH_PIXELS = 16 * 115**2  # of a batch of windows, so that it takes well under a second
LEAST_BATCH, MOST_BATCH = 16, 4096
CHUNK = 1024  # positions whose features are held at a time; with 1,024 features about 4 MB

Between = Callable[[], None]


class Branches:
    """One modality of a network, on one device.

    Parameters
    ----------
    network
        In evaluation mode, on ``device``.
    name, scales
        The modality and its scales that are on.
    step
        Distance between outputs in the modality's own pixels.
    outputs
        Places in the head of what is wanted: species, and what else depends on these branches.
    dense
        Whether the network may be evaluated densely; else window by window.
    frozen
        Whether there is memory for transformed weights (see ``DenseModality``).
    """

    def __init__(
        self,
        network: FusionNetwork,
        name: str,
        scales: Sequence[int],
        step: int,
        outputs: Tensor,
        dense: bool,
        frozen: bool = True,
    ) -> None:
        self.name = name
        self.scales = tuple(scales)
        self.radius = (network.architecture.modality(name).reach(scales) - 1) // 2
        self.step = step
        self.dense = DenseModality(network, name, step, scales, frozen) if dense else None
        self._network = network
        self._weights = {
            key: weight[outputs] for key, weight in network.head_weights().items() if key[0] == name
        }
        self._device, self._dtype = network.head.weight.device, network.dtype_of(name)

    def column(self, columns: int, strip: int, between: Between) -> DenseStrips:
        """Return a new pass down a column of the map. Only for the dense method."""
        if self.dense is None:
            raise RuntimeError("the network is evaluated window by window")
        return DenseStrips(self.dense, columns, strip, between)

    def tensor(self, values: Values) -> Tensor:
        """Return a window (bands, rows, columns) as (1, bands, rows, columns) on the device, channels last."""
        return torch.from_numpy(values)[None].to(self._device, self._dtype, memory_format=torch.channels_last)

    def logits(self, features: Features) -> Tensor:
        """Return what the branches add, (outputs, positions), from features (1, out_size, rows, columns)."""
        total: Tensor | None = None
        for key, values in features.items():
            # Channels last, the features are a matrix already: (positions, out_size).
            matrix = values.permute(0, 2, 3, 1).reshape(-1, values.shape[1]).T
            weight = self._weights[key]
            total = weight @ matrix if total is None else total.addmm_(weight, matrix)
        if total is None:
            raise RuntimeError("no branch is on")
        return total

    def next_logits(self, column: DenseStrips, rows: int) -> Tensor:
        """Return what the branches add to the next ``rows`` rows of a column: (outputs, positions).

        Projection and head go chunk by chunk, so that the features in between stay in the processor's cache.
        """
        total: Tensor | None = None
        for key, matrix in column.take_stacks(rows):
            project, weight = self._network.branch(key).project, self._weights[key]
            if total is None:
                total = weight.new_zeros(len(weight), len(matrix))
            for start in range(0, len(matrix), CHUNK):
                some = matrix[start : start + CHUNK].to(project.weight.dtype)
                features = torch.relu_(functional.linear(some, project.weight, project.bias))
                total[:, start : start + CHUNK].addmm_(weight, features.T)
        if total is None:
            raise RuntimeError("no branch is on")
        return total

    def everywhere(self, values: Values, between: Between) -> Tensor:
        """Return (outputs, positions) at every position of a window of normalised pixels."""
        if self.dense is None:
            raise RuntimeError("the network is evaluated window by window")
        with torch.inference_mode():
            return self.logits(self.dense.features(self.tensor(values), between))

    def of_windows(self, batches: Iterable[Values], between: Between) -> Tensor:
        """Return (outputs, sites) from batches of windows (sites, bands, side, side)."""
        parts = []
        with torch.inference_mode():
            for windows in batches:
                between()
                batch = torch.from_numpy(windows).to(
                    self._device, self._dtype, memory_format=torch.channels_last
                )
                features = self._network.features({self.name: batch}, {self.name: self.scales})
                parts.append(self.logits({key: value.T[None, :, :, None] for key, value in features.items()}))
        return torch.cat(parts, dim=1)


def batches(windows: Values, at: npt.NDArray[np.int64]) -> Iterator[Values]:
    """Yield batches (sites, bands, side, side) of some windows.

    ``windows`` is (bands, rows, columns, side, side), ``at`` (sites, 2) has row and column of each.
    """
    size = min(max(BATCH_PIXELS // (windows.shape[-1] * windows.shape[-2]), LEAST_BATCH), MOST_BATCH)
    for start in range(0, len(at), size):
        rows, columns = at[start : start + size].T
        yield np.ascontiguousarray(windows[:, rows, columns].swapaxes(0, 1))
