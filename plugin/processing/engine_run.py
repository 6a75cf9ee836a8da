"""Runs jobs of the engine for an algorithm: in the worker thread, with progress and cancel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Any, Optional, TypeVar

from qgis.core import QgsProcessingException, QgsProcessingFeedback

from ...engine.protocol import to_params
from ..core.answer import made
from ..core.engine_bridge import new_client
from ..core.engine_error import EngineError
from ..core.grid_facts import duration
from ..core.job_task import progress_of
from ..core.translation import tr

POLL_S = 0.1
T = TypeVar("T")


class EngineRun:
    """One engine for the jobs of one run of an algorithm; it ends with the ``with`` block.

    Raises
    ------
    QgsProcessingException
        The engine can't be started: one sentence.
    """

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        try:
            self._client = new_client()
        except EngineError as error:
            raise QgsProcessingException(error.sentence()) from error

    def __enter__(self) -> EngineRun:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._client.close()

    def job(self, method: str, job: Any, cancelled: Optional[Callable[[], str]] = None) -> dict[str, Any]:
        """Return the engine's result of ``job``; a cancelled one gives an empty result.

        ``cancelled`` returns what is then said; by default it is that nothing was written.

        Raises
        ------
        QgsProcessingException
            The job failed: one sentence.
        """
        try:
            call = self._client.call(method, to_params(job), _Reporter(self._feedback).notified)
            while True:
                try:
                    result = call.future.result(POLL_S)
                    return result if isinstance(result, dict) else {}
                except FutureTimeoutError:
                    if self._feedback.isCanceled():
                        self._client.cancel(call)
        except EngineError as error:
            if error.cancelled:
                self._feedback.pushInfo(cancelled() if cancelled else tr("Cancelled; nothing was written."))
                return {}
            if error.detail:
                self._feedback.pushDebugInfo(error.detail)
            raise QgsProcessingException(error.sentence()) from error


def run_job(
    method: str, job: Any, feedback: QgsProcessingFeedback, cancelled: Optional[Callable[[], str]] = None
) -> dict[str, Any]:
    """Return the result of one job, as ``EngineRun.job`` does, from an engine of its own."""
    with EngineRun(feedback) as run:
        return run.job(method, job, cancelled)


def answered(
    cls: type[T],
    method: str,
    job: Any,
    feedback: QgsProcessingFeedback,
    cancelled: Optional[Callable[[], str]] = None,
) -> Optional[T]:
    """Return the answer to ``job``, whose warnings are told; None where it was ``cancelled``, as ``run_job``.

    Raises
    ------
    QgsProcessingException
        The job failed, or its answer lacks something: one sentence.
    """
    values = run_job(method, job, feedback, cancelled)
    if not values:
        return None
    try:
        answer = made(cls, values)
    except TypeError as defect:
        raise not_understood(defect) from defect
    for warning in values.get("warnings") or ():
        feedback.pushWarning(str(warning))
    return answer


def not_understood(defect: Exception) -> QgsProcessingException:
    """Return the error for an answer that lacks something."""
    return QgsProcessingException(tr("The engine's answer can't be understood ({}).").format(defect))


class _Reporter:
    """Passes progress on to Processing; a phase is told once, and so is each detail of it."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._told = ("", "")

    def notified(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification of the engine."""
        if method != "progress":
            return
        progress = progress_of(params)
        now = (progress.phase, progress.detail)
        if now != self._told:
            self._told = now
            left = "" if progress.eta is None else tr("about {} left").format(duration(progress.eta))
            self._feedback.setProgressText(", ".join(part for part in (*now, left) if part))
        if progress.total > 0:
            self._feedback.setProgress(100.0 * progress.done / progress.total)
