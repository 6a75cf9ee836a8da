"""How far a job is, how fast it goes, and whether it should go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..protocol import Progress
from .errors import Cancelled

Sink = Callable[[Progress], None]
NOTE = "note"  # the phase of what is worth knowing
SMALLEST_INTERVAL_S = 0.1  # between two reports of one phase


class Monitor:
    """What a running job reports to, and asks whether it was cancelled. Safe to cancel from any thread.

    Parameters
    ----------
    sink
        Gets every progress report; nobody by default.
    """

    def __init__(self, sink: Sink | None = None) -> None:
        self._sink = sink
        self._cancelled = threading.Event()
        self._phase = ""
        self._started = 0.0
        self._reported = 0.0
        self.spent: dict[str, float] = {}
        self.notes: list[str] = []

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time in this context to ``spent[stage]``, in seconds."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - started

    def cancel(self) -> None:
        """Ask the job to stop at its next ``check``."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise Cancelled if the job was asked to stop."""
        if self._cancelled.is_set():
            raise Cancelled

    def note(self, sentence: str) -> None:
        """Tell at once what is worth knowing, if anything, and keep it in ``notes`` for the result."""
        if sentence:
            self.notes.append(sentence)
            self.report(NOTE, 0, 1, "", sentence)

    def report(self, phase: str, done: int, total: int, unit: str = "", detail: str = "") -> None:
        """Report ``done`` of ``total``; rate and time left are of this phase alone. Raises Cancelled too."""
        self.check()
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._started, self._reported = phase, now, 0.0
        soon = now - self._reported < SMALLEST_INTERVAL_S
        if self._sink is None or (0 < done < total and soon and not detail):
            return
        self._reported = now
        elapsed = now - self._started
        rate = done / elapsed if done and elapsed > 0 else None
        eta = (total - done) / rate if rate else None
        self._sink(Progress(phase, done, total, unit, rate, eta, detail))
