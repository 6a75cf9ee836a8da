"""Surveyed points on a finished map: the map's values there, beside what was found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS

from ..judging.scored import Flags, Floats, Scored
from ..protocol import AssessJob
from ..rasters.ground import crs_name
from ..rasters.longitudes import onto
from ..recipes.config import SourceConfig
from ..running.errors import InputError
from ..sites.cleaning import Cleaning
from ..sites.coordinate_checks import with_sound_coordinates
from ..sites.declared_system import with_declared_system
from ..sites.observations import read_observations
from ..sites.observed_rows import Observations, Predictors
from ..sites.survey_blocks import survey_blocks
from ..tables.table_file import TableFile
from .finished_map import MapBand, OpenMaps, tiles_of

TILE = 512  # px
MARGIN = 1e-12  # of the range of values: none gets an infinite logit, and small values keep their order


@dataclass(frozen=True)
class MapPoints:
    """Points with a value.

    Attributes
    ----------
    row
        (points,) number in the file.
    x, y, crs
        (points,) coordinates in the file's own system.
    value
        (points,) of the map.
    found
        (points,) whether the species was found.
    low, high
        What is 0 and 1 on the scale of ``share``: 0 and 1 where all values lie between, else their range.
    """

    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    value: Floats
    found: Flags
    low: float
    high: float

    @property
    def is_share(self) -> bool:
        """Whether all values lie between 0 and 1."""
        return (self.low, self.high) == (0.0, 1.0)

    def share(self, value: Floats | float) -> Floats:
        """Return values of the map on a scale from 0 to 1, its ends left out; 0.5 where all are one."""
        if self.low == self.high:
            return np.full(np.shape(value), 0.5)
        scaled = (np.asarray(value, np.float64) - self.low) / (self.high - self.low)
        return np.asarray(np.clip(scaled, MARGIN, 1 - MARGIN), np.float64)

    def of_share(self, share: float) -> float:
        """Return the map's value for one on the scale from 0 to 1."""
        return self.low + share * (self.high - self.low)

    def scored(self, species: str) -> Scored:
        """Return the points as what judging takes: one fold, blocks of the survey."""
        share = self.share(self.value)
        rows = len(self.row)
        return Scored(
            species=(species,),
            logit=(np.log(share) - np.log1p(-share))[:, None],
            found=self.found[:, None],
            known=np.ones((rows, 1), np.bool_),
            block=survey_blocks(self.x, self.y, self.crs),
            fold=np.zeros(rows, np.int64),
            x=self.x,
            y=self.y,
            crs=str(self.crs),
            background=np.zeros(rows, np.bool_),
            kinds=("pa",),
            presences=np.zeros(1, np.int64),
        )


def points_on(job: AssessJob, band: MapBand) -> tuple[MapPoints, list[str]]:
    """Return a job's points that have a value, and sentences on what was left out.

    Raises
    ------
    InputError
        The file can't be used, has no column of presences, or no presence and absence with a value.
    """
    report = Cleaning()
    rows = _surveyed_rows(job, band, report)
    value = _values(band, rows.x, rows.y, rows.crs)
    used = np.isfinite(value)
    if len(used) and not used.any():
        raise InputError(
            f"No point of {job.sites} lies where the map has a value; check whether x and y are swapped, or "
            f"the coordinate system ({crs_name(rows.crs)}) is another."
        )
    report.drop(rows.table, "the map has no value there", int((~used).sum()), rows.example(~used))
    gone = [f"{one.reason}{f' ({one.example})' if one.example else ''}" for one in report.dropped]
    counts = [f"{one.count:,} of {sum(report.read.values()):,}" for one in report.dropped]
    notes = [f"{some} points were left out: {why}." for some, why in zip(counts, gone, strict=True)]
    notes += report.warnings
    found = rows.found.toarray()[:, 0]
    presences, absences = int((found & used).sum()), int((~found & used).sum())
    if not presences or not absences:
        left = "; ".join(
            f"{one.count:,} left out, {why}" for one, why in zip(report.dropped, gone, strict=True)
        )
        raise InputError(
            f"Of the points of {job.sites} that lie on the map {presences} are presences and {absences} "
            f"absences{f' ({left})' if left else ''}; a test needs both."
        )
    held = value[used]
    if held.min() == held.max():
        notes.append(
            f"The map has one value, {held[0]:.6g}, at all {len(held):,} points, so it tells no presence from "
            "an absence: an AUC of 0.5 says no more than that."
        )
    low, high = (0.0, 1.0) if held.min() >= 0 and held.max() <= 1 else (float(held.min()), float(held.max()))
    return MapPoints(rows.row[used], rows.x[used], rows.y[used], rows.crs, held, found[used], low, high), notes


def _surveyed_rows(job: AssessJob, band: MapBand, report: Cleaning) -> Observations:
    """Return the points that have coordinates and where the species was looked for."""
    table = TableFile(job.sites, options=True)
    wanted = job.presence or band.species
    column = table.find(wanted)
    if column is None:
        raise InputError(
            f"{job.sites} has no column {wanted!r} that says where {band.species} was found (1) and where not "
            f"(0); name it (--presence), one of {', '.join(table.columns) or 'none'}."
        )
    table.coordinates(job.x, job.y, job.crs)
    source = SourceConfig(
        file=job.sites, kind="pa", species_name=band.species, presence=column, x=job.x, y=job.y, crs=job.crs
    )
    rows = read_observations(source, Predictors(), report)

    def inside(x: Floats, y: Floats, crs: CRS) -> Flags:
        return np.isfinite(_values(band, x, y, crs))

    empty = rows.holes.toarray()[:, 0]
    report.drop(rows.table, f"the column {column} is empty there", int(empty.sum()), rows.example(empty))
    rows = rows.kept(~empty)
    unplaced = ~(np.isfinite(rows.x) & np.isfinite(rows.y))
    report.drop(rows.table, "they have no coordinates", int(unplaced.sum()), rows.example(unplaced))
    rows = rows.kept(~unplaced)
    rows = with_declared_system(rows, report, band.grid.crs, inside)
    return with_sound_coordinates(rows, report, None, None)


def _values(band: MapBand, x: Floats, y: Floats, crs: CRS) -> Floats:
    """Return the value of the pixel under each point, NaN where there is none."""
    grid = band.grid
    if grid.crs is None:
        raise ValueError("a map without a CRS has no place")
    east, north = onto(x, y, crs, grid)
    with np.errstate(invalid="ignore"):
        column = np.floor((np.asarray(east) - grid.affine.c) / grid.affine.a)
        row = np.floor((np.asarray(north) - grid.affine.f) / grid.affine.e)
        inside = (row >= 0) & (row < grid.shape[0]) & (column >= 0) & (column < grid.shape[1])
    found = np.full(len(x), np.nan)
    at = np.stack([np.where(inside, row, -1), np.where(inside, column, -1)]).astype(np.int64)
    block = at // TILE
    with OpenMaps(grid) as maps:
        for tile in tiles_of(grid, TILE):
            up, left = tile.rows.start, tile.columns.start
            here = np.flatnonzero(inside & (block[0] == up // TILE) & (block[1] == left // TILE))
            if not len(here):
                continue
            values, valid = maps.read(band, tile)
            place = at[0, here] - up, at[1, here] - left
            found[here] = np.where(valid[place], values[place], np.nan)
    return found
