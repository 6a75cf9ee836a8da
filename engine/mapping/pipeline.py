"""Reading, computing and writing at the same time, with bounded queues between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Read = TypeVar("Read")
Done = TypeVar("Done")

AHEAD = 1  # how many items wait between two stages
POLL_S = 0.1  # how often a stage that waits looks whether another has failed


class _End:
    """The last item of a queue."""


class _Line(Generic[Read]):
    """A bounded queue that gives up when the pipeline stops."""

    def __init__(self, stop: threading.Event) -> None:
        self._items: queue.Queue[Read | _End] = queue.Queue(maxsize=AHEAD)
        self._stop = stop

    def put(self, item: Read | _End) -> bool:
        """Put an item; return False where the pipeline has stopped."""
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[Read]:
        while not self._stop.is_set():
            try:
                item = self._items.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if isinstance(item, _End):
                return
            yield item


def overlapped(source: Iterable[Read], compute: Callable[[Read], Done], write: Callable[[Done], None]) -> None:
    """Read from ``source`` in one thread, ``compute`` in the caller's, ``write`` in another, in order.

    The first exception of any stage stops all three and is raised here. What was computed before reading or
    computing failed is still written, so that a caller who can fix the cause knows how far things are.
    """
    stop_reading, stop_writing = threading.Event(), threading.Event()
    failures: list[BaseException] = []
    read, done = _Line[Read](stop_reading), _Line[Done](stop_writing)

    def guarded(stage: Callable[[], None], *stops: threading.Event) -> None:
        try:
            stage()
        except BaseException as error:
            failures.append(error)
            for stop in stops:
                stop.set()

    def reading() -> None:
        for item in source:
            if not read.put(item):
                return
        read.put(_End())

    def computing() -> None:
        for item in read:
            if not done.put(compute(item)):
                return

    def writing() -> None:
        for item in done:
            write(item)

    threads = [
        threading.Thread(target=guarded, args=(reading, stop_reading), name="scalescape-reading", daemon=True),
        threading.Thread(
            target=guarded,
            args=(writing, stop_reading, stop_writing),
            name="scalescape-writing",
            daemon=True,
        ),
    ]
    for thread in threads:
        thread.start()
    guarded(computing, stop_reading)
    done.put(_End())
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
