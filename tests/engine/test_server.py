"""The engine process: requests and answers over its pipes."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paper_networks import climate_model, plain_network, write_checkpoint
from scalescape.engine import protocol
from scalescape.engine.protocol import (
    CheckJob,
    EffectsJob,
    ImportPaperJob,
    InspectJob,
    MapJob,
    ProfileJob,
    RasterInput,
    to_params,
)

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


class Client:
    """A few lines of client: sends lines, collects what comes."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=self._collect, daemon=True).start()
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def _collect(self) -> None:
        for line in self.process.stdout:
            if json.loads(line).get("method") != protocol.ALIVE:
                self.lines.put(line)

    def send(self, line: str) -> None:
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

    def next(self) -> dict[str, Any]:
        return json.loads(self.lines.get(timeout=PATIENCE_S))

    def answer(self, request_id: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The answer to a request, and the messages that came before it."""
        before = []
        while (message := self.next()).get("id") != request_id or "method" in message:
            before.append(message)
        return message, before


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(str(ROOT / "engine" / "__main__.py"), "serve")
    yield client
    client.process.kill()
    client.process.wait()


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=2)


def test_hello_map_and_shutdown(client: Client, job: MapJob) -> None:
    client.send(protocol.request(1, "hello", {}))
    hello, _ = client.answer(1)
    assert hello["result"]["torch"].startswith("2.13.0")
    assert [d["name"] for d in hello["result"]["devices"]][-1] == "cpu"
    client.send(protocol.request(2, "map", to_params(job)))
    answer, before = client.answer(2)
    assert len(answer["result"]["files"]) == 3
    progress = [m["params"] for m in before if m["method"] == "progress"]
    assert all(p["id"] == 2 for p in progress)
    assert [p for p in progress if p["phase"] == "mapping"][-1]["eta"] == 0
    client.send(protocol.request(3, "shutdown", {}))
    assert client.answer(3)[0]["result"] is None
    assert client.process.wait(timeout=PATIENCE_S) == 0


def test_a_check_is_answered_while_a_map_runs(client: Client, job: MapJob) -> None:
    slow = MapJob(**{**vars(job), "step": 1, "method": "patch"})
    client.send(protocol.request(1, "map", to_params(slow)))
    while client.next().get("params", {}).get("phase") != "mapping":
        pass
    client.send(protocol.request(2, "check", to_params(CheckJob(**vars(job)))))
    answer, _ = client.answer(2)
    assert answer["result"]["width"] == 50
    client.send(protocol.request(3, "cancel", {"id": 1}))
    assert client.answer(3)[0]["result"] is True
    error = client.answer(1)[0]["error"]
    assert error["code"] == protocol.CANCELLED
    assert error["data"]["kind"] == "cancelled"


def test_a_point_is_answered_while_a_map_runs_and_an_effects_job_like_a_map(
    client: Client, job: MapJob, tmp_path: Path
) -> None:
    slow = MapJob(**{**vars(job), "step": 1, "method": "patch"})
    client.send(protocol.request(1, "map", to_params(slow)))
    while client.next().get("params", {}).get("phase") != "mapping":
        pass
    point = InspectJob(job.model, job.inputs, (500_500.0, 4_999_550.0))
    client.send(protocol.request(2, "inspect", to_params(point)))
    answer, before = client.answer(2)
    assert all(message.get("id") != 1 or "method" in message for message in before)
    found = answer["result"]
    assert found["bias"] + sum(one["value"] for one in found["contributions"]) == pytest.approx(found["logit"])
    client.send(protocol.request(3, "inspect", {**to_params(point), "at": [0, 0]}))
    assert client.answer(3)[0]["error"]["data"]["kind"] == "input"
    client.send(protocol.request(4, "inspect", {**to_params(point), "at": [0]}))
    assert client.answer(4)[0]["error"]["code"] == protocol.INVALID_PARAMS
    client.send(protocol.request(5, "cancel", {"id": 1}))
    client.answer(1)
    effects = EffectsJob(**{**vars(job), "species": ("Species 0",), "out": str(tmp_path / "effects")})
    client.send(protocol.request(6, "effects", to_params(effects)))
    assert len(client.answer(6)[0]["result"]["files"]) == 2 * 4 + 2
    profile = ProfileJob(job.model, job.inputs, step=5, refits=(job.model,))
    client.send(protocol.request(7, "profile", to_params(profile)))
    assert client.answer(7)[0]["result"]["models"] == 2


def test_a_checkpoint_is_imported(client: Client, tmp_path: Path) -> None:
    bands = {"env_model": 2}
    config = {"env_model": climate_model([[1], [3]], 3)}
    files = write_checkpoint(tmp_path, config, plain_network(config, bands, species=4), bands)
    job = ImportPaperJob(
        **{name: str(file) for name, file in files.items()}, out=str(tmp_path / "m.safetensors")
    )
    client.send(protocol.request(1, "import-paper", to_params(job)))
    result = client.answer(1)[0]["result"]
    assert (result["n_species"], result["dense"]) == (4, True) and Path(job.out).exists()


def test_bad_input_is_an_error_with_kind_and_sentence(client: Client, job: MapJob) -> None:
    client.send(protocol.request(1, "map", to_params(MapJob(**{**vars(job), "species": ("Bufo bufo",)}))))
    error = client.answer(1)[0]["error"]
    assert error["code"] == protocol.INPUT_ERROR
    assert error["data"]["kind"] == "input"
    assert "Bufo bufo" in error["message"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("this is no JSON\n", protocol.PARSE_ERROR),
        ('{"id": 1, "method": "hello"}\n', protocol.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1}\n', protocol.INVALID_REQUEST),
        ('{"jsonrpc": "2.0", "id": 1, "method": "fly"}\n', protocol.METHOD_NOT_FOUND),
        ('{"jsonrpc": "2.0", "id": 1, "method": "map", "params": {"wings": 2}}\n', protocol.INVALID_PARAMS),
        ('{"jsonrpc": "2.0", "id": 1, "method": "map", "params": [1]}\n', protocol.INVALID_PARAMS),
        (
            '{"jsonrpc": "2.0", "id": 1, "method": "demo", "params": {"out": "x", "size": "big"}}\n',
            protocol.INVALID_PARAMS,
        ),
        (
            '{"jsonrpc": "2.0", "id": 1, "method": "map", "params": {"model": 5, "inputs": [], "out": "x"}}\n',
            protocol.INVALID_PARAMS,
        ),
        ("[" * 200_000 + "\n", protocol.PARSE_ERROR),
    ],
)
def test_messages_that_are_no_requests_get_the_standards_codes(client: Client, line: str, code: int) -> None:
    client.send(line)
    assert client.next()["error"]["code"] == code
    client.send(protocol.request(9, "hello", {}))
    assert "result" in client.answer(9)[0]


def test_what_libraries_print_does_not_reach_the_stream() -> None:
    script = (
        "import os, runpy, sys, threading, time\n"
        "def shout():\n"
        "    while True:\n"
        "        print('noise'); sys.stdout.flush(); os.write(1, b'raw noise\\n'); time.sleep(0.01)\n"
        "from scalescape.engine import server\n"
        "server.run_check = None\n"
        "original = server.Server.run\n"
        "def run(self):\n"
        "    threading.Thread(target=shout, daemon=True).start(); time.sleep(0.1); original(self)\n"
        "server.Server.run = run\n"
        "from scalescape.engine.running.outlet import standard_outlet\n"
        "server.serve(standard_outlet())\n"
    )
    client = Client("-c", script)
    try:
        client.send(protocol.request(1, "hello", {}))
        assert "result" in client.next()
    finally:
        client.process.kill()
        client.process.wait()


def test_the_engine_ends_when_its_pipe_closes(client: Client) -> None:
    client.send(protocol.request(1, "hello", {}))
    client.answer(1)
    client.process.stdin.close()
    assert client.process.wait(timeout=PATIENCE_S) == 0


def test_a_python_without_torch_says_so_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    run = subprocess.run(
        [sys.executable, str(ROOT / "engine" / "__main__.py"), "serve"],
        input=b"", capture_output=True, timeout=PATIENCE_S, env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert run.returncode == 3
    assert b"lacks the package torch" in run.stderr
    assert b"Traceback" not in run.stderr
