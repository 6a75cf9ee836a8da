"""Makes what docs/decisions.md shows: maps of the demo landscape, areas by district, novelty, pictures.

``.venv/bin/python tools/decision_example.py demo`` writes into ``demo`` a landscape, six made-up districts
(``districts.gpkg``) and a warmer climate (``warmer.tif``), runs the commands of that page on them, each of which
it prints, has the real QGIS draw the pictures, and prints the rows of the table. It runs in the engine's Python.
"""

from __future__ import annotations

import argparse
import csv
import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import rasterio
from demo_steps import DemoError, demand, step, window_step
from districts import write_districts
from qgis_demo import SEED, STEP
from qgis_profile import ROOT

SPECIES = "coniferella_umbrosa"
WARMER = 6.0  # °C
DISTRICTS_SEED = 4
RULES = ("largest_tss", "equal_sensitivity_and_specificity", "tenth_percentile_presence", "minimum_presence")
SCREEN = "1280x900x24"
LONGEST_S = 600
PICTURES = ("decision-areas.png", "decision-novelty.png")


def make_example(folder: Path, pictures: Path) -> list[dict[str, str]]:
    """Make the example in ``folder``, its ``pictures`` elsewhere; return the rows of areas.csv."""
    began = time.time()
    landscape, maps = folder / "landscape", folder / "maps"
    satellite, bioclim = (f"{name}={landscape / name}.tif" for name in ("satellite", "bioclim"))
    districts, warmer = folder / "districts.gpkg", folder / "warmer.tif"
    run("demo", landscape, "--seed", SEED)
    with rasterio.open(landscape / "satellite.tif") as scene:
        districts.unlink(missing_ok=True)
        write_districts(districts, scene.bounds, scene.crs.to_string(), DISTRICTS_SEED)
    warm(landscape / "bioclim.tif", warmer)
    model = Path("models", "zoo", "demo.safetensors")
    how = ("--step", STEP, "--products")
    run("map", model, "--input", satellite, "--input", bioclim, *how, "probability,binary,richness,top,novelty",
        "--out", maps)  # fmt: skip
    run("areas", maps / f"{SPECIES}.tif", "--polygons", districts, "--out", folder / "areas")
    run("map", model, "--input", satellite, "--scenario", f"warmer:bioclim={warmer}", *how,
        "probability,novelty", "--out", folder / "futures")  # fmt: skip
    pictures.mkdir(parents=True, exist_ok=True)
    window_step(
        "Drawing pictures in QGIS",
        ROOT / "tools" / "decision_pictures.py",
        LONGEST_S,
        SCREEN,
        ROOT,
        SCALESCAPE_EXAMPLE=str(folder.absolute()),
        SCALESCAPE_SPECIES=SPECIES,
        SCALESCAPE_PICTURES=str(pictures.absolute()),
    )
    demand([pictures / name for name in PICTURES], began)
    with (folder / "areas" / "areas.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def run(*words: object) -> None:
    """Run a command of the engine in the root of the project, under its name as a person types it."""
    texts = [str(word) for word in words]
    command = [sys.executable, str(ROOT / "engine" / "__main__.py"), *texts]
    step(shlex.join(["scalescape", *texts]), command, LONGEST_S, os.environ, ROOT)


def warm(source: Path, target: Path) -> None:
    """Write a climate whose first band, the annual mean temperature, is warmer everywhere."""
    with rasterio.open(source) as now:
        values = now.read()
        values[0] += WARMER
        with rasterio.open(target, "w", **now.profile) as then:
            then.write(values)
            then.descriptions, then.units = now.descriptions, now.units


def table(rows: list[Mapping[str, str]]) -> str:
    """Return the rows as a table in Markdown: a zone a row, the areas by all rules side by side."""
    by_rule = [f"above_{rule}_km2" for rule in RULES]
    columns = ["with_value_km2", *by_rule, "above_largest_tss_novel_km2", "without_value_km2"]
    titles = ["district", "with a value", *(threshold_title(rows[0], rule) for rule in RULES)]
    titles += ["novel", "without a value"]
    lines = [" | ".join(titles), " | ".join(["---", *["---:"] * len(columns)])]
    for row in rows:
        figures = [f"{float(row[column]):.1f}" for column in columns]
        lines.append(" | ".join([row["zone"], *figures]))
    return "\n".join(f"| {line} |" for line in lines)


def threshold_title(row: Mapping[str, str], rule: str) -> str:
    """Return ``largest TSS (0.50)``."""
    name = rule.replace("_", " ").replace("tss", "TSS")
    return f"{name} ({float(row[f'threshold_{rule}']):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="as the commands name it, from the root of the project")
    parser.add_argument("--pictures", type=Path, help="where pictures go; a folder in the other unless told")
    asked = parser.parse_args()
    try:
        rows = make_example(asked.folder, asked.pictures or asked.folder / "pictures")
    except DemoError as error:
        sys.exit(str(error))
    print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
