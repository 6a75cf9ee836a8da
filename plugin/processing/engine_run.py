"""Runs one job of the engine for an algorithm: in the worker thread, with progress and cancel."""

from __future__ import annotations

from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

from qgis.core import QgsProcessingException, QgsProcessingFeedback

from ...engine.protocol import to_params
from ..core.engine_bridge import new_client
from ..core.engine_error import EngineError
from ..core.grid_facts import duration
from ..core.map_task import progress_of
from ..core.translation import tr

POLL_S = 0.1


def run_job(method: str, job: Any, feedback: QgsProcessingFeedback) -> dict[str, Any]:
    """Return the engine's result of ``job``; a cancelled one gives an empty result.

    Raises
    ------
    QgsProcessingException
        The job failed, or the engine can't be started: one sentence.
    """
    reporter = _Reporter(feedback)
    try:
        client = new_client()
    except EngineError as error:
        raise QgsProcessingException(error.sentence()) from error
    try:
        call = client.call(method, to_params(job), reporter.notified)
        while True:
            try:
                result = call.future.result(POLL_S)
                return result if isinstance(result, dict) else {}
            except FutureTimeoutError:
                if feedback.isCanceled():
                    client.cancel(call)
    except EngineError as error:
        if error.cancelled:
            feedback.pushInfo(tr("Cancelled; nothing was written."))
            return {}
        if error.detail:
            feedback.pushDebugInfo(error.detail)
        raise QgsProcessingException(error.sentence()) from error
    finally:
        client.close()


class _Reporter:
    """Passes progress on to Processing; a phase is told once."""

    def __init__(self, feedback: QgsProcessingFeedback) -> None:
        self._feedback = feedback
        self._phase = ""

    def notified(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification of the engine."""
        if method != "progress":
            return
        progress = progress_of(params)
        if progress.phase != self._phase:
            self._phase = progress.phase
            left = "" if progress.eta is None else ", " + tr("about {} left").format(duration(progress.eta))
            self._feedback.setProgressText(f"{progress.phase}{left}")
        if progress.total > 0:
            self._feedback.setProgress(100.0 * progress.done / progress.total)
