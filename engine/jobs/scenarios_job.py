"""The ``scenarios`` job: one map for several sets of predictors, such as years or futures, by one network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ...models.model_file import read_model
from ..aside import refusal
from ..errors import InputError
from ..naming import slugs
from ..progress import Monitor
from ..protocol import MapJob, Progress, RasterInput, Scenario, ScenariosJob, to_params
from ..protocol.finished_results import ScenarioMaps, ScenariosResult
from .map_job import run_map

RECORD = "scenarios.json"


def run_scenarios(job: ScenariosJob, monitor: Monitor) -> ScenariosResult:
    """Do a scenarios job: one folder of maps each.

    Raises
    ------
    InputError, ModelError
        A scenario can't be mapped; the message names it. The folders of those before it stay.
    Cancelled
        The monitor was told to stop; likewise.
    """
    if not job.scenarios:
        raise InputError("No scenario is named; give at least one, or map without scenarios.")
    names = [one.name for one in job.scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not all(names):
        raise InputError(
            f"Two scenarios are called {twice[0]!r}; rename one." if twice else "A scenario has no name."
        )
    model = read_model(job.model)
    found = []
    for number, (scenario, folder) in enumerate(zip(job.scenarios, slugs(names), strict=True)):
        mine = scenario_job(job, scenario, str(Path(job.out) / folder))
        try:
            result = run_map(mine, _part(monitor, number, len(names), scenario.name), model=model)
        except InputError as error:
            raise InputError(f"Scenario {scenario.name}: {error}") from error
        found.append(
            ScenarioMaps(scenario.name, scenario.date, mine.out, mine.held, result.files, result.warnings)
        )
    record = {"job": to_params(job), "scenarios": [to_params(one) for one in found]}
    try:
        (Path(job.out) / RECORD).write_text(json.dumps(record, indent=2), encoding="utf-8")
    except OSError as error:
        raise refusal(Path(job.out), error) from error
    return ScenariosResult(tuple(found))


def scenario_job(job: ScenariosJob, scenario: Scenario, out: str) -> MapJob:
    """Return the map job of one scenario: its inputs in place of the common ones of the same modalities."""
    own = {one.modality for one in scenario.inputs}
    common = tuple(one for one in job.inputs if one.modality not in own)
    held = tuple(dict.fromkeys(one.modality for one in common)) if own else ()
    fields = {name: value for name, value in vars(job).items() if name != "scenarios"}
    inputs: tuple[RasterInput, ...] = (*common, *scenario.inputs)
    return replace(
        MapJob(**fields),
        inputs=inputs,
        out=out,
        scenario=scenario.name,
        date=scenario.date,
        held=held,
        preview="",
    )


def _part(monitor: Monitor, number: int, total: int, name: str) -> Monitor:
    """Return a monitor that tells the whole job's of one scenario's progress, and stops when it does."""

    def sink(progress: Progress) -> None:
        share = progress.done / progress.total if progress.total else 0.0
        detail = f"{name}: {progress.phase}"
        monitor.report("mapping scenarios", round(1000 * (number + share)), 1000 * total, detail=detail)

    return Monitor(sink)
