"""Makes what docs/decisions.md shows: maps of the demo landscape, areas by district, novelty, pictures.

``.venv/bin/python tools/decision_example.py demo`` writes into ``demo`` a landscape, six made-up districts
(``districts.gpkg``) and a warmer climate (``warmer.tif``), runs the commands of that page on them, each of
which it prints, has the real QGIS draw the pictures, and prints the figures. It replaces the files that it
makes itself, and no others. It runs in the engine's Python.
"""

from __future__ import annotations

import argparse
import csv
import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import rasterio
from demo_richness import true_values
from demo_steps import DemoError, demand, step, window_step
from districts import write_districts
from qgis_demo import SEED, STEP
from qgis_profile import ROOT

SPECIES = "coniferella_umbrosa"
WARMER = 6.0  # °C
HALF = 0.5
DISTRICTS_SEED = 4
RULES = ("largest_tss", "equal_sensitivity_and_specificity", "tenth_percentile_presence", "minimum_presence")
SCREEN = "1280x900x24"
LONGEST_S = 600
PICTURES, CHART = ("decision-areas.png", "decision-novelty.png"), "decision-chart.svg"


def make_example(folder: Path, pictures: Path) -> None:
    """Make the example in ``folder``, and its ``pictures`` elsewhere."""
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
    areas = folder / "areas"
    run("areas", maps / f"{SPECIES}.tif", "--polygons", districts, "--out", areas)
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
    shutil.copy(areas / "areas.svg", pictures / CHART)


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


def figures(folder: Path) -> str:
    """Return what docs/decisions.md tells of the example in ``folder``: the table's rows, the truth, shares."""
    with (folder / "areas" / "areas.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with rasterio.open(folder / "maps" / f"{SPECIES}.tif") as source:
        inside, transform = ~source.read(1, masked=True).mask, source.transform
    truth = true_values(folder / "landscape", SPECIES, transform, inside.shape)[inside]
    area = float(rows[0]["with_value_km2"])
    warmer = folder / "futures" / "warmer"
    shares = [
        (raster_values(warmer / "novelty.tif") < 0).mean(),
        *(
            (raster_values(warmer / f"novelty_features_bioclim{scale}.tif") > 1).mean()
            for scale in ("", "_1", "_5")
        ),
    ]
    likely, expected = area * (truth >= HALF).mean(), area * truth.mean()
    return "\n".join(
        (
            table(rows),
            f"\nIn truth {likely:.1f} km² have a probability of at least {HALF},",
            f"and {expected:.1f} km² are expected to be occupied.",
            f"In the warmer climate {shares[0]:.1%} of the map is outside the range of a predictor,",
            f"and {shares[1]:.1%} is unlike the training to all scales of bioclim together,",
            f"{shares[2]:.1%} to that of one cell, {shares[3]:.1%} to that of five.",
        )
    )


def raster_values(file: Path) -> np.ndarray:
    """Return the values of a map without NoData, in one row."""
    with rasterio.open(file) as source:
        return source.read(1, masked=True).compressed()


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return the rows as a table in Markdown: a zone a row, the areas by all rules side by side."""
    by_rule = [f"above_{rule}_km2" for rule in RULES]
    columns = [*by_rule, "above_largest_tss_novel_km2", "with_value_km2", "without_value_km2"]
    titles = ["km²", *(threshold_title(rows[0], rule) for rule in RULES)]
    titles += ["of largest TSS novel", "with a value", "without"]
    lines = [" | ".join(titles), " | ".join(["---", *["---:"] * len(columns)])]
    for row in rows:
        areas = [f"{float(row[column]):.1f}" for column in columns]
        lines.append(" | ".join([row["zone"], *areas]))
    return "\n".join(f"| {line} |" for line in lines)


def threshold_title(row: Mapping[str, str], rule: str) -> str:
    """Return ``largest TSS (0.50)``."""
    name = rule.replace("_", " ").replace("tss", "TSS")
    return f"{name} ({float(row[f'threshold_{rule}']):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="named from the root of the project, as in the commands")
    parser.add_argument("--pictures", type=Path, help="where pictures go; a folder in the other by default")
    asked = parser.parse_args()
    try:
        make_example(asked.folder, asked.pictures or asked.folder / "pictures")
    except DemoError as error:
        sys.exit(str(error))
    print(f"\n{figures(asked.folder)}")


if __name__ == "__main__":
    main()
