"""Measure how soon a point is answered: random clicks on a demo landscape, through the real engine process.

Run: .venv/bin/python tools/click_speed.py [--clicks N] [--patches]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from scalescape.engine.jobs.demo_job import run_demo
from scalescape.engine.protocol import DemoJob, InspectJob, MapJob, RasterInput, request, to_params
from scalescape.engine.running.progress import Monitor

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "models" / "zoo" / "demo.safetensors"
MARGIN = 60  # px from the edge; more than half of the widest window
SEED, SIZE = 501, 1024


class Engine:
    """The engine process, asked one thing after another."""

    def __init__(self) -> None:
        command = [sys.executable, str(ROOT / "engine" / "__main__.py"), "serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._last = 0

    def send(self, method: str, params: Any) -> int:
        """Send a request; return its id."""
        self._last += 1
        if self._process.stdin is None:
            raise RuntimeError("the engine has no input")
        self._process.stdin.write(request(self._last, method, params).encode())
        self._process.stdin.flush()
        return self._last

    def next(self) -> dict[str, Any]:
        """Return the next message."""
        if self._process.stdout is None:
            raise RuntimeError("the engine has no output")
        return dict(json.loads(self._process.stdout.readline()))

    def ask(self, method: str, params: Any) -> dict[str, Any]:
        """Return the answer to a request."""
        wanted = self.send(method, params)
        while (message := self.next()).get("id") != wanted or "method" in message:
            pass
        if "error" in message:
            raise RuntimeError(message["error"]["message"])
        return message

    def close(self) -> None:
        """End the process."""
        self.send("shutdown", None)
        self._process.wait()


def main() -> None:
    """Print median and 95th percentile, idle and while a map runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=200)
    parser.add_argument("--patches", action="store_true")
    parser.add_argument("--method", default="patch", help="of the map that runs beside; patch takes longest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run_demo(DemoJob(str(folder / "land"), SIZE, SEED), Monitor())
        inputs = tuple(RasterInput(m, str(folder / "land" / f"{m}.tif")) for m in ("satellite", "bioclim"))
        engine = Engine()
        draw = np.random.default_rng(0)
        with rasterio.open(inputs[0].file) as scene:
            spots = [
                scene.xy(*draw.integers(MARGIN, SIZE - MARGIN, 2).tolist()) for _ in range(2 * options.clicks)
            ]

        def clicks(some: list[tuple[float, float]]) -> None:
            took = []
            for at in some:
                job = InspectJob(str(MODEL), inputs, at, patches=options.patches)
                started = time.perf_counter()
                engine.ask("inspect", to_params(job))
                took.append(1000 * (time.perf_counter() - started))
            low, high = np.median(took), np.percentile(took, 95)
            print(f"median {low:.1f} ms, 95th percentile {high:.1f} ms, slowest {max(took):.0f} ms")

        print("cold: ", end="")
        clicks(spots[:1])
        print(f"idle, {options.clicks} clicks: ", end="")
        clicks(spots[: options.clicks])
        running = engine.send(
            "map", to_params(MapJob(str(MODEL), inputs, str(folder / "maps"), method="patch"))
        )
        while engine.next().get("params", {}).get("phase") != "mapping":
            pass
        print("while a map runs: ", end="")
        clicks(spots[options.clicks :])
        engine.ask("cancel", {"id": running})
        engine.close()


if __name__ == "__main__":
    main()
