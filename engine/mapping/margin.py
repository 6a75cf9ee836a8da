"""How much of a map's edge stays empty: through windows that leave a raster, or a raster that ends too soon."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from ..protocol import Caution
from ..rasters.lattice import MapGrid, cell_of
from ..rasters.longitudes import onto
from ..rasters.predictors import Predictor
from ..words.lengths import distance_text

LINES = 9  # rows, and columns, that are tried from the middle outwards
SAMPLES = 512  # pixels of such a line that are looked at first
SIDE = 64  # rows and columns of pixels that tell a share of the map
SIDES = (("west", "east"), ("north", "south"))  # at the start and the end of a row, and of a column

Index = npt.NDArray[np.int64]
Inside = Callable[[Index, Index, int], npt.NDArray[np.bool_]]
Strips = tuple[int, int]


@dataclass(frozen=True)
class End:
    """Where a modality's rasters end inside a map.

    Attributes
    ----------
    share
        The share of the map beyond them, 0 to 1.
    sides_m
        How far inside they end, in metres, at the middle of each side of the map (``west``, ``east`` …) beyond
        which they don't reach.
    """

    share: float
    sides_m: dict[str, float]


@dataclass(frozen=True)
class Margin:
    """What stays empty along the edge of a map.

    Attributes
    ----------
    windows_m
        How wide a strip windows cost, in metres, beyond what lies outside of a raster in any case: at the
        middle of the side where that is most.
    modality
        The modality whose windows cost it, empty where they cost nothing.
    ends
        The modalities whose rasters end inside the map.
    """

    windows_m: float
    modality: str
    ends: dict[str, End]


def margin_of(
    grid: MapGrid, predictors: dict[str, Predictor], radii: dict[str, int], pixel_m: tuple[float, float]
) -> Margin:
    """Return what stays empty along the edge of a map.

    Parameters
    ----------
    grid
        The map.
    predictors
        The rasters of each modality that is on, on their working grids.
    radii
        How many pixels of its modality a window reaches to each side; 0 where the edge is filled.
    pixel_m
        Width and height of a pixel of ``grid.fine`` on the ground, in metres.
    """
    rows, columns = (  # not listed, since a large step makes many of few
        range(part.start * grid.step, min(part.stop * grid.step, side))
        for part, side in zip((grid.rows, grid.columns), grid.fine.shape, strict=True)
    )
    tests = {name: _inside(grid, predictor) for name, predictor in predictors.items()}
    windows_m, whose = 0.0, ""
    sides_m: dict[str, dict[str, float]] = {name: {} for name in predictors}
    for across, sides, size in zip((True, False), SIDES, pixel_m, strict=True):
        bare, whole = _strips(tests, rows, columns, across, radii)
        for i, side in enumerate(sides):
            for name, strip in bare.items():
                if strip[i]:
                    sides_m[name][side] = strip[i] * size
            widest = max(whole, key=lambda name: whole[name][i], default="")
            cost = (whole[widest][i] - max(strip[i] for strip in bare.values())) * size if widest else 0.0
            if cost > windows_m:
                windows_m, whose = cost, widest
    some = np.meshgrid(_spread(len(rows), SIDE), _spread(len(columns), SIDE), indexing="ij")
    at = rows.start + some[0].ravel(), columns.start + some[1].ravel()
    shares = {name: 1 - float(test(*at, 0).mean()) for name, test in tests.items()}
    ends = {name: End(shares[name], sides_m[name]) for name in predictors if shares[name] or sides_m[name]}
    return Margin(windows_m, whose, ends)


def ends_inside(margin: Margin, predictors: dict[str, Predictor]) -> Iterator[Caution]:
    """Say which rasters end inside the map and what of it stays empty."""
    for name, end in margin.ends.items():
        share = f"{100 * end.share:.0f} %" if end.share >= 0.005 else "less than 1 %"
        far = " and ".join(f"{distance_text(metres)} in the {side}" for side, metres in end.sides_m.items())
        where = f", {far}" if far else ", a corner"
        said = f"{name}: {predictors[name].files[0]} ends inside the map: {share} of it stays empty{where}."
        yield Caution("reach", said, modality=name)


def _spread(size: int, number: int) -> Index:
    """Return up to ``number`` places from 0 to ``size`` - 1, spread evenly."""
    return np.unique(np.linspace(0, size - 1, number).astype(np.int64))


def _strips(
    tests: dict[str, Inside], rows: range, columns: range, across: bool, radii: dict[str, int]
) -> tuple[dict[str, Strips], dict[str, Strips]]:
    """Return by modality how many pixels are lost at the two ends of a line: beyond rasters, and with windows.

    The line is the row (the column, if not ``across``) nearest to the middle on which every modality has a
    whole window; without one both are empty.
    """
    along, other = (columns, rows) if across else (rows, columns)
    middle = (len(other) - 1) / 2
    for at in sorted(_spread(len(other), LINES).tolist(), key=lambda place: abs(place - middle)):
        on_line = partial(_on_line, along, other[at], across)
        whole = {name: _lost(on_line(test, radii[name]), len(along)) for name, test in tests.items()}
        bare = {name: _lost(on_line(test, 0), len(along)) for name, test in tests.items()}
        if None not in whole.values():
            return (
                {name: strip for name, strip in bare.items() if strip is not None},
                {name: strip for name, strip in whole.items() if strip is not None},
            )
    return {}, {}


def _on_line(
    along: range, same: int, across: bool, inside: Inside, radius: int
) -> Callable[[Index], npt.NDArray[np.bool_]]:
    """Return a function from places along a row (a column, if not ``across``) to whether windows fit there."""

    def held(places: Index) -> npt.NDArray[np.bool_]:
        rows, columns = np.full(places.shape, same), along.start + places
        return inside(rows, columns, radius) if across else inside(columns, rows, radius)

    return held


def _lost(held: Callable[[Index], npt.NDArray[np.bool_]], size: int) -> Strips | None:
    """Return how many pixels at the start and the end of a line have no whole window, None where all have none.

    ``held`` gives for places on it, of which there are ``size``, whether they have one.

    A raster has no holes here, so a few pixels say between which others the first and the last lie.
    """
    some = _spread(size, SAMPLES)
    places = some[held(some)]
    if not places.size:
        return None

    def there(place: int) -> bool:
        return bool(held(np.array([place]))[0])

    step = int(np.diff(some).max(initial=1))
    before = range(max(int(places[0]) - step, 0), int(places[0]))
    behind = range(int(places[-1]) + 1, min(int(places[-1]) + step + 1, size))
    first = before.start + bisect_left(before, True, key=there)
    beyond = behind.start + bisect_left(behind, True, key=lambda place: not there(place))
    return first, size - beyond


def _inside(grid: MapGrid, predictor: Predictor) -> Inside:
    """Return a function from pixels (rows, columns of ``grid.fine``) to whether windows lie in the raster.

    On a working grid a cell that the warp put outside of the raster itself has no value either.
    """

    def inside(rows: Index, columns: Index, radius: int) -> npt.NDArray[np.bool_]:
        row, column = rows, columns
        if predictor.grid != grid.fine:
            row, column = _cells(predictor.grid, grid.fine, rows, columns)
        held = _holds(predictor.grid, radius, row, column)
        if predictor.own_grid != predictor.grid:
            held &= _holds(predictor.own_grid, 0, *_cells(predictor.own_grid, predictor.grid, row, column))
        return held

    return inside


def _cells(raster: GeoBox, other: GeoBox, rows: Index, columns: Index) -> tuple[Index, Index]:
    """Return rows and columns of the cells of ``raster`` that hold the centres of cells of ``other``."""
    a, own = other.affine, raster.affine
    x = np.asarray(a.c + a.a * (columns + 0.5), np.float64)
    y = np.asarray(a.f + a.e * (rows + 0.5), np.float64)
    if raster.crs is not None and other.crs is not None:
        x, y = onto(x, y, other.crs, raster)
    return cell_of((y - own.f) / own.e), cell_of((x - own.c) / own.a)


def _holds(raster: GeoBox, radius: int, rows: Index, columns: Index) -> npt.NDArray[np.bool_]:
    """Tell whether windows of so many pixels around cells lie in ``raster``."""
    height, width = raster.shape
    held = (rows >= radius) & (rows < height - radius) & (columns >= radius) & (columns < width - radius)
    return np.asarray(held)
