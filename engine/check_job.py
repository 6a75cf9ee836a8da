"""The ``check`` job: what a map job would do and what looks wrong, without doing it."""

from __future__ import annotations

from collections.abc import Callable

from .ground import crs_name
from .plan import planned
from .protocol import CheckJob, CheckResult


def run_check(job: CheckJob, between: Callable[[], None] = lambda: None) -> CheckResult:
    """Return size, margin, matched bands and cautions of a map job. Raises as the map job would."""
    with planned(job, between) as plan:
        height, width = plan.grid.shape
        return CheckResult(
            width=width,
            height=height,
            pixel_m=sum(plan.pixel_m) / 2,
            margin_m=plan.margin_m,
            crs=crs_name(plan.grid.crs),
            inputs={
                name: [
                    {"name": band.name, "file": source.raster.file, "band": source.band}
                    for band, source in zip(predictor.modality.bands, predictor.sources, strict=True)
                ]
                for name, predictor in plan.predictors.items()
            },
            warnings=plan.cautions,
        )
