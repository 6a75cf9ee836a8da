"""The client survives whatever an engine does, and says it in a sentence."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from scalescape.plugin.core.engine_client import EngineClient, Patience
from scalescape.plugin.core.engine_error import EngineError
from scalescape.plugin.core.engine_launch import EngineLaunch, clean_environment

WAIT = 60.0  # s; far more than needed, since other programs may take the processor
QUICK = Patience(grace=0.5, silence=0.4, hang=0.4, tick=0.02)  # for engines that hang
BRISK = Patience(grace=0.5, silence=1.5, hang=1.5, tick=0.02)  # an engine starts within 3 s


def map_params(tmp_path, model: str = "model", preview: str = "") -> dict:
    return {"model": model, "inputs": [], "out": str(tmp_path), "step": 1, "preview": preview}


def fault(call) -> EngineError:
    with pytest.raises(EngineError) as caught:
        call.future.result(WAIT)
    return caught.value


def begun_map(client: EngineClient, tmp_path):
    """Return the call of a slow map that the engine has begun."""
    begun = threading.Event()
    call = client.call("map", map_params(tmp_path, "slow"), lambda method, params: begun.set())
    assert begun.wait(WAIT)
    return call


def test_a_request_gets_its_result(make_client):
    assert make_client().call("hello", {}).future.result(WAIT)["version"] == "0.1.0"


def test_one_engine_stays_warm_between_requests(make_client):
    client = make_client()
    client.call("hello", {}).future.result(WAIT)
    first = client._process
    client.call("hello", {}).future.result(WAIT)
    assert client._process is first
    assert client.alive and not client.busy


def test_notifications_reach_their_own_request_in_order(make_client, tmp_path):
    client = make_client()
    seen: dict = {"a": [], "b": []}
    calls = [
        client.call(
            "map", map_params(tmp_path), lambda m, p, key=key: seen[key].append((m, p["id"], p["done"]))
        )
        for key in seen
    ]
    for call in calls:
        call.future.result(WAIT)
    for key, call in zip(seen, calls):
        assert seen[key] == [("progress", call.id, done) for done in range(5)]


def test_many_threads_each_get_their_own_answer(make_client):
    client = make_client()
    widths = {}

    def ask(step: int) -> None:
        params = {"model": "m", "inputs": [], "out": "", "step": step}
        widths[step] = client.call("check", params).future.result(WAIT)["width"]

    threads = [threading.Thread(target=ask, args=(step,)) for step in range(1, 33)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert widths == {step: 512 // step for step in range(1, 33)}


def test_garbage_on_standard_output_is_ignored(make_client, tmp_path):
    client = make_client("noisy")
    progress = []
    call = client.call("map", map_params(tmp_path), lambda method, params: progress.append(params["done"]))
    assert call.future.result(WAIT)["device"] == "cpu"
    assert progress == [0, 1, 2, 3, 4]


def test_an_error_keeps_kind_and_remedy(make_client, tmp_path):
    error = fault(make_client("refuse").call("map", map_params(tmp_path)))
    assert (error.kind, error.sentence()) == ("input", "bio1 is missing. Add the band.")


def test_an_unknown_method_is_an_error_not_a_hang(make_client):
    assert "no method" in fault(make_client().call("fly", {})).message


def test_cancel_stops_the_job_and_keeps_the_engine(make_client, tmp_path):
    client = make_client()
    call = begun_map(client, tmp_path)
    process = client._process
    client.cancel(call)
    assert fault(call).cancelled
    assert client._process is process


def test_an_engine_that_ignores_cancel_is_killed_and_a_fresh_one_answers(make_client, tmp_path):
    client = make_client("stubborn")
    call = client.call("map", map_params(tmp_path, "slow"))
    old = client._process
    start = time.monotonic()
    client.cancel(call)
    assert fault(call).cancelled
    assert time.monotonic() - start > 0.4
    assert client.call("hello", {}).future.result(WAIT)["version"] == "0.1.0"
    assert client._process is not old
    assert old._child.poll() is not None


def test_a_crash_is_told_with_what_the_engine_said(make_client, tmp_path):
    client = make_client("crash")
    call = client.call("map", map_params(tmp_path))
    other = client.call("map", map_params(tmp_path, "slow"))
    error = fault(call)
    assert "status 1" in error.message and "RuntimeError: boom" in error.message
    assert "Traceback" in error.detail
    assert fault(other).kind == "engine"
    assert client.call("hello", {}).future.result(WAIT)["version"] == "0.1.0"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_kill_by_the_system_is_taken_for_lack_of_memory(make_client, tmp_path):
    error = fault(make_client("oom").call("map", map_params(tmp_path)))
    assert "memory ran out" in error.message and error.remedy


def test_a_hung_engine_is_killed_after_silence(make_client):
    error = fault(make_client("deaf", patience=QUICK).call("hello", {}))
    assert "no sign of life" in error.message


def test_an_engine_that_says_that_it_is_alive_is_not_given_up(make_client):
    start = time.monotonic()
    client = make_client("busy", patience=BRISK)
    assert client.call("hello", {}).future.result(WAIT)["version"] == "0.1.0"
    assert time.monotonic() - start > 3, "longer than BRISK waits for a sign of life and for an answer to it"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_stopped_process_counts_as_hung(make_client, tmp_path):
    client = make_client(patience=BRISK)
    call = begun_map(client, tmp_path)
    os.kill(client._process._child.pid, signal.SIGSTOP)
    assert "no sign of life" in fault(call).message


def test_a_long_job_that_reports_progress_is_not_taken_for_hung(make_client, tmp_path):
    client = make_client(patience=BRISK)
    assert client.call("map", map_params(tmp_path, "slow")).future.result(WAIT)["valid_pixels"] == 64


def test_a_python_that_lacks_something_says_what(make_client):
    error = fault(make_client("lacking").call("hello", {}))
    assert error.message == "The engine's Python lacks torch; run “make setup”."
    assert error.kind == "engine"


def test_a_python_that_is_not_there_says_so(tmp_path):
    client = EngineClient(EngineLaunch((str(tmp_path / "none"), "x"), {}), tmp_path / "log")
    error = fault(client.call("hello", {}))
    assert str(tmp_path / "none") in error.message and "can't be started" in error.message


def test_a_log_that_can_not_be_written_is_an_error_not_a_hang(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    client = EngineClient(EngineLaunch((sys.executable, "-c", ""), {}), blocked / "engine.log")
    assert "can't be started" in fault(client.call("hello", {})).message


def test_an_engine_starts_on_a_full_disk_without_a_log(make_client, monkeypatch):
    opened = Path.open

    def full(path, *arguments):
        if path.name.endswith("log"):
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", full)
    assert make_client().call("hello", {}).future.result(WAIT)


def test_close_ends_the_engine_and_later_requests_fail(make_client):
    client = make_client()
    client.call("hello", {}).future.result(WAIT)
    child = client._process._child
    client.close()
    assert child.poll() is not None
    assert fault(client.call("hello", {})).cancelled


def test_close_kills_a_deaf_engine_and_frees_those_who_wait(make_client):
    client = make_client("deaf", patience=Patience(grace=0.3))
    call = client.call("hello", {})
    time.sleep(0.3)
    client.close()
    assert fault(call).cancelled


def test_the_caller_is_never_blocked_even_when_the_pipe_is_full(make_client):
    client = make_client("deaf", patience=Patience(grace=0.3))
    big = {"model": "x" * 1_000_000, "inputs": [], "out": "", "step": 1}
    start = time.monotonic()
    for _ in range(5):
        client.call("check", big)
    assert time.monotonic() - start < 1


def test_a_callback_that_fails_fails_its_request(make_client, tmp_path):
    def broken(method, params):
        raise ValueError("a defect")

    assert "a defect" in fault(make_client().call("map", map_params(tmp_path), broken)).message


def test_the_environment_is_cleaned_of_what_is_qgis_s():
    environment = clean_environment(
        {"PATH": "/bin", "PYTHONPATH": "x", "PYTHONHOME": "x", "GDAL_DATA": "x", "PROJ_LIB": "x",
         "QGIS_PREFIX_PATH": "x", "LD_LIBRARY_PATH": "x", "LD_PRELOAD": "x", "DYLD_LIBRARY_PATH": "x",
         "PIP_INDEX_URL": "x"}
    )  # fmt: skip
    assert environment == {"PATH": "/bin", "PYTHONIOENCODING": "utf-8", "PYTHONSAFEPATH": "1"}
