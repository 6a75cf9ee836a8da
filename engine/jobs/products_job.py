"""The ``products`` job: what is made of finished maps of probability, without the network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from ..files.aside import Aside
from ..finished.finished_map import MapBand, OpenMaps, bands_of, inputs_of, tiles_of
from ..finished.unproven_maps import unproven_notes
from ..maps.encoding import ENCODINGS
from ..products.product_maps import MADE, MULTIBAND, ProductMaps, TileSums
from ..products.species_product import MappedSpecies
from ..protocol import ProductsJob, to_params
from ..protocol.finished_results import ProductsResult
from ..protocol.products import PROBABILITY, RICHNESS, TOP
from ..protocol.tags import PRODUCTS_TAG
from ..rasters.raster import Raster
from ..running.errors import InputError
from ..running.progress import Monitor
from ..running.version import software
from ..words.naming import is_taken, slugs

TILE = 2048  # px; of what is summed up at a time
RECORD = "products.json"


def run_products(job: ProductsJob, monitor: Monitor) -> ProductsResult:
    """Do a products job.

    Raises
    ------
    InputError
        The folder holds no maps of probability on one grid, or a product can't be made of them.
    Cancelled
        The monitor was told to stop; nothing that stood in the folder is changed.
    """
    monitor.report("opening", 0, 1)
    wanted = _demanded(job)
    bands = probability_bands(job.folder)
    several = len({band.file for band in bands}) == 1 < len(bands)
    names = _file_names(bands)
    species = [MappedSpecies(name, band.tags) for name, band in zip(names, bands, strict=True)]
    encoding = _encoding(bands[0])
    record = {
        "job": {**to_params(job), "folder": str(Path(job.folder).resolve())},
        "species": [band.species for band in bands],
        "software": software(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }
    tags = {**bands[0].provenance, PRODUCTS_TAG: json.dumps(record)}
    grid, layout = bands[0].grid, MULTIBAND if several else "per-species"
    with (
        Aside(Path(job.folder)) as aside,
        ProductMaps(
            aside, grid, tags, species, wanted, job.threshold, encoding, layout, job.include_unproven
        ) as maps,
        OpenMaps(grid) as files,
    ):
        _demand_kept(bands, maps.names)
        tiles = list(tiles_of(grid, TILE))
        done, total = 0, len(tiles) * len(bands)
        for tile in tiles:
            sums = TileSums(tile)
            for place, band in enumerate(bands):
                values, valid = files.read(band, tile)
                maps.add(sums, values[None], valid, place)
                done += 1
                monitor.report("making", done, total, "maps")
            maps.close(sums)
        names = maps.made(monitor)
        notes = list(maps.notes)
        if any(one not in (RICHNESS, TOP) for one in wanted):
            notes += unproven_notes(bands)
        if encoding == "uint8":
            notes.append(
                "The maps of probability are in bytes, off by at most 0.002. Near 0 and 1 occurrence, richness "
                "and top made of them are off by more; make those while mapping, from exact values."
            )
        aside.write(RECORD, json.dumps({**record, "warnings": notes}, indent=2))
        inputs_of(bands).demand_unchanged()
        files_made = aside.publish([*names, RECORD])
    return ProductsResult(
        files=tuple(str(path) for path in files_made if path.suffix == ".tif"),
        width=int(grid.shape[1]),
        height=int(grid.shape[0]),
        warnings=tuple(notes),
    )


def probability_bands(folder: str) -> list[MapBand]:
    """Return the maps of probability in a folder, on one grid, in the order of their species in the run.

    Raises
    ------
    InputError
        There are none, or they are on several grids.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{folder} is no folder; give one that holds maps of probability.")
    files = sorted(Path(folder).glob("*.tif"))
    bands = [one for file in files for one in bands_of(str(file)) if one.tags.product == PROBABILITY]
    if not bands:
        raise InputError(
            f"The folder {folder} holds no map of probability by Scalescape; map first (--products "
            "probability)."
        )
    for band in bands:
        if band.grid != bands[0].grid:
            raise InputError(
                f"{band.file} and {bands[0].file} are on different grids, so of different runs; keep the maps "
                "of one run in the folder."
            )
    names = [band.species for band in bands]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"The folder {folder} holds two maps of {twice[0]}; keep the maps of one run in it.")
    order = {name: place for place, name in enumerate(bands[0].run.get("species") or [])}
    return sorted(bands, key=lambda band: order.get(band.species, len(order)))


def _encoding(band: MapBand) -> str:
    """Return how a map's values stand in its file."""
    with Raster(band.file) as raster:
        exact = raster.stored_dtype(band.band)
    return next((name for name, one in ENCODINGS.items() if np.dtype(one.dtype) == exact), "float32")


def _file_names(bands: Sequence[MapBand]) -> list[str]:
    """Return the file names that the other products of each species start with: those of its map."""
    named = slugs([band.species for band in bands])
    return [
        name if is_taken(stem := Path(band.file).stem) else stem
        for name, band in zip(named, bands, strict=True)
    ]


def _demand_kept(bands: Sequence[MapBand], names: Sequence[str]) -> None:
    """Raise InputError where a product would take the place of a map that it is made of."""
    for band in bands:
        if (name := Path(band.file).name.lower()) in names:
            raise InputError(
                f"{band.file} is the map of {band.species}, and a product would be called like it; rename the "
                f"map, for example {Path(name).stem}_species.tif."
            )


def _demanded(job: ProductsJob) -> list[str]:
    """Return the products asked for. Raise InputError where one can't be made without the network."""
    makeable = [one for one in MADE if one != PROBABILITY]
    if not job.products:
        raise InputError(f"No product is asked for; choose from {', '.join(makeable)}.")
    for one in job.products:
        if one not in makeable:
            raise InputError(
                f"The product {one!r} can't be made of finished maps; choose from {', '.join(makeable)}."
            )
    return [one for one in makeable if one in job.products]
