"""How fast a network runs here: measured once, in a second or less, and kept for the device."""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch

from ..models.cost import column_costs
from ..models.dense import DenseModality, DenseStrips
from ..models.network import FusionNetwork

CACHE_VARIABLE = "SCALESCAPE_CACHE"
WIDTH, STRIP = 128, 64  # output px of the columns that are measured, where they are no more work than
LARGEST_FLOPS = 1e11  # this much a strip
FEWEST_STRIPS, MOST_STRIPS, LONG_ENOUGH_S = 3, 30, 0.7  # the best counts: others use the cores too


class Speeds:
    """Measured operations a second, by device, network and precision, kept on disk."""

    def __init__(self, folder: Path | None = None) -> None:
        self._file = (folder or cache_folder()) / "speed.json"

    def known(self, key: str) -> float | None:
        """Return a speed measured before, or None."""
        value = self._all().get(key)
        return value if isinstance(value, float) and value > 0 else None

    def keep(self, key: str, speed: float) -> None:
        """Keep a speed; where that can't be done it is measured again next time."""
        speeds = {**self._all(), key: speed}
        partial = self._file.with_suffix(f".{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(speeds), encoding="utf-8")
            partial.replace(self._file)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    def _all(self) -> dict[str, float]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def cache_folder() -> Path:
    """Return the user's folder for what can be made again."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "scalescape"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "scalescape"


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
def measured_dense_speed(network: FusionNetwork, name: str, step: int, scales: tuple[int, ...]) -> float:
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
    column.feed(noise(rows))
    column.take(strip)
    best = float("inf")
    begun = time.perf_counter()
    taken = 0
    while taken < FEWEST_STRIPS or (taken < MOST_STRIPS and time.perf_counter() - begun < LONG_ENOUGH_S):
        taken += 1
        more = noise(strip * step)
        _wait(weight)
        started = time.perf_counter()
        column.feed(more)
        column.take(strip)
        _wait(weight)
        best = min(best, time.perf_counter() - started)
    return costs.at(columns, strip).row_flops * strip / best


def _weight(network: FusionNetwork, name: str) -> torch.Tensor:
    return next(network.backbones[name].parameters())


def _wait(tensor: torch.Tensor) -> None:
    if tensor.device.type == "cuda":
        torch.cuda.synchronize()
