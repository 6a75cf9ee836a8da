"""Make the demo: a landscape, maps of a dozen species, a QGIS project and a picture. Standard library alone.

``python3 tools/qgis_demo.py FOLDER`` does, through the plugin's own algorithms and in the real QGIS window:

1. ``qgis_process run scalescape:demo`` writes FOLDER/landscape;
2. ``qgis_process run scalescape:map`` writes FOLDER/maps;
3. ``qgis --code tools/qgis_demo_project.py`` writes FOLDER/scalescape.qgz and FOLDER/screenshot.png, on the
   display that is there or else under xvfb-run; the project must find all its rasters within FOLDER.

Done again, it replaces the files that it makes itself; whatever else lies in FOLDER stays, and maps of another
run get no layer.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
import zipfile
from html import unescape
from pathlib import Path

from demo_steps import PROFILE, DemoError, demand, demo_environment, is_written, program, step, window_step
from qgis_profile import ROOT

SIZE, SEED, STEP = 2048, 2024, 4  # a seed that the demo model was not trained on
SCREEN = "1560x980x24"
LONGEST_S = {"landscape": 900, "maps": 1800, "window": 300}


def datasources(project: Path) -> list[str]:
    """Return what the layers of a project file (.qgz) name as their sources."""
    with zipfile.ZipFile(project) as packed:
        name = next(name for name in packed.namelist() if name.endswith(".qgs"))
        text = packed.read(name).decode("utf-8")
    return [unescape(found) for found in re.findall(r"<datasource>([^<]+)</datasource>", text)]


def demand_sources(project: Path, maps: list[Path]) -> None:
    """Raise DemoError unless the project's layers are files beside it, of all maps just ``maps`` among them."""
    home = project.parent.resolve()
    files = [(home / one).resolve() for one in datasources(project)]
    for one in files:
        if not one.is_file() or home not in one.parents:
            raise DemoError(f"{project} names {one}, which is no file in {home}.")
    wanted = {one.resolve() for one in maps}
    lacking = wanted - set(files)
    if lacking:
        raise DemoError(f"{project} lacks {min(lacking)}.")
    folders = {one.parent for one in wanted}
    odd = {one for one in files if one.parent in folders} - wanted
    if odd:
        raise DemoError(f"{project} shows {min(odd)}, a map of another run.")


def make_demo(folder: Path, model: Path, size: int, seed: int, pixel_step: int) -> list[Path]:
    """Make the demo in ``folder`` and return what is worth looking at."""
    began = time.time()
    folder.mkdir(parents=True, exist_ok=True)
    landscape, maps = folder / "landscape", folder / "maps"
    process = program("qgis_process.bin", "qgis_process")
    headless = {
        **demo_environment(),
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_CUSTOM_CONFIG_PATH": str(PROFILE),
    }
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
    window_step(
        "Opening QGIS",
        ROOT / "tools" / "qgis_demo_project.py",
        LONGEST_S["window"],
        SCREEN,
        folder,
        SCALESCAPE_DEMO=str(folder),
        SCALESCAPE_DEMO_MODEL=str(model),
    )
    found = [folder / "scalescape.qgz", folder / "screenshot.png"]
    demand(found, began)
    tiffs = sorted(file for file in maps.glob("*.tif") if is_written(file, began))
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
