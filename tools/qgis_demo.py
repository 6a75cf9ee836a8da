"""Make the demo: a landscape, maps of a dozen species, a QGIS project and a picture. Standard library alone.

``python3 tools/qgis_demo.py FOLDER`` does, through the plugin's own algorithms and in the real QGIS window:

1. ``qgis_process run scalescape:demo`` writes FOLDER/landscape;
2. ``qgis_process run scalescape:map`` writes FOLDER/maps;
3. ``qgis --code tools/qgis_demo_project.py`` writes FOLDER/scalescape.qgz and FOLDER/screenshot.png, on the
   display that is there or else under xvfb-run; the project must find all its rasters within FOLDER.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from html import unescape
from pathlib import Path

from qgis_profile import ROOT, make_profile, qgis_environment

SIZE, SEED, STEP = 2048, 2024, 4  # a seed that the demo model was not trained on
SCREEN = "1560x980x24"
LONGEST_S = {"landscape": 900, "maps": 1800, "window": 300}


class DemoError(Exception):
    """A step that failed, in one sentence."""


def program(*names: str) -> str:
    """Return the first of ``names`` that is installed."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
    raise DemoError(f"{names[0]} is not installed; install QGIS (on Debian and Ubuntu: apt install qgis xvfb).")


def step(title: str, command: list[str], seconds: int, environment: dict[str, str], folder: Path) -> None:
    """Run one step in ``folder``, showing what it says; raise DemoError where it fails.

    QGIS makes a path relative twice when it saves a project, the second time from where it was started: another
    ``maps`` there would be taken for ours.
    """
    print(f"\n== {title}", flush=True)
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, env=environment, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise DemoError(f"“{title}” took longer than {seconds} s.") from error
    if done.returncode:
        raise DemoError(f"“{title}” failed with status {done.returncode}; what it said stands above.")
    print(f"== {time.monotonic() - start:.0f} s", flush=True)


def demand(files: list[Path], since: float) -> None:
    """Raise DemoError unless every one of ``files`` was written since then."""
    for file in files:
        if not file.is_file() or file.stat().st_mtime < since - 1 or not file.stat().st_size:
            raise DemoError(f"{file} was not written.")


def datasources(project: Path) -> list[str]:
    """Return what the layers of a project file (.qgz) name as their sources."""
    with zipfile.ZipFile(project) as packed:
        name = next(name for name in packed.namelist() if name.endswith(".qgs"))
        text = packed.read(name).decode("utf-8")
    return [unescape(found) for found in re.findall(r"<datasource>([^<]+)</datasource>", text)]


def demand_sources(project: Path, maps: list[Path]) -> None:
    """Raise DemoError unless the project's layers are files beside it, every one of ``maps`` among them."""
    home = project.parent.resolve()
    files = [(home / one).resolve() for one in datasources(project)]
    for one in files:
        if not one.is_file() or home not in one.parents:
            raise DemoError(f"{project} names {one}, which is no file in {home}.")
    lacking = {one.resolve() for one in maps} - set(files)
    if lacking:
        raise DemoError(f"{project} lacks {min(lacking)}.")


def make_demo(folder: Path, model: Path, size: int, seed: int, pixel_step: int) -> list[Path]:
    """Make the demo in ``folder`` and return what is worth looking at."""
    began = time.time()
    folder.mkdir(parents=True, exist_ok=True)
    landscape, maps = folder / "landscape", folder / "maps"
    for old in (landscape, maps):
        shutil.rmtree(old, ignore_errors=True)
    profile = ROOT / "build" / "qgis"
    make_profile(profile)
    process, qgis = program("qgis_process.bin", "qgis_process"), program("qgis")
    environment = {**qgis_environment(qgis, os.environ), "PYTHONWARNINGS": "ignore"}
    if "XDG_RUNTIME_DIR" not in environment:
        runtime = profile / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        environment["XDG_RUNTIME_DIR"] = str(runtime)
    headless = {**environment, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(profile)}
    step(
        "Making the landscape",
        [process, "run", "scalescape:demo", "--", f"OUTPUT={landscape}", f"SIZE={size}", f"SEED={seed}"],
        LONGEST_S["landscape"],
        headless,
        folder,
    )
    demand([landscape / "satellite.tif", landscape / "bioclim.tif"], began)
    layers = [f"LAYERS={landscape / name}.tif" for name in ("satellite", "bioclim")]
    step(
        "Mapping the species",
        [process, "run", "scalescape:map", "--", f"MODEL={model}", *layers, f"STEP={pixel_step}",
         f"OUTPUT={maps}"],
        LONGEST_S["maps"],
        headless,
        folder,
    )  # fmt: skip
    demand([maps / "run.json"], began)
    window = [qgis, "--profiles-path", str(profile), "--profile", "default", "--nologo"]
    window += ["--code", str(ROOT / "tools" / "qgis_demo_project.py")]
    shown = {**environment, "SCALESCAPE_DEMO": str(folder), "SCALESCAPE_DEMO_MODEL": str(model)}
    shown.pop("QT_QPA_PLATFORM", None)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        window = [program("xvfb-run"), "-a", "-s", f"-screen 0 {SCREEN}", *window]
    step("Opening QGIS", window, LONGEST_S["window"], shown, folder)
    found = [folder / "scalescape.qgz", folder / "screenshot.png"]
    demand(found, began)
    tiffs = sorted(maps.glob("*.tif"))
    demand_sources(found[0], tiffs)
    return [landscape, *tiffs, *found]


def main() -> None:
    """Make the demo that is asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "demo")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "zoo" / "demo.safetensors")
    parser.add_argument("--size", type=int, default=SIZE, help="side of the satellite scene in pixels")
    parser.add_argument("--seed", type=int, default=SEED, help="another number is another landscape")
    parser.add_argument("--step", type=int, default=STEP, help="output pixel / satellite pixel")
    asked = parser.parse_args()
    try:
        found = make_demo(asked.folder.absolute(), asked.model.absolute(), asked.size, asked.seed, asked.step)
    except DemoError as error:
        sys.exit(f"make demo: {error}")
    print("\nThe demo is ready:")
    for file in found:
        print(f"  {os.path.relpath(file)}{os.sep if file.is_dir() else ''}")
    project = next(file for file in found if file.suffix == ".qgz")
    print(f"\nOpen the project in QGIS (Project › Open), or: qgis {os.path.relpath(project)}")
    print("A run of your own takes the rasters in the landscape's folder as inputs.")


if __name__ == "__main__":
    main()
