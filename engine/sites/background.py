"""Background points: at random, in proportion to effort, or from a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ..rasters.ground import transformer
from ..rasters.mask import polygons_of
from ..rasters.raster import Raster
from ..running.errors import InputError
from .coordinate_checks import Inside
from .site_table import Floats, Index

Accepts = npt.NDArray[np.bool_]

BATCHES = (1024, 65_536)  # the fewest and most pixels tried at a time; between them twice what is wanted
SHUFFLED = 10_000_000  # pixels of a grid that are all put in random order
DRAWS = 400  # pixels tried for each point wanted before one gives up
STRIP = 256  # rows of a raster of effort read at a time


@dataclass(frozen=True)
class Background:
    """Background points.

    Attributes
    ----------
    x, y, crs
        (points,) coordinates.
    columns
        Predictor values that came with them (samples with data), (points,) by name.
    patch_ids
        (points,) names of ready-made image patches, where a file gave them.
    how
        ``none``, ``random``, ``effort`` (in proportion to a raster) or ``file``.
    """

    x: Floats
    y: Floats
    crs: str
    columns: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    patch_ids: npt.NDArray[np.str_] | None = None
    how: str = "random"

    def __len__(self) -> int:
        return len(self.x)


class Area:
    """The polygons that species could reach, in one coordinate system.

    Raises
    ------
    InputError
        The file can't be read, has no CRS, or holds no polygon.
    """

    def __init__(self, file: str, crs: CRS) -> None:
        self.crs = crs
        self._shape = shapely.union_all(polygons_of(file, crs, "area"))
        shapely.prepare(self._shape)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The box around them: xmin, ymin, xmax, ymax."""
        left, bottom, right, top = shapely.bounds(self._shape)
        return float(left), float(bottom), float(right), float(top)

    def holds(self, x: Floats, y: Floats) -> Accepts:
        """Tell for each point whether a polygon holds it; the edge belongs to it."""
        within: Accepts = shapely.intersects_xy(self._shape, x, y)
        return within


def random_points(
    grid: GeoBox, count: int, seed: int, inside: Inside | None, area: Area | None
) -> tuple[Floats, Floats]:
    """Return centres of pixels drawn at random, each at most once, alike over the ground.

    Parameters
    ----------
    grid
        Whose pixels are drawn. In degrees a pixel is drawn in proportion to the cosine of its latitude.
    count
        How many are wanted; there may be fewer where fewer pixels will do.
    seed
        Of the draw.
    inside
        Where the predictors have values.
    area
        Polygons to keep to, in the grid's CRS.

    Returns
    -------
    x, y
        (points,) in the grid's CRS.
    """
    crs = grid.crs
    if crs is None:
        raise ValueError("a grid without a CRS")
    draw = np.random.default_rng([seed, 1])
    top, left, height, width = _window(grid, area)
    a = grid.affine
    kept_x: list[Floats] = []
    kept_y: list[Floats] = []
    found = 0
    for number in _pixels_in_random_order(height * width, count, draw):
        rows, columns = np.divmod(number, width)
        x = a.c + a.a * (columns + left + 0.5)
        y = a.f + a.e * (rows + top + 0.5)
        fits = np.ones(len(x), np.bool_)
        if crs.geographic:
            fits &= draw.random(len(y)) < np.cos(np.radians(y))
        fits = _fitting(x, y, fits, crs, inside, area)
        kept_x.append(x[fits])
        kept_y.append(y[fits])
        found += int(fits.sum())
        if found >= count:
            break
    return np.concatenate([*kept_x, np.zeros(0)])[:count], np.concatenate([*kept_y, np.zeros(0)])[:count]


def points_by_effort(
    file: str, crs: CRS, count: int, seed: int, inside: Inside | None, area: Area | None
) -> tuple[Floats, Floats]:
    """Return points drawn in proportion to the values of a raster, anywhere in its pixels.

    Parameters
    ----------
    file
        A raster of effort; what is negative or NoData counts as 0.
    crs
        Of the points, and of ``area``.
    count, seed, inside, area
        As for ``random_points``; a pixel may be drawn more than once.

    Raises
    ------
    InputError
        The raster can't be used, or has no positive value.
    """
    draw = np.random.default_rng([seed, 2])
    with Raster(file) as raster:
        raster.turn_home()
        raster.put_on(raster.grid, [1])
        height = raster.grid.shape[0]
        of_row = np.concatenate(
            [_effort(raster, row, min(row + STRIP, height)).sum(axis=1) for row in range(0, height, STRIP)]
        )
        if not of_row.sum() > 0:
            raise InputError(f"The raster {file} has no positive value; bias must say where effort was.")
        a, own = raster.grid.affine, raster.grid.crs
        to_points = transformer(own, crs) if own is not None else None
        xs, ys, found = [np.zeros(0)], [np.zeros(0)], 0
        for _ in range(DRAWS):
            rows = np.sort(draw.choice(height, count, p=of_row / of_row.sum()))
            columns = np.concatenate(
                [
                    _columns_of_row(raster, int(row), int(many), draw)
                    for row, many in zip(*np.unique(rows, return_counts=True), strict=True)
                ]
            )
            x = a.c + a.a * (columns + draw.random(count))
            y = a.f + a.e * (rows + draw.random(count))
            if to_points is not None and own != crs:
                x, y = to_points.transform(x, y)
            fits = _fitting(x, y, np.isfinite(x) & np.isfinite(y), crs, inside, area)
            xs.append(x[fits])
            ys.append(y[fits])
            found += int(fits.sum())
            if found >= count or found == 0:
                break
    order = draw.permutation(found)[:count]  # rows were drawn in order
    return np.concatenate(xs)[order], np.concatenate(ys)[order]


def _effort(raster: Raster, first: int, stop: int) -> Floats:
    values, valid = raster.read((1,), slice(first, stop), slice(0, raster.grid.shape[1]))
    return np.where(valid[0], np.maximum(values[0], 0), 0).astype(np.float64)


def _columns_of_row(raster: Raster, row: int, count: int, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    effort = _effort(raster, row, row + 1)[0]
    return draw.choice(len(effort), count, p=effort / effort.sum())


def _window(grid: GeoBox, area: Area | None) -> tuple[int, int, int, int]:
    """Return first row and column, height and width of the pixels of a grid that may lie in an area."""
    height, width = (int(side) for side in grid.shape)
    if area is None:
        return 0, 0, height, width
    a = grid.affine
    left, bottom, right, top = area.bounds
    first_column = max(0, int(np.floor((left - a.c) / a.a)))
    last_column = min(width, int(np.ceil((right - a.c) / a.a)))
    first_row = max(0, int(np.floor((top - a.f) / a.e)))
    last_row = min(height, int(np.ceil((bottom - a.f) / a.e)))
    return first_row, first_column, max(last_row - first_row, 0), max(last_column - first_column, 0)


def _pixels_in_random_order(total: int, count: int, draw: np.random.Generator) -> Iterator[Index]:
    """Yield numbers below ``total`` in batches, in random order and each once; of very many not all."""
    batch = int(np.clip(2 * count, *BATCHES))
    if total <= SHUFFLED:
        order = draw.permutation(total)
        for start in range(0, total, batch):
            yield order[start : start + batch]
        return
    seen = np.zeros(0, np.int64)
    for _ in range(0, DRAWS * count, batch):
        number = draw.integers(total, size=batch)
        _, first = np.unique(number, return_index=True)
        number = number[np.sort(first)]
        number = number[~np.isin(number, seen)]
        seen = np.concatenate([seen, number])
        yield number


def _fitting(
    x: Floats, y: Floats, fits: Accepts, crs: CRS, inside: Inside | None, area: Area | None
) -> Accepts:
    """Narrow ``fits`` to points in the area, then to those where predictors have values (which is slower)."""
    fits = fits.copy()
    if area is not None:
        fits[fits] = area.holds(x[fits], y[fits])
    if inside is not None and fits.any():
        fits[fits] = inside(x[fits], y[fits], crs)
    return fits
