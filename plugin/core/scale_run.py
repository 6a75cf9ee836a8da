"""Effects and profiles in the background: one job, and how it ended. Main thread only."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.protocol import EffectsJob
from ...engine.protocol.scale_results import EffectsResult
from ...models.card import Card
from .engine_client import EngineClient
from .engine_error import EngineError
from .grid_facts import duration
from .job_task import JobOrder, JobTask
from .map_run import TASK_TITLE, notes
from .result_layers import RunSummary
from .translation import tr
from .wording import short_name


class ScaleRun(QObject):
    """Drives one job.

    Signals
    -------
    progressed : (object)
        The engine's Progress.
    ended : (object, object)
        The result and None, or None and the EngineError, also where the user cancelled.
    """

    progressed = pyqtSignal(object)
    ended = pyqtSignal(object, object)

    def __init__(
        self,
        client: EngineClient,
        method: str,
        job: Any,
        title: str,
        read: Callable[[dict[str, Any]], Any],
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self.job = job
        self._task: Optional[JobTask] = JobTask(JobOrder(job, TASK_TITLE + title, client, method, read))
        self._task.progressed.connect(self.progressed)
        self._task.ended.connect(self._on_end)

    def start(self) -> None:
        """Hand the task to QGIS."""
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Ask the job to stop."""
        if self._task is not None:
            self._task.cancel()

    def _on_end(self, result: Any, error: Optional[EngineError]) -> None:
        self._task = None
        self.ended.emit(result, error)


def effects_title(card: Card, job: EffectsJob) -> str:
    """Return ``Quercus ilex · scale effects · demo · 14:03``."""
    model = min(card.name, Path(job.model).stem, key=len)
    return " · ".join((job.species[0], tr("scale effects"), model, time.strftime("%H:%M")))


def effects_summary(card: Card, job: EffectsJob, result: EffectsResult) -> RunSummary:
    """Return what a group of effects says about its run."""
    files = {one.file for one in job.inputs}
    lines = [tr("Model: {} ({})").format(card.name, Path(job.model).name)]
    lines += [tr("{}: {}").format(one.modality, short_name(one.file, files)) for one in job.inputs]
    lines.append(tr("Logit without contributions: {:+.2f}").format(result.bias))
    lines.append(
        tr("{} × {} pixels, {} with a value, in {} on {}").format(
            result.width, result.height, result.valid_pixels, duration(result.seconds), result.device
        )
    )
    lines += notes(card, job, result.warnings)
    lines.append(tr("Folder: {}").format(job.out))
    return RunSummary(effects_title(card, job), tuple(lines))
