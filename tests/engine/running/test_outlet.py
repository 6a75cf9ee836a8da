"""The engine's process says that it is alive, whole lines and nothing else."""

from __future__ import annotations

import errno
import io
import threading
import time

from scalescape.engine.protocol import ALIVE, notification, parse
from scalescape.engine.running.outlet import Outlet


def test_signs_of_life_come_between_messages_until_the_end() -> None:
    stream = io.BytesIO()
    outlet = Outlet(stream)
    with outlet.beating(0.005):
        deadline = time.monotonic() + 10
        while stream.getvalue().count(b"alive") < 3 and time.monotonic() < deadline:
            assert outlet.send(notification("progress", {"id": 1, "phase": "x" * 500}))
    time.sleep(0.05)
    written = stream.getvalue()
    messages = [parse(line) for line in written.splitlines()]
    assert {one["method"] for one in messages} == {ALIVE, "progress"}
    assert all("id" not in one["params"] for one in messages if one["method"] == ALIVE)
    time.sleep(0.05)
    assert stream.getvalue() == written


def test_an_outlet_that_nobody_listens_to_is_told_and_the_heart_stops() -> None:
    stream = io.BytesIO()
    outlet = Outlet(stream)
    stream.close()
    assert not outlet.send(notification(ALIVE, {}))
    with outlet.beating(0.001):
        deadline = time.monotonic() + 10
        while any(one.name == "heartbeat" for one in threading.enumerate()) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not any(one.name == "heartbeat" for one in threading.enumerate())


def test_an_outlet_on_a_full_disk_is_told_and_raises_nothing() -> None:
    class Full(io.BytesIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert not Outlet(Full()).send(notification(ALIVE, {}))
