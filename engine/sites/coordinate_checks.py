"""Records whose coordinates can't be trusted, or that are not where a map is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS

from ..rasters.ground import crs_name, transformer
from ..tables.cells import Rows
from ..tables.known_columns import UNCERTAINTY
from ..words.listing import counted
from .cleaning import Cleaning
from .observed_rows import Observations
from .reasons import BEYOND, NO_COORDINATES, OBSCURED, OUT_OF_RANGE, OUTSIDE, STAND_IN, SWAPPED, UNCERTAIN, ZERO
from .site_table import Floats

# x, y in a CRS: where the predictors have values
Inside = Callable[[Floats, Floats, CRS], npt.NDArray[np.bool_]]

FEW = 0.5  # of the records: more of them look swapped when the columns themselves are


def with_sound_coordinates(
    rows: Observations,
    cleaning: Cleaning,
    max_uncertainty_m: float | None,
    smallest_scale_m: float | None,
    keep_obscured: bool = False,
) -> Observations:
    """Return the records whose coordinates are sound as they stand; the rest is counted in ``cleaning``.

    Those that the table itself calls unfit are left out, too, but where ``keep_obscured`` says so those whose
    coordinates were obscured. Those that are more uncertain than ``smallest_scale_m`` are kept, and warned
    about.
    Longitudes from 180 to 360 are read as west.
    """

    def drop(reason: str, wrong: Rows) -> None:
        nonlocal rows
        if wrong.any():
            cleaning.drop(rows.table, reason, int(wrong.sum()), rows.example(wrong))
            rows = rows.kept(~wrong)

    drop(NO_COORDINATES, ~(np.isfinite(rows.x) & np.isfinite(rows.y)))
    drop(ZERO, (rows.x == 0) & (rows.y == 0))
    if rows.crs.geographic:
        rows = _with_western_longitudes(rows, cleaning)
        out = ~on_earth(rows.x, rows.y)
        swapped = out & on_earth(rows.y, rows.x)
        _warn_swapped(rows, cleaning, swapped)
        drop(SWAPPED, swapped)
        drop(OUT_OF_RANGE, ~on_earth(rows.x, rows.y))
    for reason in rows.unfit:
        unfit = rows.unfit[reason]
        if reason != OBSCURED or not keep_obscured:
            drop(reason, unfit)
        elif unfit.any():
            cleaning.warnings.append(
                f"{rows.table}: {int(unfit.sum()):,} kept {reason} ({rows.example(unfit)})."
            )
    if rows.uncertainty is not None:
        _warn_uncertain(rows, cleaning, max_uncertainty_m, smallest_scale_m)
        if max_uncertainty_m is not None:
            drop(UNCERTAIN, rows.uncertainty > max_uncertainty_m)
            if rows.stand_in is not None:
                drop(STAND_IN, rows.stand_in)
    elif max_uncertainty_m is not None:
        cleaning.warnings.append(
            f"{rows.table} has no column {UNCERTAINTY}, so max_uncertainty_m left out none of its records."
        )
    return rows


def _with_western_longitudes(rows: Observations, cleaning: Cleaning) -> Observations:
    """Return longitudes from 180 to 360 as west of Greenwich."""
    beyond = (rows.x > 180) & (rows.x <= 360) & (np.abs(rows.y) <= 90)
    if not beyond.any():
        return rows
    cleaning.warnings.append(
        f"{rows.table}: {counted(int(beyond.sum()), 'longitude')} beyond 180, read as west "
        f"({rows.example(beyond)})."
    )
    return replace(rows, x=np.where(beyond, rows.x - 360, rows.x))


def _warn_uncertain(
    rows: Observations, cleaning: Cleaning, max_uncertainty_m: float | None, smallest_scale_m: float | None
) -> None:
    """Tell of records that are kept though little is known of where they are."""
    uncertainty = rows.uncertainty
    if uncertainty is None:
        return
    sure = uncertainty <= (np.inf if max_uncertainty_m is None else max_uncertainty_m)
    if smallest_scale_m is not None:
        wide = int((sure & (uncertainty > smallest_scale_m)).sum())
        if wide:
            cleaning.warnings.append(
                f"{rows.table}: {wide:,} kept though more uncertain than the smallest window "
                f"({smallest_scale_m:,.0f} m); max_uncertainty_m leaves them out."
            )
    stand_in = rows.stand_in
    if max_uncertainty_m is None and stand_in is not None and stand_in.any():
        cleaning.warnings.append(
            f"{rows.table}: {int(stand_in.sum()):,} kept {STAND_IN} ({rows.example(stand_in)}); "
            "max_uncertainty_m leaves them out."
        )
    unknown = np.isnan(uncertainty)
    if max_uncertainty_m is not None and unknown.any():
        cleaning.warnings.append(
            f"{rows.table}: {int(unknown.sum()):,} kept though their uncertainty is not known "
            f"({rows.example(unknown)})."
        )


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
    if not rows.crs.geographic:  # about the origin of a projection a swapped place is often as good as any
        return held
    which = which & on_earth(rows.y, rows.x)
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


def on_earth(longitude: Floats, latitude: Floats) -> Rows:
    """Tell which longitudes and latitudes exist, the former from -180 to 180."""
    return np.asarray((np.abs(longitude) <= 180) & (np.abs(latitude) <= 90), np.bool_)
