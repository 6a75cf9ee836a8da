"""Whether coordinates fit the coordinate system that is declared for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from odc.geo.crs import CRS

from ..rasters.ground import LONLAT, crs_name, transformer
from ..running.errors import InputError
from ..tables.cells import Rows
from .cleaning import Cleaning
from .coordinate_checks import FEW, Inside, on_earth
from .observed_rows import Observations
from .reasons import DEGREES, METRES
from .site_table import Floats

LARGEST = 180.0  # of degrees
LEAST_METRES = 1000.0  # beyond it a coordinate is no slip in a table of degrees
WHERE = "(crs, or of a vector file its own)"
SAMPLE = 2000  # records by which other readings are tried
ENOUGH = 20  # records by which one reading is told from another where both put some on the rasters
NEARLY_ALL, HARDLY_ANY = 0.9, 0.1
MOSTLY_FRACTIONS = 0.5  # whole numbers alone are no sign of degrees


def with_declared_system(
    rows: Observations, cleaning: Cleaning, grid_crs: CRS | None, inside: Inside | None
) -> Observations:
    """Return the records without the few whose coordinates have the units of another system; these are counted.

    Parameters
    ----------
    rows
        As read.
    cleaning
        The report.
    grid_crs, inside
        The rasters' system, and where they have values; None where there is no raster.

    Raises
    ------
    InputError
        Most of the coordinates look like degrees in a system that has none, or the reverse; or they lie on the
        rasters only where they are read in the rasters' system, or with x and y swapped.
    """
    check = _Check(rows, cleaning, grid_crs, inside)
    rows = check.without_metres() if rows.crs.geographic else check.without_degrees()
    if inside is not None and len(rows):
        _Check(rows, cleaning, grid_crs, inside).refuse_other_readings()
    return rows


@dataclass(frozen=True)
class _Check:
    rows: Observations
    cleaning: Cleaning
    grid_crs: CRS | None
    inside: Inside | None

    @property
    def usable(self) -> Rows:
        """Which records have coordinates other than 0, 0."""
        rows = self.rows
        return np.asarray(np.isfinite(rows.x) & np.isfinite(rows.y) & ((rows.x != 0) | (rows.y != 0)))

    def without_metres(self) -> Observations:
        """Return records in degrees without those that look like metres; refuse them if most do."""
        rows, usable = self.rows, self.usable
        wrong = usable & (np.fmax(np.abs(rows.x), np.abs(rows.y)) > LEAST_METRES)
        if wrong.sum() > FEW * usable.sum():
            advice = f"name the system that they are in {WHERE}"
            grid = self.grid_crs
            if grid is not None and not grid.geographic:
                held = self._held(rows.x[wrong], rows.y[wrong], grid)
                if held.sum() > FEW * wrong.sum():
                    advice = f"they lie on the rasters in {crs_name(grid)}: name that as their system {WHERE}"
            raise InputError(
                f"The coordinates of {rows.table} look like metres ({rows.example(wrong)}), and "
                f"{crs_name(rows.crs)} is in degrees; {advice}."
            )
        return self._without(wrong, METRES)

    def without_degrees(self) -> Observations:
        """Return records of a projected system without those that look like degrees; refuse them if most do."""
        rows, usable = self.rows, self.usable
        small = usable & _look_like_degrees(rows.x, rows.y)
        if not small.any():
            return rows
        swapped = np.zeros(len(rows), np.bool_)
        if self.inside is None:
            fractions = (rows.x != np.round(rows.x)) | (rows.y != np.round(rows.y))
            is_clear = (small & fractions).sum() > MOSTLY_FRACTIONS * usable.sum()
            wrong = small & is_clear & (small.sum() > NEARLY_ALL * usable.sum())
        else:
            plain, swapped = small.copy(), small.copy()
            plain[small] = self._held(rows.x[small], rows.y[small], LONLAT)
            swapped[small] = self._held(rows.y[small], rows.x[small], LONLAT)
            swapped &= ~plain
            wrong = plain | swapped
        if wrong.sum() > FEW * usable.sum():
            order = ", latitude first" if swapped.sum() > FEW * wrong.sum() else ""
            and_swap = ", and name x and y the other way round" if order else ""
            raise InputError(
                f"The coordinates of {rows.table} look like degrees{order} ({rows.example(wrong)}), and "
                f"{crs_name(rows.crs)} has none; name EPSG:4326 as their system {WHERE}{and_swap}."
            )
        if wrong.any() or self.inside is None or small.sum() <= FEW * usable.sum():
            return self._without(wrong, DEGREES)
        self.cleaning.warnings.append(
            f"{rows.table}: most coordinates look like degrees ({rows.example(small)}), and "
            f"{crs_name(rows.crs)} has none; is EPSG:4326 their system?"
        )
        return rows

    def refuse_other_readings(self) -> None:
        """Refuse records that lie on the rasters in another reading, and hardly any in the declared one."""
        rows = self.rows
        index = np.flatnonzero(self.usable)
        index = index[np.linspace(0, len(index) - 1, min(SAMPLE, len(index))).astype(int)]
        if not len(index):
            return
        x, y, count = rows.x[index], rows.y[index], len(index)
        declared = int(self._held(x, y, rows.crs).sum())
        if declared > NEARLY_ALL * count:
            return
        for crs, swapped in self._other_readings(x, y):
            held = int(self._held(*((y, x) if swapped else (x, y)), crs).sum())
            if held <= FEW * count or held - declared < HARDLY_ANY * count:
                continue
            how = [f"as {crs_name(crs)}"] if crs != rows.crs else []
            remedy = [f"name {crs_name(crs)} as their system {WHERE}"] if crs != rows.crs else []
            if swapped:
                how.append("with x and y swapped")
                remedy.append("name x and y the other way round")
            part = " (a sample)" if count < self.usable.sum() else ""
            said = (
                f"Of {count:,} records of {rows.table}{part} {count - declared:,} lie outside the rasters as "
                f"{crs_name(rows.crs)}, and {held:,} lie on them {' and '.join(how)}"
            )
            if declared > HARDLY_ANY * count and count < ENOUGH:
                self.cleaning.warnings.append(f"{said}; is that how they are meant?")
                continue
            right = (
                ""
                if declared <= HARDLY_ANY * count
                else ", or give only those that lie on the rasters as they are"
            )
            raise InputError(f"{said}; {' and '.join(remedy)}{right}.")

    def _other_readings(self, x: Floats, y: Floats) -> Iterator[tuple[CRS, bool]]:
        """Yield systems of the same kind that coordinates may be in, and whether they are swapped."""
        rows, grid = self.rows, self.grid_crs
        systems = [rows.crs]
        if grid is not None and grid != rows.crs and grid.geographic == rows.crs.geographic:
            systems.insert(0, grid)
        for crs in systems:
            if crs != rows.crs:
                yield crs, False
            if not crs.geographic or (on_earth(y, x).mean() > FEW):
                yield crs, True

    def _held(self, x: Floats, y: Floats, crs: CRS) -> Rows:
        """Tell which places in ``crs`` lie where the rasters have values."""
        held = np.zeros(len(x), np.bool_)
        if self.inside is None or self.grid_crs is None or not len(x):
            return held
        fits = on_earth(x, y) if crs.geographic else np.ones(len(x), np.bool_)
        if crs != self.grid_crs:
            x, y = transformer(crs, self.grid_crs).transform(np.where(fits, x, 0), np.where(fits, y, 0))
        fits &= np.isfinite(x) & np.isfinite(y)
        if fits.any():
            held[fits] = self.inside(np.asarray(x)[fits], np.asarray(y)[fits], self.grid_crs)
        return held

    def _without(self, wrong: Rows, reason: str) -> Observations:
        if not wrong.any():
            return self.rows
        self.cleaning.drop(self.rows.table, reason, int(wrong.sum()), self.rows.example(wrong))
        return self.rows.kept(~wrong)


def _look_like_degrees(x: Floats, y: Floats) -> Rows:
    larger, smaller = np.fmax(np.abs(x), np.abs(y)), np.fmin(np.abs(x), np.abs(y))
    return np.asarray((larger <= LARGEST) & (smaller <= LARGEST / 2), np.bool_)
