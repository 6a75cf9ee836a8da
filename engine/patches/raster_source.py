"""Patches cut from rasters: the window around the pixel that contains each site."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj.exceptions import CRSError

from ..errors import InputError
from ..input_files import InputFiles
from ..protocol import RasterInput
from ..rasters.band_stack import BandSource, BandStack, offered_bands
from ..rasters.ground import TOLERANCE, ground_size, transformer
from ..rasters.predictors import pixel_grid_text
from ..rasters.raster import Raster, Valid, Values
from .content import ContentDigests
from .source import Places, chunk_length

CELL_BYTES = 256 * 1024**2  # of raster that is held at once
HELD_BYTES = 10  # a value: as it is read, and as it is kept

Floats = npt.NDArray[np.float64]


class RasterSource:
    """Patches of rasters on the grid of the first one. Use as a context manager: the files stay open.

    A window may leave the raster: what lies outside holds no values. ``cut`` tells at which sites it does.

    Parameters
    ----------
    inputs
        The files of one modality with their bands; all others are put on the grid of the first.
    side
        Side of a patch in pixels, odd.
    x, y
        (sites,) coordinates.
    crs
        Theirs: any text that pyproj reads.
    nodata
        By file, a value that means NoData in it besides those that it names itself.
    categorical
        Names of the bands that hold categories: their files are never interpolated.

    Raises
    ------
    InputError
        A file can't be used, a band does not exist, no band is called as ``categorical`` says, the CRS is
        unknown, or no site lies on the raster.
    """

    def __init__(
        self,
        inputs: Sequence[RasterInput],
        side: int,
        x: Floats,
        y: Floats,
        crs: str,
        nodata: Mapping[str, float] | None = None,
        categorical: Collection[str] = (),
    ) -> None:
        if side < 1 or side % 2 == 0:
            raise ValueError(f"a patch of {side} pixels has no centre pixel")
        self.side = side
        with ExitStack() as stack:
            rasters: dict[str, Raster] = {}
            for item in inputs:
                if item.file not in rasters:
                    value = (nodata or {}).get(item.file)
                    rasters[item.file] = stack.enter_context(Raster(item.file, value))
            name = inputs[0].modality
            sources = offered_bands([(rasters[item.file], item.bands) for item in inputs], name)
            self.bands = band_names(sources)
            unknown = sorted(set(categorical) - set(self.bands))
            if unknown:
                raise InputError(
                    f"{name} has no band {unknown[0]!r} that could be categorical; it has "
                    f"{', '.join(self.bands)}."
                )
            self.units = tuple(source.raster.band_units[source.band - 1] for source in sources)
            self.categorical = tuple(band in categorical for band in self.bands)
            self._stack = BandStack(sources)
            self.resampled = tuple(raster.file for raster in self._stack.put_on(self.grid, self.categorical))
            self.dtype = _dtype(self._stack)
            rows, columns = pixels_of(self.grid, x, y, crs)
            self._number(rows, columns, inputs[0].file)
            self._close = stack.pop_all()

    def __enter__(self) -> RasterSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    @property
    def grid(self) -> GeoBox:
        """The grid of the first file."""
        return self._stack.grid

    def window(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window in the files' units and where it holds values: each (bands, rows, columns)."""
        return self._stack.values(rows, columns)

    def pixel_size(self) -> tuple[float, str]:
        """Return the size of a pixel and its unit, as a card has them: degrees, or metres on the ground.

        It is measured in the middle of the sites. Raises InputError where pixels are not as high as wide.
        """
        a = self.grid.affine
        if self.grid.crs is not None and self.grid.crs.geographic:
            (width, height), unit = (abs(a.a), abs(a.e)), "degree"
        else:
            at = a * (float(np.median(self._columns)) + 0.5, float(np.median(self._rows)) + 0.5)
            (width, height), unit = ground_size(self.grid, at), "metre"
            if max(abs(width / abs(a.a) - 1), abs(height / abs(a.e) - 1)) <= TOLERANCE:
                width, height = abs(a.a), abs(a.e)  # its own unit is a metre, as near as a projection has it
        if abs(width / height - 1) > TOLERANCE:
            raise InputError(
                f"The pixels of {self._stack.rasters[0].file} are {width:.6g} wide and {height:.6g} high "
                f"({unit}s) where the sites are; warp it to square pixels first."
            )
        return (width + height) / 2, unit

    @cached_property
    def digest(self) -> str:
        """A digest of the files' contents, bands, grid, side and the patches' pixels."""
        digests = ContentDigests()
        of_files = {raster.file: digests.of_parts(raster.parts) for raster in self._stack.rasters}
        facts = [
            [[of_files[s.raster.file], s.band, s.raster.nodata] for s in self._stack.sources],
            [self.grid.crs.to_wkt() if self.grid.crs else "", list(self.grid.affine)[:6]],
            [list(self.grid.shape), list(self.categorical), self.side, str(self.dtype)],
        ]
        found = hashlib.sha256(json.dumps(facts).encode())
        found.update(np.stack([self._rows, self._columns]).tobytes())
        return found.hexdigest()

    @property
    def inputs(self) -> InputFiles:
        """The files."""
        found = InputFiles()
        for raster in self._stack.rasters:
            found.join(raster.inputs)
        return found

    def demand_unchanged(self) -> None:
        """Raise InputError where a file is not as it was when it was opened."""
        self.inputs.demand_unchanged()

    def chunks(self, between: Callable[[], None]) -> Iterator[tuple[Values, Valid]]:
        """Yield the patches cell by cell, so that each block of the file is decoded once, or nearly.

        Where patches are so few that they need fewer blocks than lie among them, each is read by itself.
        """
        longest = chunk_length(len(self.bands), self.side)
        block_rows, block_columns = self._stack.rasters[0].block_shape
        alone = (self.side + block_rows) * (self.side + block_columns)  # pixels decoded for one window
        radius = self.side // 2
        for start, stop in zip(self._cells[:-1], self._cells[1:], strict=True):
            rows, columns = self._rows[start:stop], self._columns[start:stop]
            up, left = int(rows.min()) - radius, int(columns.min()) - radius
            down, right = int(rows.max()) + radius + 1, int(columns.max()) + radius + 1
            dense = (stop - start) * alone >= (down - up) * (right - left)
            between()
            cell = self._stack.values(slice(up, down), slice(left, right)) if dense else None
            for first in range(0, stop - start, longest):
                between()
                part = slice(first, first + longest)
                if cell is not None:
                    yield self._cut(cell, rows[part] - up - radius, columns[part] - left - radius)
                else:
                    yield self._alone(rows[part], columns[part], between)

    def _cut(self, cell: tuple[Values, Valid], rows: Places, columns: Places) -> tuple[Values, Valid]:
        """Return the windows of a cell (bands, ...) whose first pixels are given."""
        values, valid = (sliding_window_view(one, (self.side, self.side), axis=(1, 2)) for one in cell)
        return (
            np.ascontiguousarray(np.moveaxis(values[:, rows, columns], 1, 0)),
            np.ascontiguousarray(np.moveaxis(valid[:, rows, columns], 1, 0)),
        )

    def _alone(self, rows: Places, columns: Places, between: Callable[[], None]) -> tuple[Values, Valid]:
        values, valid = [], []
        radius = self.side // 2
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            between()
            one, held = self._stack.values(
                slice(row - radius, row + radius + 1), slice(column - radius, column + radius + 1)
            )
            values.append(one)
            valid.append(held)
        return np.stack(values), np.stack(valid)

    def _number(self, rows: Places, columns: Places, file: str) -> None:
        """Number the different pixels that sites lie in, cell by cell of the raster."""
        height, width = self.grid.shape
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        if not inside.any():
            raise InputError(
                f"No site lies on {file}, which spans {pixel_grid_text(self.grid)}; check the sites' CRS."
            )
        down, across = self._cell_shape()
        cells_across = -(-width // across)
        cell = rows // down * cells_across + columns // across
        codes = (cell * down + rows % down) * across + columns % across
        pixels, which = np.unique(codes[inside], return_inverse=True)
        self.places = np.full(len(rows), -1, np.int64)
        self.places[inside] = which
        rest, within_columns = np.divmod(pixels, across)
        cell, within_rows = np.divmod(rest, down)
        self._rows = cell // cells_across * down + within_rows
        self._columns = cell % cells_across * across + within_columns
        self.count = len(pixels)
        self._cells = [0, *(np.flatnonzero(np.diff(cell)) + 1).tolist(), self.count]
        radius = self.side // 2
        cut = (rows < radius) | (rows >= height - radius) | (columns < radius) | (columns >= width - radius)
        self.cut = inside & cut

    def _cell_shape(self) -> tuple[int, int]:
        """Return rows and columns that are held at once, in whole blocks if they can be."""
        budget = CELL_BYTES // (HELD_BYTES * len(self.bands))  # pixels
        block_rows, block_columns = self._stack.rasters[0].block_shape
        margin = self.side - 1
        target = max(1, math.isqrt(budget) - margin)
        across = min(max(block_columns, target // block_columns * block_columns), self.grid.shape[1])
        if budget // (across + margin) <= margin:  # blocks as wide as a wide raster
            across = target
        down = max(1, budget // (across + margin) - margin)
        return max(down // block_rows * block_rows, min(down, block_rows)), across


def pixels_of(grid: GeoBox, x: Floats, y: Floats, crs: str) -> tuple[Places, Places]:
    """Return row and column of the pixel that contains each point.

    They may lie outside the grid, and are -1 where a point has no place in the grid's CRS.

    Raises
    ------
    InputError
        ``crs`` is unknown.
    """
    try:
        own = CRS(crs)
    except (CRSError, ValueError) as error:
        raise InputError(f"The sites' CRS {crs!r} is unknown; give one such as EPSG:4326.") from error
    if grid.crs is None:
        raise ValueError("a grid without a CRS holds no place")
    there_x, there_y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if own != grid.crs:
        there_x, there_y = transformer(own, grid.crs).transform(there_x, there_y)
    a = grid.affine
    positions = np.stack([(there_y - a.f) / a.e, (there_x - a.c) / a.a])
    placed = np.isfinite(positions).all(axis=0) & (np.abs(positions) < np.iinfo(np.int32).max).all(axis=0)
    rows, columns = np.where(placed, np.floor(np.where(placed, positions, 0)), -1).astype(np.int64)
    return rows, columns


def band_names(sources: Sequence[BandSource]) -> tuple[str, ...]:
    """Return a name of each band, all different: its own, else the file's with the band's number."""
    names = [one.name or f"{Path(one.raster.file).stem}_{one.band}" for one in sources]
    taken = Counter(names)
    numbered = [
        name if taken[name] == 1 else f"{name}_{names[:i].count(name) + 1}" for i, name in enumerate(names)
    ]
    if len(set(numbered)) < len(numbered):
        twice = next(name for name, number in Counter(numbered).items() if number > 1)
        raise InputError(f"Two bands are called {twice}; give them descriptions of their own.")
    return tuple(numbered)


def _dtype(stack: BandStack) -> np.dtype[np.generic]:
    """Return the integer type of at most 16 bits that all bands share, else float32."""
    found = {
        raster.exact_dtype([source.band for source in stack.sources if source.raster is raster])
        for raster in stack.rasters
    }
    one = found.pop()
    return np.dtype(np.float32) if found or one is None else one
