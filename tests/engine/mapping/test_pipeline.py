"""Reading, computing and writing overlap, keep their order, and stop together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from scalescape.engine.mapping.pipeline import overlapped


def test_items_arrive_in_order_and_all() -> None:
    written: list[int] = []
    overlapped(iter(range(200)), lambda n: n * n, written.append)
    assert written == [n * n for n in range(200)]


def test_the_three_stages_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)

    def source() -> Iterator[int]:
        for n in range(4):
            if n == 3:
                together.wait()
            yield n

    def compute(n: int) -> int:
        if n == 1:
            together.wait()
        return n

    def write(n: int) -> None:
        if n == 0:
            together.wait()

    overlapped(source(), compute, write)


def test_a_fast_reader_waits_for_a_slow_writer() -> None:
    ahead = [0]
    most = [0]

    def source() -> Iterator[int]:
        for n in range(30):
            ahead[0] += 1
            most[0] = max(most[0], ahead[0])
            yield n

    def write(n: int) -> None:
        time.sleep(0.002)
        ahead[0] -= 1

    overlapped(source(), lambda n: n, write)
    assert most[0] <= 6


@pytest.mark.parametrize("stage", ["read", "compute", "write"])
def test_a_failure_of_any_stage_stops_all_and_is_raised(stage: str) -> None:
    def fail(where: str, n: int) -> int:
        if where == stage and n == 5:
            raise OSError("broken")
        return n

    def source() -> Iterator[int]:
        for n in range(10_000):
            yield fail("read", n)

    with pytest.raises(OSError, match="broken"):
        overlapped(source(), lambda n: fail("compute", n), lambda n: fail("write", n) and None)
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"scalescape-reading", "scalescape-writing"}
