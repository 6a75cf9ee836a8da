"""What the engine process says to whoever started it: one message a line, and that it is alive."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ..protocol import ALIVE, notification

BEAT_S = 5.0  # between two signs of life


class Outlet:
    """Writes messages to ``stream``; any thread may send."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._writing = threading.Lock()

    def send(self, line: str) -> bool:
        """Write a message of one line; return whether somebody may still listen."""
        with self._writing:
            try:
                self._stream.write(line.encode("ascii"))
                self._stream.flush()
            except (OSError, ValueError):  # nobody listens, or the disk that it goes to is full
                return False
        return True

    @contextmanager
    def beating(self, interval_s: float = BEAT_S) -> Iterator[None]:
        """Send a sign of life every ``interval_s`` seconds in this context, whatever else the process does.

        Loading libraries or counting operations may take a minute on a busy machine, without a word; whoever
        waits can then tell a process that works from one that hangs.
        """
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(interval_s) and self.send(notification(ALIVE, {})):
                pass

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()


def standard_outlet() -> Outlet:
    """Return an outlet to standard output; from now on all else that is printed goes to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Outlet(stream)
