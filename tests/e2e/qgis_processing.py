"""``qgis_process`` with a profile that has the plugin, and what tests of it have in common."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import rasterio

ROOT = Path(__file__).resolve().parents[2]
QGIS_PROCESS = shutil.which("qgis_process.bin")
ENGINE = [sys.executable, str(ROOT / "engine" / "__main__.py")]
MODEL = ROOT / "models" / "zoo" / "demo.safetensors"


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


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return the outputs of an algorithm that went well, by name."""
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(line.partition(":\t")[::2] for line in done.stdout.splitlines() if ":\t" in line)


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return all that an algorithm said that refused its input, without a traceback."""
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said, said
    return said


def write_landscape(folder: Path) -> None:
    """Make the profile, and a landscape by the algorithm ``demo``."""
    make_profile(folder)
    results(process(folder, "demo", f"OUTPUT={folder / 'landscape'}", "SIZE=1024", "SEED=3"))


def layers(folder: Path) -> list[str]:
    """Return the landscape's rasters as the parameter of algorithms that map."""
    return [f"LAYERS={folder / 'landscape' / name}.tif" for name in ("satellite", "bioclim")]


def values(file: Path) -> np.ndarray:
    """Return the values of a map, NaN where it has none."""
    with rasterio.open(file) as raster:
        return raster.read(1, masked=True).astype(float).filled(np.nan)
