"""One run from order to layers: starts the task, shows the preview, then the maps. Main thread only."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsApplication, QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.protocol import MapJob, MapResult
from ...models.card import Card
from .engine_client import EngineClient
from .engine_error import EngineError
from .grid_facts import distance, duration, finest, ordinal_step, pixel_m, window
from .job_task import JobOrder, JobTask, map_result
from .map_product import MapProduct, map_products
from .result_layers import ResultGroup, RunSummary
from .translation import tr
from .wording import in_the_dock, short_name

_Finished = tuple[MapResult, list[MapProduct]]
TASK_TITLE = "Scalescape: "  # how our tasks' titles begin


class MapRun(QObject):
    """Drives one map in the background and puts its layers into the project.

    Signals
    -------
    progressed : (object)
        The engine's Progress.
    succeeded : (object, int)
        The MapResult and the number of layers added, of all kinds.
    failed : (object)
        The EngineError, also where the user cancelled.
    """

    progressed = pyqtSignal(object)
    succeeded = pyqtSignal(object, int)
    failed = pyqtSignal(object)

    def __init__(
        self,
        project: QgsProject,
        client: EngineClient,
        card: Card,
        job: MapJob,
        parent: Optional[QObject] = None,
    ) -> None:
        super().__init__(parent)
        self._preview = _fresh_name()
        self.job = replace(job, preview="" if self._preview is None else str(self._preview))
        names = list(job.species) or [one.name for one in card.species]
        self._card = card
        self.species = tuple(names)
        self._project = project
        self._title = run_title(card, job)
        self._group = ResultGroup(project, card, names, run_summary(card, job, None, self._title), job.products)
        title = TASK_TITLE + tr("{} species with {}").format(len(names), card.name)
        order = JobOrder(self.job, title, client, read=_finished)
        self._task: Optional[JobTask] = JobTask(order)
        self._task.progressed.connect(self.progressed)
        self._task.previewed.connect(self._on_preview)
        self._task.ended.connect(self._on_end)

    def start(self) -> None:
        """Hand the task to QGIS."""
        QgsApplication.taskManager().addTask(self._task)

    def cancel(self) -> None:
        """Ask the run to stop."""
        if self._task is not None:
            self._task.cancel()

    def _on_preview(self, file: str) -> None:
        if self._task is not None and not self._task.isCanceled():
            self._group.show_preview(file)

    @property
    def species_shown(self) -> int:
        """Return of how many species the maps are layers, once they are finished."""
        return self._group.species_shown

    def _on_end(self, finished: Optional[_Finished], error: Optional[EngineError]) -> None:
        self._task = None
        if finished is None:
            self._group.drop_preview()
            self._remove_preview_file()
            self.failed.emit(error)
            return
        result, maps = finished
        self._group.retell(run_summary(self._card, self.job, result, self._title))
        layers = self._group.show_products(maps)
        self._remove_preview_file()
        self.succeeded.emit(result, len(layers))

    def _remove_preview_file(self) -> None:
        if self._preview is None:
            return
        for file in (self._preview, self._preview.with_suffix(".tif.aux.xml")):
            with contextlib.suppress(
                OSError
            ):  # Windows holds it while a layer is drawn; it lies in the temp dir
                file.unlink()


def _fresh_name() -> Optional[Path]:
    """Return a temporary file's name for the preview; None where none can be made, as on a full disk."""
    try:
        handle, name = tempfile.mkstemp(prefix="scalescape-preview-", suffix=".tif")
        os.close(handle)
        Path(name).unlink()  # the engine writes it; the name stays ours
    except OSError:
        return None
    return Path(name)


def _finished(values: dict[str, Any]) -> _Finished:
    """Return the result and what its files say of themselves: read in the task's thread, for many."""
    result = map_result(values)
    return result, [one for file in result.files for one in map_products(file)]


def run_summary(card: Card, job: MapJob, result: Optional[MapResult], title: str = "") -> RunSummary:
    """Return what a group says about its run; ``result`` is None while it runs."""
    lines = [tr("Model: {} ({})").format(card.name, Path(job.model).name)]
    files = {one.file for one in job.inputs}
    inputs: dict[str, list[str]] = {}
    for one in job.inputs:
        inputs.setdefault(one.modality, []).append(short_name(one.file, files))
    lines += [tr("{}: {}").format(name, ", ".join(files)) for name, files in inputs.items()]
    experiment = experiment_title(card, job)
    if experiment:
        lines.append(tr("Scales: {}").format(experiment))  # what that means is among the engine's warnings
    lines.append(tr("Output pixel: {} ({})").format(_output_pixel(card, job), ordinal_step(job.step)))
    if job.mask:
        lines.append(tr("Within the polygons of {}").format(Path(job.mask).name))
    if job.blend:
        lines.append(tr("Coarse cells blended"))
    if job.clamp:
        lines.append(tr("Predictors clamped to the training range"))
    if job.cut_novel:
        lines.append(tr("Left out where it is novel"))
    if job.verify:
        lines.append(_verified(job.verify, result))
    if result is not None:
        said = tr("{} × {} pixels, {} with a value, in {} on {} ({})")
        lines.append(
            said.format(
                result.width,
                result.height,
                result.valid_pixels,
                duration(result.seconds),
                result.device,
                result.precision,
            )
        )
        lines += notes(card, job, result.warnings)
    lines.append(tr("Folder: {}").format(job.out))
    return RunSummary(title or run_title(card, job), tuple(lines), experiment)


def _verified(pixels: int, result: Optional[MapResult]) -> str:
    """Return what is told of pixels that are computed again window by window before anything is written."""
    said = tr("{} pixels checked window by window").format(pixels)
    difference = result.verified_max_abs_diff if result is not None else None
    return said if difference is None else said + tr(", largest difference {:.1g}").format(difference)


def notes(card: Card, job: MapJob, warnings: Iterable[str]) -> list[str]:
    """Return the engine's warnings as lines of a summary."""
    files = {job.model, *(one.file for one in job.inputs), job.mask or ""}
    return [tr("Note: {}").format(in_the_dock(warning, files, card).text) for warning in warnings]


def run_title(card: Card, job: MapJob, when: str = "") -> str:
    """Return ``demo · 40 m · without satellite 1.15 km · 14:03``: what tells runs apart, in one line.

    That is the model (by its card or its file, whichever name is shorter), the output pixel, what is switched
    off, how many species where not all, whether a part was mapped, the edge filled, cells blended, predictors
    clamped or novel places left out, and ``when``, which by default is now.
    """
    model = min(card.name, Path(job.model).stem, key=len)
    parts = [model, _output_pixel(card, job), experiment_title(card, job)]
    if len(job.species) == 1:
        parts += job.species
    elif job.species:
        parts.append(tr("{} of {} species").format(len(job.species), len(card.species)))
    if job.extent is not None:
        parts.append(tr("a part"))
    if job.mask:
        parts.append(tr("within {}").format(Path(job.mask).stem))
    if job.edge == "fill":
        parts.append(tr("edge filled"))
    if job.blend:
        parts.append(tr("blended"))
    if job.clamp:
        parts.append(tr("clamped"))
    if job.cut_novel:
        parts.append(tr("not where novel"))
    parts.append(when or time.strftime("%H:%M"))
    return " · ".join(part for part in parts if part)


def _output_pixel(card: Card, job: MapJob) -> str:
    on = {one.name for one in card.modalities if job.scales.get(one.name, one.scales)}
    return distance(job.step * pixel_m(finest(card, on)))


def experiment_title(card: Card, job: MapJob) -> str:
    """Return ``without satellite 590 m, 1.15 km`` where scales are switched off; empty where all are on."""
    parts = []
    for modality in card.modalities:
        on = job.scales.get(modality.name)
        if on is None:
            continue
        off = [scale for scale in modality.scales if scale not in on]
        if len(off) == len(modality.scales):
            parts.append(modality.name)
        elif off:
            parts.append(f"{modality.name} {', '.join(window(modality, scale) for scale in off)}")
    return tr("without {}").format("; ".join(parts)) if parts else ""
