"""How good the planner's choice is: each way of mapping forced, beside the one that it takes, step by step."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from ...models.presets import architecture
from ..jobs.map_job import run_map
from ..mapping.layout import chosen_layout
from ..mapping.plan import planned
from ..protocol import MapJob
from ..running.progress import Monitor
from .bench_dense import BANDS
from .bench_map import inner, noise_job

STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
WIDE = 384  # input px that a dense map spans at least, so that its sides weigh little


@dataclass(frozen=True)
class PlannerBench:
    """What was found at one step; speeds are of computing alone, without files, the best of the repeats.

    ``planner_ratio`` is the speed of the way that the planner chose over that of the faster one.
    """

    step: int
    dense_px_per_s: float
    patch_px_per_s: float
    planner_choice: str
    planner_ratio: float


def bench_planner(preset: str, step: int, size: int, species: int, repeats: int = 2) -> PlannerBench:
    """Map noise in both ways, and ask the planner, in float32.

    The map has ``size`` x ``size`` pixels, or as many as make it ``WIDE``; window by window only ``size`` x
    ``size`` of them, since every pixel costs the same there.
    """
    with tempfile.TemporaryDirectory(prefix="scalescape-bench-") as folder:
        job = noise_job(Path(folder), preset, step, max(size, WIDE // step), species)
        job = replace(job, precision="float32")
        with planned(job) as plan:
            choice = chosen_layout(architecture(preset, BANDS, species), plan).method
        ways = {
            "dense": replace(job, method="dense"),
            "patch": replace(job, method="patch", extent=inner(preset, size * step)),
        }
        speeds = {way: max(_speed(one) for _ in range(repeats)) for way, one in ways.items()}
    return PlannerBench(
        step=step,
        dense_px_per_s=speeds["dense"],
        patch_px_per_s=speeds["patch"],
        planner_choice=choice,
        planner_ratio=speeds[choice] / max(speeds.values()),
    )


def _speed(job: MapJob) -> float:
    monitor = Monitor()
    return run_map(job, monitor).valid_pixels / monitor.spent["computing"]
