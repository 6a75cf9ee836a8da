"""A coarse map that is there within seconds: the same lattice with a longer step."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from ...models.architecture import Architecture
from ...models.network import FusionNetwork
from ..files.full_disk import is_full, reason_in
from ..maps.encoding import FLOAT
from ..maps.geotiff import window_of
from ..rasters.lattice import map_grid
from ..running.progress import Monitor
from .evaluation import Evaluator, Probability, map_strips
from .kept_costs import column_costs
from .layout import chosen_layout
from .plan import Plan
from .strips import Strip

PreviewSink = Callable[[str], None]

SIDES = (96, 64, 48, 32, 24)  # px along the longer side, the first that is cheap enough
LARGEST_FLOPS = 2e11  # about two seconds on two cores


def write_preview(
    network: FusionNetwork,
    plan: Plan,
    path: Path,
    monitor: Monitor,
    on_preview: PreviewSink,
) -> None:
    """Write a coarse map of a plan, a band a species, and tell ``on_preview``; nothing if it is not cheap.

    One that can't be written is noted; the map itself does not need it.
    """
    coarse = coarse_plan(network.architecture, plan)
    if coarse is None:
        return
    layout = chosen_layout(network.architecture, coarse)
    evaluator = Evaluator(network, coarse, layout, monitor.check)
    height, width = coarse.grid.shape
    geobox = coarse.grid.geobox
    try:
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=height,
            width=width,
            count=len(plan.species),
            dtype="float32",
            crs=coarse.grid.crs.to_wkt(),
            transform=geobox.affine,
            nodata=FLOAT.nodata,
        ) as target:
            for band, place in enumerate(plan.species, start=1):
                target.set_band_description(band, plan.card.species[place].name)

            def write(strip: Strip, values: Probability) -> None:
                shown = np.where(strip.valid, values, np.float32(FLOAT.nodata))
                target.write(shown, window=window_of(strip.tile))

            map_strips(evaluator, write, "preview", monitor)
    except (OSError, RasterioError) as error:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        reason = reason_in(error, is_full(error, path.parent))
        monitor.note(f"The map had no preview, since {path} can't be written ({reason}).")
        return
    on_preview(str(path))


def coarse_plan(architecture: Architecture, plan: Plan) -> Plan | None:
    """Return the plan of a coarse map that costs a few seconds, or None where the map itself is as coarse."""
    longest = max(plan.grid.shape)
    if architecture.patchwise or longest < 2 * SIDES[-1]:
        return None
    for side in SIDES:
        times = -(-longest // side)
        if times < 2:
            continue
        grid = map_grid(plan.grid.fine, plan.grid.step * times, plan.grid.extent)
        if 0 in grid.shape:
            continue
        costs = column_costs(architecture, plan.finest, grid.step, plan.scales[plan.finest])
        if costs.at(grid.shape[1], 1).flops(grid.shape[0]) <= LARGEST_FLOPS:
            return replace(plan, grid=grid, job=replace(plan.job, step=grid.step))
    return None
