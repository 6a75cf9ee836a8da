"""One point on a plan's rasters: which pixel of each modality holds it, and the windows around."""

from __future__ import annotations

import math

import numpy as np
from odc.geo.crs import CRS

from ...models.architecture import BranchKey
from ..rasters.ground import ground_size, transformer, window_box
from ..rasters.longitudes import nearest, onto, turn_of
from ..rasters.predictors import Predictor, pixel_grid_text
from ..rasters.raster import Values
from ..running.errors import InputError
from .plan import Plan

Corner = tuple[float, float]
Place = tuple[int, int]
"""Row and column of a pixel on a modality's grid."""


def places_at(
    plan: Plan, at: tuple[float, float], crs: CRS, scales: dict[str, tuple[int, ...]], edge: str
) -> dict[str, Place]:
    """Return the pixel of each modality that is on.

    It is the finest's pixel that holds the point, and of the others the cell that holds that pixel's centre, as
    on a map.
    """
    finest = plan.predictors[plan.finest]
    x, y = (float(one) for one in onto(*at, crs, finest.grid))
    places = {plan.finest: _place(finest, x, y, at, edge, scales[plan.finest])}
    row, column = places[plan.finest]
    a = finest.grid.affine
    centre = a.c + a.a * (column + 0.5), a.f + a.e * (row + 0.5)
    for name, predictor in plan.predictors.items():
        if name != plan.finest:
            x, y = (float(one) for one in onto(*centre, plan.grid.crs, predictor.grid))
            places[name] = _place(predictor, x, y, at, edge, scales[name])
    return places


def _place(
    predictor: Predictor, x: float, y: float, at: tuple[float, float], edge: str, scales: tuple[int, ...]
) -> Place:
    """Return the pixel of a point given in the predictor's CRS. Raise InputError where there is none."""
    name, grid = predictor.modality.name, predictor.grid
    a = grid.affine
    rows, columns = (y - a.f) / a.e, (x - a.c) / a.a
    height, width = grid.shape
    if not (math.isfinite(rows) and 0 <= rows < height and math.isfinite(columns) and 0 <= columns < width):
        raise InputError(
            f"The point {at[0]:.10g},{at[1]:.10g} lies outside the rasters of {name}, which span "
            f"{pixel_grid_text(grid)}; choose a point inside."
        )
    row, column = math.floor(rows), math.floor(columns)
    side = predictor.modality.reach(scales)
    radius = (side - 1) // 2 if edge != "fill" else 0
    if not (radius <= row < height - radius and radius <= column < width - radius):
        raise InputError(
            f"The window of {side} pixels around the point leaves the rasters of {name}; choose a point "
            "further inside, smaller scales, or fill the edge (--edge fill)."
        )
    return row, column


def window_values(plan: Plan, name: str, place: Place, side: int) -> Values:
    """Return the normalised window (channels, side, side) around a pixel; the side is odd.

    Raises
    ------
    InputError
        The pixel is NoData.
    """
    radius = (side - 1) // 2
    values, valid = plan.predictors[name].read(*around(*place, radius))
    if not valid[:, radius, radius].all():
        raise InputError(
            f"The rasters of {name} hold no value at the point (NoData); choose another point, or switch "
            f"{name} off."
        )
    return values


def window_at(
    plan: Plan, places: dict[str, Place], key: BranchKey, crs: CRS, near_x: float
) -> tuple[tuple[float, float] | None, tuple[Corner, ...] | None]:
    """Return width and height of a branch's window in metres, and its corners in ``crs``; None if it is off.

    Longitudes of corners are as near to ``near_x`` as they can be.
    """
    name, scale = key
    if name not in places:
        return None, None
    predictor = plan.predictors[name]
    box = window_box(predictor.grid, *places[name], predictor.modality.span(scale))
    left, top = box.affine.c, box.affine.f
    right, bottom = left + box.affine.a, top + box.affine.e
    xs, ys = [left, right, right, left], [top, top, bottom, bottom]
    if predictor.crs != crs:
        xs, ys = transformer(predictor.crs, crs).transform(xs, ys)
    turn = turn_of(crs)
    if turn:
        xs = nearest(np.array(xs), near_x, turn).tolist()
    corners = tuple((float(x), float(y)) for x, y in zip(xs, ys, strict=True))
    return ground_size(box, ((left + right) / 2, (top + bottom) / 2)), corners


def around(row: int, column: int, radius: int) -> tuple[slice, slice]:
    """Return the rows and columns of the window around a pixel."""
    return slice(row - radius, row + radius + 1), slice(column - radius, column + radius + 1)
