"""The true and the effective window of every branch of a model file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...models.architecture import Architecture
from ...models.fusion import fused
from ...models.model_file import read_model
from ...models.windows import effective_side, mean_gradients, true_windows
from ..mapping.plan import Plan, planned
from ..mapping.point import places_at, window_values
from ..protocol import MapJob
from ..rasters.ground import METRES_A_DEGREE
from ..running.errors import InputError

SAMPLE = 32  # patches over which gradients are averaged
BATCH = 8
TRIES = 50  # random pixels tried for each one that has all its windows


@dataclass(frozen=True)
class BranchWindow:
    """The windows of one branch; those in metres by the model's pixel size (a degree along a meridian).

    ``window_px`` and ``window_m`` are width and height; ``offset_px`` is where the window's centre lies from
    the pixel's, to the right and down; ``padding_px`` how much of it is zeros in place of landscape, at its
    widest side. ``effective_px`` is the side of the square about its middle that holds 90 % of the mean
    absolute gradient.
    """

    modality: str
    scale: int
    window_px: tuple[int, int]
    window_m: tuple[float, float]
    offset_px: tuple[float, float]
    padding_px: int
    effective_px: int
    effective_m: float


@dataclass(frozen=True)
class WindowAudit:
    """All branches, and over what the effective windows were taken."""

    effective_over: str
    branches: tuple[BranchWindow, ...]


def audit_windows(job: MapJob) -> WindowAudit:
    """Return the windows of a model, on a job's rasters where it names any, else on noise.

    Raises
    ------
    InputError, ModelError
        Model or rasters can't be used.
    """
    model = read_model(job.model)
    network = fused(model.network)
    draw = np.random.default_rng(0)
    if job.inputs:
        with planned(job) as plan:
            batches = list(_of_rasters(plan, draw))
        over = f"{sum(len(next(iter(b.values()))) for b in batches)} random pixels of the rasters"
    else:
        batches = list(_of_noise(network.architecture, draw))
        over = f"{SAMPLE} patches of noise"

    def species(number: int) -> Tensor:
        return torch.from_numpy(draw.integers(0, len(model.card.species), number))

    gradients = mean_gradients(network, batches, species)
    found = []
    for key, window in true_windows(network.architecture).items():
        modality = model.card.modality(key[0])
        metres = modality.pixel_size * (METRES_A_DEGREE if modality.pixel_unit == "degree" else 1)
        side = effective_side(gradients[key], shift=window.offset[0])
        found.append(
            BranchWindow(
                modality=key[0],
                scale=key[1],
                window_px=(window.width, window.height),
                window_m=(window.width * metres, window.height * metres),
                offset_px=window.offset,
                padding_px=window.padding,
                effective_px=side,
                effective_m=side * metres,
            )
        )
    return WindowAudit(over, tuple(found))


def audit_text(audit: WindowAudit) -> str:
    """Return the windows as a table for a person."""
    lines = [
        "Windows: true, and effective (90 % of the gradient, over " + audit.effective_over + ")",
        f"    {'branch':<18} {'true px':>9} {'m':>9} {'off centre px':>14} {'padding px':>11} "
        f"{'effective px':>13} {'m':>9}",
    ]
    for one in audit.branches:
        name = f"{one.modality} {one.scale}"
        size = f"{one.window_px[0]}×{one.window_px[1]}"
        offset = f"{one.offset_px[0]:g}, {one.offset_px[1]:g}"
        lines.append(
            f"    {name:<18} {size:>9} {one.window_m[0]:>9,.0f} {offset:>14} {one.padding_px:>11} "
            f"{one.effective_px:>13} {one.effective_m:>9,.0f}"
        )
    return "\n".join(lines)


def _of_noise(architecture: Architecture, draw: np.random.Generator) -> Iterator[dict[str, Tensor]]:
    for _ in range(SAMPLE // BATCH):
        yield {
            m.name: torch.from_numpy(
                draw.standard_normal((BATCH, m.bands, *(2 * (m.reach(m.scales),))), np.float32)
            )
            for m in architecture.modalities
        }


def _of_rasters(plan: Plan, draw: np.random.Generator) -> Iterator[dict[str, Tensor]]:
    """Yield batches of windows around random pixels that have all of them."""
    rows, columns = plan.reachable
    found: list[dict[str, Tensor]] = []
    a = plan.grid.fine.affine
    for _ in range(TRIES * SAMPLE):
        row = draw.integers(rows.start, max(rows.stop, rows.start + 1))
        column = draw.integers(columns.start, max(columns.stop, columns.start + 1))
        at = (
            a.c + a.a * (float(plan.grid.input_columns()[column]) + 0.5),
            a.f + a.e * (float(plan.grid.input_rows()[row]) + 0.5),
        )
        try:
            places = places_at(plan, at, plan.grid.crs, plan.scales, plan.job.edge)
            windows = {name: window_values(plan, name, p, plan.reach(name)) for name, p in places.items()}
        except InputError:  # NoData, or a window that leaves a raster: another pixel will do
            continue
        found.append({name: torch.from_numpy(values) for name, values in windows.items()})
        if len(found) == SAMPLE:
            break
    if not found:
        raise InputError("No pixel of the rasters was found that has all its windows; choose other rasters.")
    for start in range(0, len(found), BATCH):
        some = found[start : start + BATCH]
        yield {name: torch.stack([one[name] for one in some]) for name in some[0]}
