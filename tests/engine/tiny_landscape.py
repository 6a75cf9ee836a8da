"""A landscape of 2.6 km by 2.4 km with records and surveys, small enough to train on in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import LEFT, TOP, write_raster

CRS = "EPSG:32631"
COLUMNS, ROWS = 260, 240  # px of 10 m
RECORDS, SURVEYS = 110, 60
SPECIES = ("Alnus", "Betula", "Corylus")  # records of the first two, surveys of the third

SITES = f"""
[sites]
x = "x"
y = "y"
crs = "{CRS}"
[[sites.source]]
file = "po.csv"
kind = "po"
species = "species"
[[sites.source]]
file = "pa.csv"
kind = "pa"
species_columns = ["Corylus"]
"""
RECORDS_ALONE = f"""
[sites]
train = "po.csv"
kind = "po"
species = "species"
x = "x"
y = "y"
crs = "{CRS}"
"""
PREDICTORS = """
[modality.bioclim]
inputs = ["bioclim.tif"]
scales = [1]
[modality.satellite]
inputs = ["satellite.tif"]
scales = [25]
"""
TRAINING = """
[training]
epochs = 2
folds = 2
blocks_km = 0.5
buffer_km = 0.05
n_background = 100
batch_size = 32
width = 0.03
min_records = 1
"""


def write_tiny_landscape(folder: Path, sites: str = SITES, training: str = TRAINING) -> Path:
    """Write rasters, tables and a config; return the config."""
    draw = np.random.default_rng(1)
    scene = draw.normal([[[100]], [[50]]], [[[20]], [[10]]], (2, ROWS, COLUMNS)).astype(np.float32)
    climate = draw.normal([[[10]], [[0]]], [[[2]], [[1]]], (2, 30, 30)).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    write_raster(folder / "satellite.tif", scene, 10, names=["red", "nir"])
    write_raster(
        folder / "bioclim.tif", climate, 200, names=["bio1", "bio12"], corner=(LEFT - 1480, TOP + 1530)
    )
    places = [
        f"{LEFT + 10 * column + east:.3f},{TOP - 10 * row - south:.3f}"
        for column, row, east, south in zip(
            draw.integers(0, COLUMNS, RECORDS + SURVEYS),
            draw.integers(0, ROWS, RECORDS + SURVEYS),
            draw.uniform(1, 9, RECORDS + SURVEYS),
            draw.uniform(1, 9, RECORDS + SURVEYS),
            strict=True,
        )
    ]
    names = draw.choice(SPECIES[:2], RECORDS)
    records = [f"{name},{place}" for name, place in zip(names, places, strict=False)]
    seen = draw.choice(["1", "0", "0", ""], SURVEYS)
    surveys = [f"{place},{one}" for place, one in zip(places[RECORDS:], seen, strict=True)]
    (folder / "po.csv").write_text("\n".join(["species,x,y", *records, ""]), encoding="utf-8")
    (folder / "pa.csv").write_text("\n".join(["x,y,Corylus", *surveys, ""]), encoding="utf-8")
    config = folder / "train.toml"
    config.write_text(sites + PREDICTORS + training, encoding="utf-8")
    return config


def write_sites_on_a_lattice(folder: Path) -> Path:
    """Write a landscape whose records lie on every eighth pixel, so that tiles pay; return the config."""
    training = TRAINING.replace("folds = 2", "folds = 1\npatience = 0")
    config = write_tiny_landscape(folder, RECORDS_ALONE, training)
    text = config.read_text(encoding="utf-8").replace("scales = [25]", "scales = [25, 59]")
    config.write_text(text, encoding="utf-8")
    draw = np.random.default_rng(2)
    cells = draw.choice(29 * 32, 200, replace=False)
    rows = [f"{name},{LEFT + 10 * (8 * (c % 32) + 3.5)},{TOP - 10 * (8 * (c // 32) + 5.5)}"
            for c, name in zip(cells, draw.choice(SPECIES[:2], 200), strict=True)]  # fmt: skip
    (folder / "po.csv").write_text("\n".join(["species,x,y", *rows, ""]), encoding="utf-8")
    return config
