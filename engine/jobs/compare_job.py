"""The ``compare`` job: what differs between two maps of one species, and where it is gained and lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..files.aside import Aside
from ..finished.finished_map import MapBand, OpenMaps, common_part, inputs_of, one_band, tiles_of
from ..finished.unproven_maps import unproven_notes
from ..judging.threshold_rules import reaches, threshold_by
from ..maps.category_raster import Category, CategoryWriter
from ..maps.map_writer import Layer, MapWriter
from ..protocol import CompareJob, to_params
from ..protocol.finished_results import CompareResult
from ..protocol.products import CHANGE, DIFFERENCE
from ..protocol.tags import MEANING, PRODUCT, QUANTITY, RUN_TAG, SPECIES
from ..rasters.cell_area import cell_areas
from ..running.errors import InputError
from ..running.progress import Monitor
from ..running.version import software

TABLE, RECORD = "compare.csv", "compare.json"
TILE = 512  # px
# Colours that the colour-blind tell apart: present in both, lost, gained, absent in both.
STABLE_PRESENT, LOSS, GAIN, STABLE_ABSENT = range(4)
CHANGES = (
    Category("stable present", (0, 109, 44)),
    Category("loss", (217, 95, 2)),
    Category("gain", (33, 102, 172)),
    Category("stable absent", (225, 225, 225)),
)


def run_compare(job: CompareJob, monitor: Monitor) -> CompareResult:
    """Do a compare job.

    Raises
    ------
    InputError
        A map can't be used, the two are not of one species, quantity and lattice, or the folder can't be
        written.
    Cancelled
        The monitor was told to stop.
    """
    monitor.report("opening", 0, 1)
    before, after = one_band(job.before), one_band(job.after)
    notes = [*unproven_notes([before, after]), *_comparable(before, after)]
    rule, low = threshold_by(job.threshold, before.tags.thresholds, before.file)
    high = threshold_by(job.threshold, after.tags.thresholds, after.file)[1]
    if low != high:
        notes.append(
            f"The maps have two thresholds by the rule {rule}, {low:.4g} and {high:.4g}: a part of gain and "
            "loss may come from that; give a number to use one for both."
        )
    grid = common_part(before, [after])
    if grid.shape != before.grid.shape or grid.shape != after.grid.shape:
        notes.append("The maps do not cover the same area; only what both cover is compared.")
    run = _record(job, before, after, rule, (low, high), notes)
    tags = {RUN_TAG: json.dumps(run), SPECIES: before.species}
    area, moved = np.zeros(len(CHANGES)), 0.0
    lost_one = 0.0
    with (
        Aside(Path(job.out)) as aside,
        OpenMaps(grid) as maps,
        MapWriter(aside, grid, [_difference_layer(before)], tags) as writer,
        CategoryWriter(
            aside, grid, CHANGES, CHANGE, f"{before.species}: change", {**tags, PRODUCT: CHANGE}
        ) as categories,
    ):
        tiles = list(tiles_of(grid, TILE))
        for done, tile in enumerate(tiles, start=1):
            (was, there), (now, here) = maps.read(before, tile), maps.read(after, tile)
            valid = there & here
            change = _changes(reaches(was, low), reaches(now, high))
            areas = cell_areas(grid, tile, there | here)
            area += np.bincount(change[valid], areas[valid], len(CHANGES))
            moved += float(((now - was) * areas)[valid].sum())
            lost_one += float(areas[there != here].sum())
            writer.write(tile, (now - was)[None], valid)
            categories.write(tile, change, valid)
            monitor.report("comparing", done, len(tiles))
        if not area.sum():
            raise InputError(f"{before.file} and {after.file} have no pixel with a value in common.")
        with_names = categories.finish()
        names = [*writer.made(monitor), *with_names, RECORD, TABLE]
        aside.write(RECORD, json.dumps(run, indent=2))
        aside.write(TABLE, _table(area))
        inputs_of([before, after]).demand_unchanged()
        files = aside.publish(names)
    return CompareResult(
        files=tuple(str(file) for file in files if file.suffix != ".xml"),
        species=before.species,
        rule=rule,
        threshold_before=low,
        threshold_after=high,
        km2={one.name: float(value) for one, value in zip(CHANGES, area, strict=True)},
        only_one_km2=lost_one,
        mean_difference=moved / float(area.sum()),
        warnings=tuple(notes),
    )


def _changes(was: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the place in ``CHANGES`` of each pixel."""
    present = np.where(now, STABLE_PRESENT, LOSS)
    return np.where(was, present, np.where(now, GAIN, STABLE_ABSENT)).astype(np.intp)


def _comparable(before: MapBand, after: MapBand) -> list[str]:
    """Return what is to be known about two maps. Raise InputError where they mean different things."""
    if before.tags.species and after.tags.species and before.species != after.species:
        raise InputError(
            f"{before.file} is a map of {before.species} and {after.file} one of {after.species}; give two "
            "maps of one species."
        )
    quantities = [one.tags.quantity for one in (before, after)]
    if all(quantities) and quantities[0] != quantities[1]:
        raise InputError(
            f"{before.file} shows {quantities[0]} and {after.file} {quantities[1]}, which have no common "
            "scale; give two maps of one quantity."
        )
    if all(quantities):
        return []
    return ["A map does not say what its values are; that both are on one scale is for you to know."]


def _difference_layer(band: MapBand) -> Layer:
    quantity = band.tags.quantity or "suitability"
    meaning = f"{quantity} in the second map minus that in the first"
    return Layer(
        DIFFERENCE,
        f"{band.species}: difference",
        {PRODUCT: DIFFERENCE, QUANTITY: DIFFERENCE, MEANING: meaning[0].upper() + meaning[1:] + "."},
    )


def _record(
    job: CompareJob,
    before: MapBand,
    after: MapBand,
    rule: str,
    thresholds: tuple[float, float],
    notes: Sequence[str],
) -> dict[str, Any]:
    params = to_params(job)
    params |= {name: str(Path(params[name]).resolve()) for name in ("before", "after", "out")}
    return {
        "job": params,
        "species": before.species,
        "quantities": [before.tags.quantity, after.tags.quantity],
        "rule": rule,
        "thresholds": list(thresholds),
        "warnings": list(notes),
        "software": software(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _table(area: npt.NDArray[np.float64]) -> str:
    rows = [
        f"{one.name},{value!r},{value / float(area.sum())!r}"
        for one, value in zip(CHANGES, area.tolist(), strict=True)
    ]
    return "\n".join(["change,km2,share", *rows, ""])
