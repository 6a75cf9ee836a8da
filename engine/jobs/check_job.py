"""The ``check`` job: what a map job would do, what it would take and what looks wrong, without doing it."""

from __future__ import annotations

from collections.abc import Callable

from ...models.fusion import fused
from ...models.model_file import read_model
from ..mapping.estimate import estimated, speed_is_known
from ..mapping.feature_novelty import feature_novelty
from ..mapping.layout import chosen_layout
from ..mapping.plan import Plan, planned
from ..mapping.precision import chosen_precision
from ..products.map_files import demand_makeable
from ..protocol import CheckJob, CheckResult, EstimateResult, MapJob
from ..rasters.ground import crs_name
from ..running.device import chosen


def run_check(job: CheckJob, between: Callable[[], None] = lambda: None, measure: bool = True) -> CheckResult:
    """Return size, margin, matched bands, cautions and estimate of a map job. Raises as the map job would.

    Without ``measure`` the estimate is left out where the network's speed is not known yet.
    """
    with planned(job, between) as plan:
        demand_makeable(plan)
        height, width = plan.grid.shape
        return CheckResult(
            width=width,
            height=height,
            pixel_m=sum(plan.pixel_m) / 2,
            margin_m=plan.margin.windows_m,
            margin_modality=plan.margin.modality,
            crs=crs_name(plan.grid.crs),
            inputs={
                name: [
                    {"name": band.name, "file": source.raster.file, "band": source.band}
                    for band, source in zip(predictor.modality.bands, predictor.sources, strict=True)
                ]
                for name, predictor in plan.predictors.items()
            },
            warnings=plan.cautions,
            estimate=estimate_of(plan, measure, between),
        )


def run_estimate(job: MapJob) -> EstimateResult:
    """Return what a map job will take. Raises as the map job would."""
    with planned(job) as plan:
        demand_makeable(plan)
        found = estimate_of(plan, measure=True)
    if found is None:
        raise RuntimeError("a measured speed is unknown")
    return found


def estimate_of(plan: Plan, measure: bool, between: Callable[[], None] = lambda: None) -> EstimateResult | None:
    """Return what a plan will take, None where that would need a measurement and none is allowed."""
    model = read_model(plan.job.model)
    novelty = feature_novelty(model, plan)
    network, plan = (model.network, plan) if novelty is None else (novelty.network, novelty.plan)
    network = fused(network).to(chosen(plan.job.device))
    layout = chosen_layout(network.architecture, plan)
    if not measure and not speed_is_known(plan, network, layout):
        return None
    if measure:
        network = network.in_precision(plan.finest, chosen_precision(network, plan, layout, between))
    found = estimated(plan, network, layout, between)
    height, width = plan.grid.shape
    return EstimateResult(width, height, found.seconds, found.memory_bytes, found.disk_bytes)
