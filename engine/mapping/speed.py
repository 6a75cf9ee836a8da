"""How fast a network runs here: measured once, in a second or less, and kept for the device."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch

from ...models.dense import DenseModality, DenseStrips
from ...models.network import FusionNetwork
from ..files.cache_folder import cache_folder
from ..files.kept_values import KeptValues
from .kept_costs import column_costs

WIDTH, STRIP = 128, 64  # output px of the columns that are measured, where they are no more work than
LARGEST_FLOPS = 1e11  # this much a strip
PATCHES = 4  # windows at a time, where a network is measured window by window
FEWEST_STRIPS, MOST_STRIPS, LONG_ENOUGH_S = 3, 30, 0.7  # the best counts: others use the cores too


class Speeds:
    """Measured operations a second, by device, network and precision, kept on disk."""

    def __init__(self, folder: Path | None = None) -> None:
        self._kept = KeptValues((folder or cache_folder()) / "speed.json")

    def known(self, key: str) -> float | None:
        """Return a speed measured before, or None."""
        value = self._kept.get(key)
        return value if isinstance(value, float) and value > 0 else None

    def keep(self, key: str, speed: float) -> None:
        """Keep a speed; where that can't be done it is measured again next time."""
        self._kept.keep(key, speed)


def speed_key(network: FusionNetwork, name: str, scales: tuple[int, ...], step: int) -> str:
    """Return under what the speed of a modality is kept."""
    weight = _weight(network, name)
    shape = json.dumps([asdict(network.architecture.modality(name)), scales, step])
    device = torch.cuda.get_device_name() if weight.device.type == "cuda" else weight.device.type
    return " ".join(
        (
            device,
            str(torch.get_num_threads()),
            str(network.precision_of(name)).removeprefix("torch."),
            torch.__version__,
            hashlib.sha256(shape.encode()).hexdigest()[:16],
        )
    )


@torch.inference_mode()
def measured_dense_speed(
    network: FusionNetwork, name: str, step: int, scales: tuple[int, ...], between: Callable[[], None]
) -> float:
    """Return operations a second of dense evaluation: the best of a few strips."""
    dense = DenseModality(network, name, step, scales, frozen=True)
    costs = column_costs(network.architecture, name, step, scales)
    columns, strip = WIDTH, STRIP
    while costs.at(columns, strip).row_flops * strip > LARGEST_FLOPS and columns * strip > 1:
        columns, strip = (columns // 2, strip) if columns > strip else (columns, max(1, strip // 2))
    bands, weight = network.architecture.modality(name).bands, _weight(network, name)
    width, rows = dense.input_side(columns), dense.input_side(strip)

    def noise(height: int) -> torch.Tensor:
        values = torch.randn(1, bands, height, width, dtype=weight.dtype, device=weight.device)
        return values.contiguous(memory_format=torch.channels_last)

    column = DenseStrips(dense, columns, strip)
    between()
    column.feed(noise(rows))
    column.take(strip)
    best = float("inf")
    begun = time.perf_counter()
    taken = 0
    while taken < FEWEST_STRIPS or (taken < MOST_STRIPS and time.perf_counter() - begun < LONG_ENOUGH_S):
        taken += 1
        between()
        more = noise(strip * step)
        _wait(weight)
        started = time.perf_counter()
        column.feed(more)
        column.take(strip)
        _wait(weight)
        best = min(best, time.perf_counter() - started)
    return costs.at(columns, strip).row_flops * strip / best


@torch.inference_mode()
def measured_patch_rate(
    network: FusionNetwork, name: str, scales: tuple[int, ...], between: Callable[[], None]
) -> float:
    """Return how many windows a second the network does one by one: the best of a few batches."""
    shape, weight = network.architecture.modality(name), _weight(network, name)
    side = shape.reach(scales)
    windows = torch.randn(PATCHES, shape.bands, side, side, dtype=weight.dtype, device=weight.device)
    windows = windows.contiguous(memory_format=torch.channels_last)
    best = float("inf")
    begun = time.perf_counter()
    for _ in range(FEWEST_STRIPS):
        between()
        started = time.perf_counter()
        network.features({name: windows}, {name: scales})
        _wait(weight)
        best = min(best, time.perf_counter() - started)
        if time.perf_counter() - begun > LONG_ENOUGH_S:
            break
    return PATCHES / best


def _weight(network: FusionNetwork, name: str) -> torch.Tensor:
    return next(network.backbones[name].parameters())


def _wait(tensor: torch.Tensor) -> None:
    if tensor.device.type == "cuda":
        torch.cuda.synchronize()
