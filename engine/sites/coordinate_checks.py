"""Records whose coordinates can't be trusted, or that are not where a map is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS

from ..rasters.ground import crs_name, transformer
from .cleaning import Cleaning
from .observations import ABSENT, BASIS, ISSUE, STATUS, UNCERTAINTY, Observations, Rows, tells
from .site_table import Floats

# x, y in a CRS: where the predictors have values
Inside = Callable[[Floats, Floats, CRS], npt.NDArray[np.bool_]]

NO_COORDINATES = "without coordinates that are numbers"
ZERO = "at coordinates 0, 0"
OUT_OF_RANGE = "with a longitude or latitude that does not exist"
SWAPPED = "with coordinates that look swapped"
FLAGGED = "flagged by GBIF for its coordinates"
ABSENCE = "an absence in a table of presences"
NOT_WILD = "a fossil, or kept alive in a garden or zoo"
UNCERTAIN = "more uncertain than max_uncertainty_m"
BEYOND = "outside the area of its coordinate system"
OUTSIDE = "outside the rasters or where they have no value"
FEW = 0.5  # of the records: more of them look swapped when the columns themselves are

FLAGS = {
    "ZERO_COORDINATE",
    "COORDINATE_OUT_OF_RANGE",
    "COORDINATE_INVALID",
    "COORDINATE_REPROJECTION_FAILED",
    "COORDINATE_REPROJECTION_SUSPICIOUS",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
    "COUNTRY_COORDINATE_MISMATCH",
}
KEPT_OR_DEAD = {"FOSSIL_SPECIMEN", "LIVING_SPECIMEN"}


def with_sound_coordinates(
    rows: Observations, cleaning: Cleaning, max_uncertainty_m: float | None, smallest_scale_m: float | None
) -> Observations:
    """Return the records whose coordinates are sound as they stand; the rest is counted in ``cleaning``.

    Those that are more uncertain than ``smallest_scale_m`` are kept, and warned about.
    """

    def drop(reason: str, wrong: Rows) -> None:
        nonlocal rows
        if wrong.any():
            cleaning.drop(rows.table, reason, int(wrong.sum()), rows.example(wrong))
            rows = rows.kept(~wrong)

    drop(NO_COORDINATES, ~(np.isfinite(rows.x) & np.isfinite(rows.y)))
    drop(ZERO, (rows.x == 0) & (rows.y == 0))
    if rows.crs.geographic:
        out = ~_on_earth(rows.x, rows.y)
        swapped = out & _on_earth(rows.y, rows.x)
        _warn_swapped(rows, cleaning, swapped)
        drop(SWAPPED, swapped)
        drop(OUT_OF_RANGE, ~_on_earth(rows.x, rows.y))
    if ISSUE in rows.notes:
        drop(FLAGGED, tells(rows.notes[ISSUE], FLAGS))
    if STATUS in rows.notes and rows.kind == "po":
        drop(ABSENCE, tells(rows.notes[STATUS], {ABSENT}))
    if BASIS in rows.notes:
        drop(NOT_WILD, tells(rows.notes[BASIS], KEPT_OR_DEAD))
    if UNCERTAINTY[0] in rows.notes:
        if max_uncertainty_m is not None:
            drop(UNCERTAIN, rows.notes[UNCERTAINTY[0]] > max_uncertainty_m)
        if smallest_scale_m is not None:
            wide = int((rows.notes[UNCERTAINTY[0]] > smallest_scale_m).sum())
            if wide:
                cleaning.warnings.append(
                    f"{rows.table}: {wide:,} kept though more uncertain than the smallest window "
                    f"({smallest_scale_m:,.0f} m); max_uncertainty_m leaves them out."
                )
    elif max_uncertainty_m is not None:
        cleaning.warnings.append(
            f"{rows.table} has no column {UNCERTAINTY[0]}, so max_uncertainty_m left out none of its records."
        )
    return rows


def within_rasters(rows: Observations, cleaning: Cleaning, crs: CRS, inside: Inside | None) -> Observations:
    """Return the records in ``crs``, those alone where ``inside`` says that the predictors have values."""
    if rows.crs == crs:
        x, y = rows.x, rows.y
    else:
        x, y = transformer(rows.crs, crs).transform(rows.x, rows.y)
    beyond = ~(np.isfinite(x) & np.isfinite(y))
    if beyond.any():
        cleaning.drop(rows.table, BEYOND, int(beyond.sum()), rows.example(beyond))
        rows, x, y = rows.kept(~beyond), x[~beyond], y[~beyond]
    if inside is not None and len(rows):
        within = inside(x, y, crs)
        swapped = ~within & _inside_swapped(rows, crs, inside, ~within)
        _warn_swapped(rows, cleaning, swapped)
        for reason, wrong in ((SWAPPED, swapped), (OUTSIDE, ~within & ~swapped)):
            if wrong.any():
                cleaning.drop(rows.table, reason, int(wrong.sum()), rows.example(wrong))
        rows, x, y = rows.kept(within), x[within], y[within]
    return replace(rows, x=np.asarray(x, np.float64), y=np.asarray(y, np.float64), crs=crs)


def _inside_swapped(rows: Observations, crs: CRS, inside: Inside, which: Rows) -> Rows:
    """Tell which records in longitude and latitude would be on the rasters if the two were swapped."""
    held = np.zeros(len(rows), np.bool_)
    if not rows.crs.geographic:
        return held
    which = which & _on_earth(rows.y, rows.x)
    x, y = transformer(rows.crs, crs).transform(rows.y[which], rows.x[which])
    sound = np.isfinite(x) & np.isfinite(y)
    again = np.zeros(len(sound), np.bool_)
    if sound.any():
        again[sound] = inside(x[sound], y[sound], crs)
    held[which] = again
    return held


def _warn_swapped(rows: Observations, cleaning: Cleaning, swapped: Rows) -> None:
    if swapped.sum() > FEW * len(rows):
        cleaning.warnings.append(
            f"{rows.table}: most coordinates look swapped in {crs_name(rows.crs)}; are the columns x "
            "(longitude) and y (latitude) the wrong way round?"
        )


def _on_earth(longitude: Floats, latitude: Floats) -> Rows:
    return np.asarray((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90), np.bool_)
