"""The background task that has the engine do a job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Optional

from qgis.core import QgsTask
from qgis.PyQt.QtCore import pyqtSignal

from ...engine.protocol import KIND_DEFECT, MapResult, Progress, to_params
from .engine_client import EngineCall, EngineClient
from .engine_error import EngineError
from .translation import tr


@dataclass(frozen=True)
class JobOrder:
    """All that a task gets: the job, a title for QGIS's task list and the engine's client.

    The client is no QObject and any thread may use it; all else is plain values. ``read`` turns the engine's
    answer to ``method`` into a result; what it raises is the task's error.
    """

    job: Any
    title: str
    client: EngineClient
    method: str = "map"
    read: Optional[Callable[[dict[str, Any]], Any]] = None


class JobTask(QgsTask):
    """Runs one job, a map by default; keep a reference to it in Python until it has ended.

    Signals
    -------
    progressed : (object)
        The engine's Progress.
    previewed : (str)
        The file of the coarse preview.
    ended : (object, object)
        The result and None, or None and the EngineError; emitted in the main thread.
    """

    progressed = pyqtSignal(object)
    previewed = pyqtSignal(str)
    ended = pyqtSignal(object, object)

    _under_way: ClassVar[set[JobTask]] = set()  # a task whose last Python reference goes never finishes

    def __init__(self, order: JobOrder) -> None:
        # From QGIS 3.26 on a task may be silent: the message about its end is ours alone.
        silent = getattr(QgsTask.Flag, "Silent", None)
        flags = QgsTask.Flag.CanCancel
        super().__init__(order.title, flags if silent is None else flags | silent)
        self._order = order
        self._call: Optional[EngineCall] = None
        self.result: Any = None
        self.error: Optional[EngineError] = None
        self._under_way.add(self)

    def run(self) -> bool:
        """Wait for the engine, in a worker thread. No exception leaves: it would abort QGIS."""
        try:
            order = self._order
            self._call = order.client.call(order.method, to_params(order.job), self._notified)
            if self.isCanceled():
                self._order.client.cancel(self._call)
            self.result = (order.read or map_result)(self._call.future.result())
        except EngineError as error:
            self.error = error
        except Exception as defect:
            self.error = EngineError(tr("The job could not be done ({}).").format(repr(defect)), KIND_DEFECT)
        return self.error is None

    def cancel(self) -> None:
        """Ask the engine to stop; it is killed where it does not."""
        if self._call is not None:
            self._order.client.cancel(self._call)
        super().cancel()

    def finished(self, result: bool) -> None:
        """Tell the main thread how it ended."""
        self._under_way.discard(self)
        if not result and self.error is None:
            self.error = EngineError(tr("Cancelled."), "cancelled")
        self.ended.emit(self.result if result else None, None if result else self.error)

    def _notified(self, method: str, params: dict[str, Any]) -> None:
        """Pass a notification on; runs in a thread of the client."""
        if method == "progress":
            progress = progress_of(params)
            if progress.total > 0:
                self.setProgress(100.0 * progress.done / progress.total)
            self.progressed.emit(progress)
        elif method == "preview":
            self.previewed.emit(str(params.get("file", "")))


def progress_of(params: dict[str, Any]) -> Progress:
    """Return the engine's notification as Progress."""
    rate, eta = params.get("rate"), params.get("eta")
    return Progress(
        str(params.get("phase", "")),
        int(params.get("done") or 0),
        int(params.get("total") or 0),
        str(params.get("unit") or ""),
        None if rate is None else float(rate),
        None if eta is None else float(eta),
        str(params.get("detail") or ""),
    )


def map_result(values: Any) -> MapResult:
    """Return the engine's answer as a MapResult; raise EngineError where it can't be understood."""
    try:
        return MapResult(
            **{
                **values,
                "files": tuple(str(file) for file in values["files"]),
                "warnings": tuple(str(warning) for warning in values.get("warnings") or ()),
            }
        )
    except (TypeError, KeyError, AttributeError) as defect:
        raise EngineError(f"The engine's answer can't be understood ({defect}).", KIND_DEFECT) from defect
