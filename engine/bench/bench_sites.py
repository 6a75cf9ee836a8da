"""How long a large table of records takes until it is sites: reading, cleaning and thinning."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas
import rasterio
from rasterio.transform import from_origin

from ..recipes.config_file import read_config
from ..recipes.recipe import recipe_of
from ..training.course import prepared_sites
from ..training.supplies import supply_of
from .bench_map import peak_memory

SEED = 0
LEFT, TOP, DEGREES, SIDE = 0.0, 55.0, 1 / 120, 1200  # a raster of 10 by 10 degrees, pixels of 30 arc-seconds
HOTSPOTS, SPREAD = 500, 0.3  # where people record, in degrees
BEYOND = 0.5  # degrees that records lie beyond the raster
SHARE_AT_NOUGHT, SHARE_EMPTY, SHARE_REPEATED = 0.001, 0.002, 0.05
ISSUES = ("", "COORDINATE_ROUNDED", "ZERO_COORDINATE", "COUNTRY_COORDINATE_MISMATCH")
BASES = ("HUMAN_OBSERVATION", "PRESERVED_SPECIMEN", "FOSSIL_SPECIMEN")
ODDS = {"issue": (0.6, 0.37, 0.01, 0.02), "basisOfRecord": (0.9, 0.09, 0.01)}
MAX_UNCERTAINTY_M = 5000
CONFIG = f"""
[sites]
train = "records.tsv"
kind = "po"
species = "species"
max_uncertainty_m = {MAX_UNCERTAINTY_M}
[modality.bioclim]
inputs = ["bio1.tif"]
scales = [1]
[training]
n_background = 0
lambda2 = 1.0
min_records = 1
"""


@dataclass(frozen=True)
class SitesBench:
    """The figures of ``scalescape bench sites``.

    ``seconds`` goes from the table on disk, as GBIF writes it, to sites with one record of a species a pixel;
    ``peak_over_idle_bytes`` is resident memory above that before. ``left_out`` counts the records that cleaning
    and thinning dropped, ``presences`` those that are left, ``sites`` their places.
    """

    records: int
    species: int
    table_bytes: int
    seconds: float
    records_per_s: float
    peak_over_idle_bytes: int
    left_out: int
    presences: int
    sites: int


def bench_sites(records: int = 1_000_000, species: int = 2000) -> SitesBench:
    """Measure a made-up table of ``records`` rows and up to ``species`` species, few of them common."""
    with tempfile.TemporaryDirectory(prefix="scalescape-bench-") as folder:
        table, config = Path(folder) / "records.tsv", Path(folder) / "train.toml"
        _write_records(table, records, species)
        _write_raster(Path(folder) / "bio1.tif")
        config.write_text(CONFIG, encoding="utf-8")
        with peak_memory() as memory_used:
            started = time.perf_counter()
            read = read_config(config)
            supplies = tuple(supply_of(name, one) for name, one in read.modality.items())
            prepared = prepared_sites(read, recipe_of(read), supplies)
            seconds = time.perf_counter() - started
        presences = int(prepared.sites.presences().sum())
        return SitesBench(
            records=records,
            species=len(prepared.sites.species),
            table_bytes=table.stat().st_size,
            seconds=seconds,
            records_per_s=records / seconds,
            peak_over_idle_bytes=memory_used[0],
            left_out=records - presences,
            presences=presences,
            sites=len(prepared.sites),
        )


def _write_records(file: Path, records: int, species: int) -> None:
    """Write records about hotspots, with what GBIF's tables hold: repeats, flags, gaps, points off the land."""
    draw = np.random.default_rng(SEED)
    side = SIDE * DEGREES
    spots = draw.uniform((LEFT, TOP - side), (LEFT + side, TOP), (HOTSPOTS, 2))
    at = spots[draw.integers(HOTSPOTS, size=records)] + draw.normal(0, SPREAD, (records, 2))
    at = at.clip((LEFT - BEYOND, TOP - side - BEYOND), (LEFT + side + BEYOND, TOP + BEYOND)).round(5)
    at[draw.random(records) < SHARE_AT_NOUGHT] = 0.0
    at[draw.random(records) < SHARE_EMPTY] = np.nan
    odds = 1 / np.arange(1, species + 1)
    of = draw.choice(species, records, p=odds / odds.sum())
    of[: min(species, records)] = np.arange(min(species, records))  # each at least once
    again = np.flatnonzero(draw.random(records) < SHARE_REPEATED)[1:]
    at[again], of[again] = at[again - 1], of[again - 1]
    noted = {
        name: draw.choice(values, records, p=ODDS[name])
        for name, values in (("issue", ISSUES), ("basisOfRecord", BASES))
    }
    pandas.DataFrame(
        {
            "gbifID": np.arange(records) + 10**9,
            "species": np.char.add("Genus species", of.astype(str)),
            "decimalLatitude": at[:, 1],
            "decimalLongitude": at[:, 0],
            "coordinateUncertaintyInMeters": draw.choice([10, 100, 1000, 30_000], records),
            "year": draw.integers(1970, 2025, records),
            "occurrenceStatus": "PRESENT",
            **noted,
        }
    ).to_csv(file, sep="\t", index=False)


def _write_raster(file: Path) -> None:
    values = np.random.default_rng(SEED).normal(10, 3, (SIDE, SIDE)).astype(np.float32)
    with rasterio.open(
        file, "w", driver="GTiff", count=1, height=SIDE, width=SIDE, dtype="float32", crs="EPSG:4326",
        transform=from_origin(LEFT, TOP, DEGREES, DEGREES), tiled=True,
    ) as target:  # fmt: skip
        target.write(values, 1)
