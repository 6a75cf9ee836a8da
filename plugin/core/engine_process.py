"""One child process of the engine: its pipes and threads. Standard library alone.

Bandit warns of ``subprocess``; the engine is a process of its own, started as a list and without a shell.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Optional

from ...engine.protocol import MessageError, parse
from .engine_error import EngineError
from .engine_launch import EngineLaunch

LOW_PRIORITY = 10  # "niceness" on POSIX: QGIS comes first
LACKING_STATUS = 3  # the engine's status where its Python lacks something; the reason is on standard error
KILLED_BY_SYSTEM = (-9, 137)
TAIL_BYTES = 4096
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))  # of a disk, or of what a user may have of it
LINE_BOUND = 64 * 1024 * 1024  # bytes; no message is longer, so a longer line is cut and not understood


class EngineProcess:
    """A running engine. Nothing here blocks its caller: starting and writing happen in threads of its own.

    Parameters
    ----------
    launch
        Command and environment.
    log
        File that gets what the engine and its libraries print to standard error.
    on_message
        Called with each JSON-RPC message, in the reading thread.
    on_exit
        Called once, after the last message, with this process and the EngineError that says why it ended.
    """

    def __init__(
        self,
        launch: EngineLaunch,
        log: Path,
        on_message: Callable[[EngineProcess, dict[str, Any]], None],
        on_exit: Callable[[EngineProcess, EngineError], None],
    ) -> None:
        self._launch = launch
        self._log = log
        self._on_message = on_message
        self._on_exit = on_exit
        self._lines: queue.Queue[Optional[str]] = queue.Queue()
        self._lock = threading.Lock()
        self._child: Optional[subprocess.Popen[bytes]] = None
        self._killed_because: Optional[EngineError] = None
        self.done = threading.Event()

    def start(self) -> None:
        """Start the child, in a thread."""
        threading.Thread(target=self._run, name="scalescape-engine-reader", daemon=True).start()

    def send(self, line: str) -> None:
        """Queue one line for the child's standard input."""
        self._lines.put(line)

    def close_input(self) -> None:
        """End the child's standard input, once what is queued has been written; an engine then stops."""
        self._lines.put(None)

    def kill(self, because: EngineError) -> None:
        """Kill the child; ``because`` is what those who wait for it are told."""
        with self._lock:
            self._killed_because = because
            if self._child is not None:
                self._child.kill()

    def tail(self) -> str:
        """Return the end of what the child printed to standard error."""
        try:
            with self._log.open("rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - TAIL_BYTES))
                return stream.read().decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def _run(self) -> None:
        """Start the child and read until it ends."""
        error: EngineError
        try:
            child = self._spawn()
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
            error = EngineError(
                f"The engine can't be started with {self._launch.command[0]} ({reason}).",
                remedy="Choose another engine Python under Advanced.",
            )
        else:
            threading.Thread(
                target=self._write, args=(child,), name="scalescape-engine-writer", daemon=True
            ).start()
            self._read(child)
            error = self._verdict(child.wait())
        self._lines.put(None)
        self._on_exit(self, error)
        self.done.set()

    def _spawn(self) -> subprocess.Popen[bytes]:
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        with self._opened_log() as stderr:
            # A list and no shell; the program is the user's own choice, so bandit's doubt does not apply.
            child = subprocess.Popen(  # nosec B603
                list(self._launch.command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=dict(self._launch.environment),
                creationflags=flags,
            )
        with self._lock:
            self._child = child
            if self._killed_because is not None:
                child.kill()
        if hasattr(os, "setpriority"):
            with contextlib.suppress(OSError):  # gone already, or not allowed: it runs all the same
                os.setpriority(os.PRIO_PROCESS, child.pid, LOW_PRIORITY)
        return child

    def _opened_log(self) -> BinaryIO:
        """Return the file for what the child prints to standard error; where the disk is full none keeps it."""
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            return self._log.open("wb")
        except OSError as error:
            if error.errno not in FULL:
                raise
            return open(os.devnull, "wb")

    def _write(self, child: subprocess.Popen[bytes]) -> None:
        stream = child.stdin
        if stream is None:
            return
        # A child that ends closes the pipe under us; the reading thread says why it ended.
        with contextlib.suppress(OSError, ValueError):
            while True:
                line = self._lines.get()
                if line is None:
                    break
                stream.write(line.encode("ascii"))
                stream.flush()
        with contextlib.suppress(OSError, ValueError):
            stream.close()

    def _read(self, child: subprocess.Popen[bytes]) -> None:
        stream = child.stdout
        if stream is None:
            return
        with stream:
            while True:
                line = stream.readline(LINE_BOUND)
                if not line:
                    return
                try:
                    message = parse(line)
                except MessageError:
                    continue  # not ours: something printed where only messages belong
                try:
                    self._on_message(self, message)
                except Exception as defect:
                    # A thread that died here would leave its callers waiting for ever.
                    self.kill(EngineError(f"A message of the engine could not be used ({defect!r})."))
                    return

    def _verdict(self, status: int) -> EngineError:
        """Say why the child ended with ``status``."""
        if self._killed_because is not None:
            self._killed_because.detail = self._killed_because.detail or self.tail()
            return self._killed_because
        tail = self.tail()
        last = tail.splitlines()[-1].strip() if tail else ""
        if status == LACKING_STATUS and last:
            return EngineError(last, detail=tail)  # it says itself what to do
        if status in KILLED_BY_SYSTEM:
            return EngineError(
                "The engine was stopped by the system, most likely because memory ran out.",
                remedy="Allow it less memory under Advanced, or map a smaller area.",
                detail=tail,
            )
        said = f": {last}" if last else "."
        return EngineError(
            f"The engine stopped unexpectedly (status {status}){said}",
            remedy=f"Your project is untouched; press Run again. What it said is in {self._log}.",
            detail=tail,
        )
