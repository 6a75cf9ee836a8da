"""``qgis_process`` with a profile that has the plugin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QGIS_PROCESS = shutil.which("qgis_process.bin")


def make_profile(folder: Path) -> None:
    """Make the profile that ``process`` uses."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "qgis_profile.py"), str(folder / "qgis")], check=True)


def process(
    folder: Path, algorithm: str, *parameters: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run an algorithm of ours in ``qgis_process``."""
    path = os.pathsep.join((str(Path(QGIS_PROCESS).parent), os.environ["PATH"]))
    return subprocess.run(
        [QGIS_PROCESS, "run", f"scalescape:{algorithm}", "--", *parameters],
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "PATH": path, "QT_QPA_PLATFORM": "offscreen",
             "QGIS_CUSTOM_CONFIG_PATH": str(folder / "qgis"), **environment},
    )  # fmt: skip
