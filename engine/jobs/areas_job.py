"""The ``areas`` job: how much area of finished maps is above threshold, in all and by polygon."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyogrio.raw

from ..files.aside import Aside, writing
from ..finished.area_chart import area_chart
from ..finished.area_table import AreaRow, AreaTable, Subject, rules_of, subjects_of
from ..finished.finished_map import MapBand, bands_of, common_part, inputs_of, map_bands
from ..finished.unproven_maps import unproven_notes
from ..judging.threshold_rules import threshold_number
from ..protocol import AreasJob
from ..protocol.finished_results import AreasResult
from ..protocol.products import NOVELTY
from ..running.errors import InputError
from ..running.progress import Monitor
from ..words.listing import listed

TABLE, LAYER, CHART = "areas.csv", "areas.gpkg", "areas.svg"
MOST_NAMED = 5  # polygons or maps in a note


def run_areas(job: AreasJob, monitor: Monitor) -> AreasResult:
    """Do an areas job.

    Raises
    ------
    InputError
        A map or the polygons can't be used, or the folder can't be written.
    Cancelled
        The monitor was told to stop.
    """
    monitor.report("opening", 0, 1)
    given = None if job.threshold is None else threshold_number(str(job.threshold))
    if not job.maps:
        raise InputError("No map is named; give files or a folder of maps.")
    bands = map_bands(job.maps)
    subjects = subjects_of(bands, given)
    novelty = novelty_for(subjects[0].band, job.novelty)
    used = [*bands, novelty] if novelty is not None else bands
    inputs = inputs_of(used, [job.polygons] if job.polygons else [])
    with Aside(Path(job.out)) as aside:
        groups: list[list[Subject]] = []
        for one in subjects:
            fitting = (g for g in groups if g[0].band.grid == one.band.grid)
            group = next(fitting, None)
            if group is None:
                groups.append([one])
            else:
                group.append(one)
        rows: list[AreaRow] = []
        highest: dict[str, float] = {}
        for number, group in enumerate(groups):
            table = AreaTable(group, _fitting(novelty, group[0].band, job), job.polygons, job.name_field)
            share = number / len(groups), 1 / len(groups)

            def done(read: int, total: int, share: tuple[float, float] = share) -> None:
                monitor.report("measuring", round(1000 * (share[0] + share[1] * read / total)), 1000)

            rows += table.rows(done)
            highest |= table.highest
        with writing(aside.folder, RuntimeError):
            write_rows(rows, aside.path)
        inputs.demand_unchanged()
        files = aside.publish([TABLE, LAYER, CHART])
    rules = rules_of(rows)
    return AreasResult(
        files=tuple(str(file) for file in files),
        rows=tuple(row.cells(rules) for row in rows),
        warnings=(
            *unproven_notes(bands),
            *_notes(subjects, novelty),
            *_off_map(rows),
            *_off_scale(subjects, highest, given),
        ),
    )


def novelty_for(band: MapBand, file: str | None) -> MapBand | None:
    """Return the band of a map of novelty: of ``file``, else of ``novelty.tif`` beside a map, if it is there.

    Raises
    ------
    InputError
        The file is no map of novelty.
    """
    path = Path(file) if file is not None else Path(band.file).parent / f"{NOVELTY}.tif"
    if file is None and not path.is_file():
        return None
    found = bands_of(str(path))[0]
    if file is not None and found.tags.product not in ("", NOVELTY):
        raise InputError(f"{path} is a map of {found.tags.product}; give one of novelty.")
    return found if file is not None or found.tags.product == NOVELTY else None


def write_rows(rows: Sequence[AreaRow], folder: Path) -> None:
    """Write the table as CSV and as a layer without geometry, and the chart."""
    cells = [row.cells(rules_of(rows)) for row in rows]
    names = list(cells[0])
    with (folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)
    columns = [
        np.array([one[name] for one in cells], object)
        if isinstance(cells[0][name], str)
        else np.array([np.nan if one[name] is None else one[name] for one in cells], np.float64)
        for name in names
    ]
    pyogrio.raw.write(folder / LAYER, None, columns, names, layer="areas", driver="GPKG", geometry_type=None)
    (folder / CHART).write_bytes(area_chart(rows))


def _fitting(novelty: MapBand | None, band: MapBand, job: AreasJob) -> MapBand | None:
    """Return the map of novelty where it is named or fits; one that only lies beside a map may not."""
    if novelty is None or job.novelty is not None:
        return novelty
    try:
        common_part(band, [novelty])
    except InputError:
        return None
    return novelty


def _notes(subjects: Sequence[Subject], novelty: MapBand | None) -> list[str]:
    notes = []
    if novelty is None:
        notes.append("Without a map of novelty it is not known which areas lie outside of the training range.")
    if all(one.occurrence is None for one in subjects):
        notes.append(
            "Expected areas need maps of occurrence (map --products occurrence), which only surveys allow; "
            "areas above threshold depend on the rule."
        )
    return notes


def _off_scale(subjects: Sequence[Subject], highest: Mapping[str, float], given: float | None) -> list[str]:
    """Return a sentence on maps of other tools with values above 1 beside a threshold below, or nothing."""
    if given is None or not 0 < given < 1:
        return []
    foreign = dict.fromkeys(one.name for one in subjects if not one.band.tags.quantity)
    names = [name for name in foreign if highest[name] > 1]
    if not names:
        return []
    return [
        f"Values of {listed(names, MOST_NAMED)} go up to {max(highest[name] for name in names):.6g}, and the "
        f"threshold is {given:g}: check that they are suitability, and give a threshold on their scale "
        "(--threshold)."
    ]


def _off_map(rows: Sequence[AreaRow]) -> list[str]:
    """Return a sentence on the polygons without a pixel of any map, or nothing."""
    covered = {row.zone for row in rows if row.with_value is not None}
    zones = list(dict.fromkeys(row.zone for row in rows if row.zone not in covered))
    if not zones:
        return []
    return [
        f"{'A polygon lies' if len(zones) == 1 else f'{len(zones)} polygons lie'} off the map, so the areas "
        f"there are empty, not 0: {listed(zones, MOST_NAMED)}."
    ]
