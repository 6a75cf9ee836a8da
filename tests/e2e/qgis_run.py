"""How the tests start the engine and QGIS's window."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
ENGINE = [str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "engine" / "__main__.py")]
DEMO_MODEL = ROOT / "models" / "zoo" / "demo.safetensors"
PICTURES = ROOT / "build" / "e2e"


def run(*command: str, seconds: int = 300, **extra: str) -> str:
    """Run a command; its output is shown where it fails."""
    environment = {**os.environ, **extra}
    environment.pop("QT_QPA_PLATFORM", None)
    # QGIS's Python takes the first Python on the PATH for its own home; its own lies beside QGIS.
    environment["PATH"] = os.pathsep.join((str(Path(shutil.which("qgis")).parent), environment["PATH"]))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, env=environment, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def visited(script: str, task: dict, folder: Path, pictures: Path, screen: str) -> dict:
    """Return the report of a script that goes through steps in the window (see ``visit.py``).

    ``task`` is what the script finds in its ``TASK``; pictures, and the report once more, lie in ``pictures``.
    """
    pictures.mkdir(parents=True, exist_ok=True)
    file, report = folder / "task.json", folder / "report.json"
    file.write_text(json.dumps({**task, "report": str(report), "pictures": str(pictures)}))
    run_in_window(HERE / script, folder, screen, SCALESCAPE_E2E=str(file))
    found = json.loads(report.read_text())
    (pictures / "report.json").write_text(json.dumps(found, indent=1))
    assert "error" not in found, found["error"]
    return found


def inspected(model: Path, inputs: list[str], at: list) -> dict:
    """Return what the command line says of a point: x, y and their CRS."""
    x, y, crs = at
    return json.loads(
        run(*ENGINE, "inspect", str(model), *inputs, f"--at={x!r},{y!r}", f"--crs={crs}", "--json")
    )


def run_in_window(script: Path, folder: Path, screen: str, **extra: str) -> None:
    """Run a script in QGIS, in a profile in ``folder`` that has the plugin, on a screen such as 1500x1000.

    The script may import what lies beside it.
    """
    run(sys.executable, str(ROOT / "tools" / "qgis_profile.py"), str(folder / "qgis"))
    run(
        *("xvfb-run", "-a", "-s", f"-screen 0 {screen}x24"),
        *("qgis", "--profiles-path", str(folder / "qgis"), "--profile", "default", "--nologo"),
        *("--code", str(script)),
        seconds=600,
        PYTHONPATH=str(script.parent),
        **extra,
    )
