"""A whole ``map`` run measured: speed with files, share of reading and writing, memory, how soon it cancels."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil
import rasterio
import torch
from rasterio.transform import from_origin

from ...models.card import Band, Card, Modality, Species, Training
from ...models.model_file import ModelFile, write_model
from ...models.network import FusionNetwork
from ...models.presets import architecture
from ..jobs.map_job import run_map
from ..protocol import MapJob, RasterInput
from ..running.errors import Cancelled
from ..running.progress import Monitor
from .bench_dense import BANDS, FINE_PER_CELL, BenchSetting, calibrated

FINE_M = 10.0
MARGIN_CELLS = 80  # of climate beyond the scene; more than half of any preset's largest climate window
CANCEL_AFTER_S = (1.0, 4.0)  # a random moment in between
WATCH_S = 0.005


@dataclass(frozen=True)
class MapBench(BenchSetting):
    """The figures of ``scalescape bench map``.

    ``files_share`` is the share of the wall time during which nothing was computed: reading that computing
    waited for, and writing after it. ``peak_over_idle_bytes`` is resident memory above that before the run.
    ``cancel_s`` is the time from asking to stop until the job had ended.
    """

    method: str
    seconds: float
    px_per_s: float
    files_share: float
    memory_budget_bytes: int
    peak_over_idle_bytes: int
    verified_max_abs_diff: float | None
    cancel_s: float


def bench_map(preset: str, step: int, size: int, species: int, precision: str, memory: int) -> MapBench:
    """Measure maps of ``size`` x ``size`` pixels of noise, from files to files, in a folder that goes."""
    with tempfile.TemporaryDirectory(prefix="scalescape-bench-") as folder:
        job = noise_job(Path(folder), preset, step, size, species)
        job = replace(job, precision=precision, memory=memory)
        warm = replace(job, extent=inner(preset, step), out=str(Path(folder) / "warm"))
        run_map(warm, Monitor())  # libraries load, memory settles: an idle engine
        monitor = Monitor()
        with peak_memory() as memory_used:
            result = run_map(replace(job, verify=20), monitor)
        cancel_s = _cancelled(replace(job, out=str(Path(folder) / "cancelled")))
        return MapBench(
            preset=preset,
            step=step,
            size=size,
            species=species,
            device=result.device,
            threads=torch.get_num_threads(),
            precision=result.precision,
            method=result.method,
            seconds=result.seconds,
            px_per_s=result.valid_pixels / result.seconds,
            files_share=1 - monitor.spent["computing"] / result.seconds,
            memory_budget_bytes=memory,
            peak_over_idle_bytes=memory_used[0],
            verified_max_abs_diff=result.verified_max_abs_diff,
            cancel_s=cancel_s,
        )


def noise_job(folder: Path, preset: str, step: int, size: int, species: int) -> MapJob:
    """Write rasters of noise and a model of random weights; return a job that maps ``size`` pixels a side."""
    shape = architecture(preset, BANDS, species)
    torch.manual_seed(0)
    with torch.no_grad():
        network = calibrated(FusionNetwork(shape).eval())
    draw = np.random.default_rng(0)
    modalities, inputs = [], []
    side = (size - 1) * step + widest(preset)
    for modality in shape.modalities:
        coarse = modality.name == "bioclim" and len(shape.modalities) > 1
        pixel = FINE_M * FINE_PER_CELL if coarse else FINE_M
        length = side // FINE_PER_CELL + 2 * MARGIN_CELLS if coarse else side
        corner = -MARGIN_CELLS * pixel if coarse else 0.0
        file = folder / f"{modality.name}.tif"
        with rasterio.open(
            file, "w", driver="GTiff", count=modality.bands, height=length, width=length, dtype="float32",
            crs="EPSG:32632", transform=from_origin(500_000 + corner, 5_000_000 - corner, pixel, pixel),
            tiled=True,
        ) as target:  # fmt: skip
            for band in range(1, modality.bands + 1):
                target.write(draw.standard_normal((length, length), np.float32), band)
        inputs.append(RasterInput(modality.name, str(file)))
        quantiles = tuple(float(q) for q in np.linspace(-3, 3, 101))
        bands = tuple(Band(f"b{i}", 0.0, 1.0, 0.0, quantiles) for i in range(modality.bands))
        modalities.append(Modality(modality.name, bands, pixel, "metre", modality.scales))
    card = Card(
        name="bench", summary="Random weights.", licence="", citation="", architecture=shape.to_dict(),
        modalities=tuple(modalities), species=tuple(Species(f"s{i}", 1, "po") for i in range(species)),
        training=Training("noise", 0.5),
    )  # fmt: skip
    means = {(m.name, b.scale): torch.zeros(b.out_size) for m in shape.modalities for b in m.branches}
    model = folder / "model.safetensors"
    write_model(model, ModelFile(network, card, means))
    return MapJob(str(model), tuple(inputs), str(folder / "maps"), step=step)


@contextmanager
def peak_memory() -> Iterator[list[int]]:
    """Yield a list whose one item becomes the most resident memory above that at the start, in bytes."""
    process = psutil.Process()
    idle = process.memory_info().rss
    found, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(WATCH_S):
            found[0] = max(found[0], process.memory_info().rss - idle)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()


def inner(preset: str, pixels: int) -> tuple[float, float, float, float]:
    """Return an extent of the noise, ``pixels`` a side, that starts where the first window has room."""
    left, top = 500_000.0 + FINE_M * (widest(preset) // 2), 5_000_000.0 - FINE_M * (widest(preset) // 2)
    return left, top - FINE_M * pixels, left + FINE_M * pixels, top


def widest(preset: str) -> int:
    """Return the largest scale of the modality that the noise's grid is of."""
    modalities = architecture(preset, BANDS, species=1).modalities
    return max(max(m.scales) for m in modalities if m.name != "bioclim" or len(modalities) == 1)


def _cancelled(job: MapJob) -> float:
    """Return the seconds from asking a map to stop, at a random moment, until it has ended."""
    monitor = Monitor()
    asked = [0.0]

    def ask() -> None:
        asked[0] = time.perf_counter()
        monitor.cancel()

    timer = threading.Timer(float(np.random.default_rng().uniform(*CANCEL_AFTER_S)), ask)
    timer.start()
    try:
        run_map(job, monitor)
    except Cancelled:
        return time.perf_counter() - asked[0]
    timer.cancel()
    return 0.0
