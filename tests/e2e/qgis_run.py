"""How the tests start the engine and QGIS's window."""

from __future__ import annotations

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
