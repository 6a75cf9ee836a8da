"""The ``scenarios`` job: one map for several sets of predictors, such as years or futures, by one network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ...models.model_file import read_model
from ...models.whole_file import write_whole
from ..files.aside import writing
from ..files.input_files import InputFiles
from ..mapping.plan import planned
from ..products.map_files import demand_makeable
from ..protocol import MapJob, Progress, RasterInput, Scenario, ScenariosJob, to_params
from ..protocol.finished_results import ScenarioMaps, ScenariosResult
from ..running.errors import InputError
from ..running.progress import Monitor
from ..words.naming import slugs
from .map_job import MAPPING, run_map

RECORD = "scenarios.json"
PARTS = 1000  # of a scenario, in which progress is told
MAPPED_SHARE = 0.9


def run_scenarios(job: ScenariosJob, monitor: Monitor) -> ScenariosResult:
    """Do a scenarios job: one folder of maps each.

    Raises
    ------
    InputError, ModelError
        A scenario can't be mapped; the message names it. The inputs of all are checked before the first is
        mapped.
    Cancelled
        The monitor was told to stop; the folders of scenarios that were done stay.
    """
    if not job.scenarios:
        raise InputError("No scenario is named; give at least one, or map without scenarios.")
    names = [one.name for one in job.scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not all(names):
        raise InputError(
            f"Two scenarios are called {twice[0]!r}; rename one." if twice else "A scenario has no name."
        )
    inputs = InputFiles([job.model])
    model = read_model(job.model)
    jobs = [
        scenario_job(job, scenario, str(Path(job.out) / folder))
        for scenario, folder in zip(job.scenarios, slugs(names), strict=True)
    ]
    for mine in jobs:
        _Part(monitor, 0, len(jobs), mine.scenario).tell(0.0, "checking")
        with _named(mine), planned(mine, monitor.check) as plan:
            inputs.join(plan.inputs)
            demand_makeable(plan)
    found = []
    for number, mine in enumerate(jobs):
        part = _Part(monitor, number, len(jobs), mine.scenario)
        with _named(mine):
            result = run_map(mine, part, model=model, inputs=inputs)
        part.tell(1.0, "done")
        found.append(ScenarioMaps(mine.scenario, mine.date, mine.out, mine.held, result.files, result.warnings))
    record = {"job": to_params(job), "scenarios": [to_params(one) for one in found]}
    with writing(Path(job.out)):
        write_whole(Path(job.out) / RECORD, json.dumps(record, indent=2))
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


@contextmanager
def _named(job: MapJob) -> Iterator[None]:
    """Name the scenario in what is said of its inputs."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Scenario {job.scenario}: {error}") from error


class _Part(Monitor):
    """Tells the whole job's monitor of one scenario's progress, and stops when that does.

    What is computed counts for ``MAPPED_SHARE`` of a scenario, all other phases for the moment at their end.
    """

    def __init__(self, whole: Monitor, number: int, total: int, name: str) -> None:
        super().__init__(self._pass_on)
        self._whole = whole
        self._number = number
        self._total = total
        self._name = name
        self._mapped = 0.0

    def check(self) -> None:
        """Raise Cancelled if the whole job was asked to stop."""
        self._whole.check()

    def tell(self, share: float, phase: str) -> None:
        """Report that ``share`` of the scenario is done, and what it is at."""
        done = round(PARTS * (self._number + share))
        self._whole.report("mapping scenarios", done, PARTS * self._total, detail=f"{self._name}: {phase}")

    def _pass_on(self, progress: Progress) -> None:
        if progress.phase == MAPPING and progress.total:
            self._mapped = MAPPED_SHARE * progress.done / progress.total
        self.tell(self._mapped, progress.phase)
