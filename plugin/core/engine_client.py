"""The client of the engine: requests, notifications, cancelling, restarting. Standard library alone."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from ...engine.protocol import KIND_CANCELLED, KIND_DEFECT, request
from .engine_error import EngineError
from .engine_launch import EngineLaunch
from .engine_process import EngineProcess

OnNotification = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Patience:
    """How long the client waits, in seconds.

    ``grace``: between asking to stop and killing. ``silence``: without a sign of life before it asks for
    one. ``hang``: without an answer to that before it kills. ``tick``: how often it looks.
    """

    grace: float = 5.0
    silence: float = 60.0
    hang: float = 60.0
    tick: float = 0.1


@dataclass
class EngineCall:
    """A request on its way: ``future`` gets the result, or an EngineError."""

    id: int
    method: str
    future: Future[Any]
    on_notification: Optional[OnNotification] = None
    process: Optional[EngineProcess] = None
    deadline: Optional[float] = field(default=None, repr=False)


class EngineClient:
    """One engine, started at the first request, kept warm, and started afresh after it died.

    Any thread may call any method, and none of them waits. Notifications and results arrive in a thread of
    the client. What is wrong arrives as an EngineError in the request's future.
    """

    def __init__(self, launch: EngineLaunch, log: Path, patience: Patience = Patience()) -> None:
        self.launch = launch
        self.log = log
        self._patience = patience
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._calls: dict[int, EngineCall] = {}
        self._process: Optional[EngineProcess] = None
        self._closed = False
        self._last_sign = 0.0
        self._asked_for_sign: Optional[float] = None
        self._watcher: Optional[threading.Thread] = None

    def call(
        self, method: str, params: dict[str, Any], on_notification: Optional[OnNotification] = None
    ) -> EngineCall:
        """Send a request and return at once.

        Parameters
        ----------
        method, params
            As JSON-RPC has them; see ``engine.protocol``.
        on_notification
            Called with (method, params) for the request's notifications, in a thread of the client.
        """
        call = EngineCall(next(self._ids), method, Future(), on_notification)
        call.future.set_running_or_notify_cancel()
        with self._changed:
            if self._closed:
                call.future.set_exception(EngineError("The engine was shut down.", KIND_CANCELLED))
                return call
            if self._process is None:
                self._process = EngineProcess(self.launch, self.log, self._take, self._bury)
                self._process.start()
                self._last_sign = time.monotonic()
                self._asked_for_sign = None
            elif not self._calls:
                self._last_sign = time.monotonic()
                self._asked_for_sign = None
            call.process = self._process
            self._calls[call.id] = call
            call.process.send(request(call.id, method, params))
            self._watch()
        return call

    def cancel(self, call: EngineCall) -> None:
        """Ask the engine to stop ``call``; it is killed if it has not stopped after the grace time."""
        with self._changed:
            if call.id not in self._calls or call.deadline is not None or call.process is None:
                return
            call.deadline = time.monotonic() + self._patience.grace
            call.process.send(request(next(self._ids), "cancel", {"id": call.id}))
            self._changed.notify_all()

    def close(self, wait: bool = True) -> None:
        """Shut the engine down; kill it if it does not go. With ``wait`` it is gone on return."""
        with self._changed:
            self._closed = True
            process = self._process
            self._changed.notify_all()
        if process is None:
            return
        process.send(request(next(self._ids), "shutdown", {}))
        process.close_input()
        stop = EngineError("The engine was shut down.", KIND_CANCELLED)
        if not wait:
            timer = threading.Timer(self._patience.grace, process.kill, args=(stop,))
            timer.daemon = True
            timer.start()
            return
        if not process.done.wait(self._patience.grace):
            process.kill(stop)
            process.done.wait(self._patience.grace)

    @property
    def alive(self) -> bool:
        """Whether an engine runs (or is being started)."""
        with self._changed:
            return self._process is not None

    @property
    def busy(self) -> bool:
        """Whether a request waits for its answer."""
        with self._changed:
            return bool(self._calls)

    def _take(self, process: EngineProcess, message: dict[str, Any]) -> None:
        """Give a message to the request that it is for; others are ignored."""
        with self._changed:
            if process is not self._process:
                return
            self._last_sign = time.monotonic()
            self._asked_for_sign = None
            if "method" in message:
                params = message.get("params")
                call = self._calls.get(params.get("id", 0)) if isinstance(params, dict) else None
            else:
                number = message.get("id")
                call = self._calls.pop(number, None) if isinstance(number, int) else None
        if call is None:
            return
        if "method" in message:
            if call.on_notification is not None:
                call.on_notification(str(message["method"]), message["params"])
        elif "error" in message:
            call.future.set_exception(_error(message["error"]))
        else:
            call.future.set_result(message.get("result"))

    def _bury(self, process: EngineProcess, error: EngineError) -> None:
        """Fail what waits for a process that ended; the next request starts another."""
        with self._changed:
            orphans = [call for call in self._calls.values() if call.process is process]
            for call in orphans:
                del self._calls[call.id]
            if self._process is process:
                self._process = None
            closed = self._closed
            self._changed.notify_all()
        if closed:
            error = EngineError("The engine was shut down.", KIND_CANCELLED)
        for call in orphans:
            stopped = call.deadline is not None
            call.future.set_exception(EngineError("Cancelled.", KIND_CANCELLED) if stopped else error)

    def _watch(self) -> None:
        """Make sure that the watching thread runs; called with the lock held."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._guard, name="scalescape-engine-watch", daemon=True)
            self._watcher.start()
        self._changed.notify_all()

    def _guard(self) -> None:
        """Kill an engine that does not stop when asked, or that shows no sign of life."""
        while True:
            with self._changed:
                while not self._calls and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                process, because = self._process, self._fault(time.monotonic())
            if process is not None and because is not None:
                process.kill(because)
                process.done.wait(self._patience.grace)
            with self._changed:
                self._changed.wait(self._patience.tick)

    def _fault(self, now: float) -> Optional[EngineError]:
        """Return why the engine must be killed now, or None; asks for a sign of life where it is due."""
        if any(call.deadline is not None and now > call.deadline for call in self._calls.values()):
            return EngineError(
                "The engine did not stop when asked, so it was started again.",
                remedy="Press Run again.",
            )
        if self._asked_for_sign is not None and now - self._asked_for_sign > self._patience.hang:
            waited = round(now - self._last_sign)
            return EngineError(
                f"The engine gave no sign of life for {waited} s and was stopped.",
                remedy="Press Run again; if it happens again, allow it less memory under Advanced.",
            )
        if self._asked_for_sign is None and now - self._last_sign > self._patience.silence:
            self._asked_for_sign = now
            if self._process is not None:
                self._process.send(request(next(self._ids), "hello", {}))
        return None


def _error(raw: Any) -> EngineError:
    """Return a JSON-RPC error as an EngineError."""
    if not isinstance(raw, dict):
        return EngineError("The engine answered with an error that says nothing.", KIND_DEFECT)
    data = raw.get("data")
    data = data if isinstance(data, dict) else {}
    return EngineError(
        str(raw.get("message") or "The engine answered with an error that says nothing."),
        str(data.get("kind") or KIND_DEFECT),
        str(data.get("remedy") or ""),
    )
