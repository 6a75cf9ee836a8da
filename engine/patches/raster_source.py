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
from odc.geo.geobox import GeoBox

from ...models.card import Card
from ..files.input_files import InputFiles
from ..protocol import NoData, RasterInput
from ..rasters.band_choice import band_choice
from ..rasters.band_stack import BandSource, BandStack, offered_bands
from ..rasters.ground import TOLERANCE, crs_named, ground_size, transformer
from ..rasters.longitudes import columns_from, columns_of_turn, near
from ..rasters.predictors import pixel_grid_text
from ..rasters.raster import Raster, Valid, Values
from ..running.errors import InputError
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
        By file, what means NoData in it besides what it says itself.
    categorical
        Names of the bands that hold categories: their files are never interpolated.
    file_crs
        By file, the CRS in place of its own.
    card
        Of the network that is to see them, whose bands (and categories) are then found by name; without one all
        bands count, in the order given.

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
        nodata: Mapping[str, NoData] | None = None,
        categorical: Collection[str] = (),
        file_crs: Mapping[str, str] | None = None,
        card: Card | None = None,
    ) -> None:
        if side < 1 or side % 2 == 0:
            raise ValueError(f"a patch of {side} pixels has no centre pixel")
        self.side = side
        with ExitStack() as stack:
            rasters: dict[str, Raster] = {}
            for item in inputs:
                if item.file not in rasters:
                    said = (nodata or {}).get(item.file), (file_crs or {}).get(item.file, "")
                    rasters[item.file] = stack.enter_context(Raster(item.file, *said))
            name = inputs[0].modality
            self.notes: tuple[str, ...] = ()
            if card is None:
                sources = offered_bands([(rasters[item.file], item.bands) for item in inputs], name)
                self.bands = band_names(sources)
                self.categorical = _categorical(self.bands, categorical, name)
            else:
                choice = band_choice(card, name, inputs, rasters)
                sources = list(choice.sources)
                known = card.modality(name).bands
                self.bands = tuple(band.name for band in known)
                self.categorical = tuple(bool(band.categories) for band in known)
                self.notes += tuple(one.message for one in choice.cautions)
            self.units = tuple(source.raster.band_units[source.band - 1] for source in sources)
            sources[0].raster.turn_home()
            self._stack = BandStack(sources)
            self.grid = self._stack.grid
            continued = self._around_the_earth()
            self.resampled = tuple(raster.file for raster in self._stack.put_on(continued, self.categorical))
            self.notes += tuple(
                f"{name}: {file} was resampled onto the grid of {sources[0].raster.file}."
                for file in self.resampled
            )
            self.dtype = _dtype(self._stack)
            rows, columns = pixels_of(self.grid, x, y, crs)
            self._number(rows, columns, sources[0].raster.file)
            self._close = stack.pop_all()

    def __enter__(self) -> RasterSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    def window(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window in the files' units and where it holds values: each (bands, rows, columns).

        Of rasters around the earth it may lie up to half a turn beyond the first or last column.
        """
        return self._stack.values(rows, slice(columns.start + self._beyond, columns.stop + self._beyond))

    def _around_the_earth(self) -> GeoBox:
        """Move files by whole turns of longitude to the first one; return the grid on which they are read.

        That is ``grid``, and where it is around the earth, ``_beyond`` columns beyond its seam on both sides.
        """
        grid, crs, self._beyond = self.grid, self.grid.crs, 0
        if crs is None:
            raise ValueError("a grid without a CRS holds no place")
        turn = columns_of_turn(grid)
        if turn and grid.shape[1] >= turn:
            self._beyond = turn // 2
            grid = columns_from(grid, -self._beyond, turn + 2 * self._beyond)
        box = self.grid.boundingbox.bbox
        said = [raster.turn(box, crs, self._beyond * grid.affine.a) for raster in self._stack.rasters]
        self.notes += tuple(one for one in said if one)
        return grid

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
        facts: list[object] = [
            [[of_files[s.raster.file], s.band, _nodata_fact(s.raster)] for s in self._stack.sources],
            [self.grid.crs.to_wkt() if self.grid.crs else "", list(self.grid.affine)[:6]],
            [list(self.grid.shape), list(self.categorical), self.side, str(self.dtype)],
        ]
        if self._beyond:
            facts.append("around the earth")
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
            cell = self.window(slice(up, down), slice(left, right)) if dense else None
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
            one, held = self.window(
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
        cut = (rows < radius) | (rows >= height - radius)
        if not self._beyond:
            cut |= (columns < radius) | (columns >= width - radius)
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
    own = crs_named(crs, "The sites' CRS")
    if grid.crs is None:
        raise ValueError("a grid without a CRS holds no place")
    there_x, there_y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if own != grid.crs:
        there_x, there_y = transformer(own, grid.crs).transform(there_x, there_y)
    a = grid.affine
    positions = np.stack([(there_y - a.f) / a.e, (near(there_x, grid) - a.c) / a.a])
    placed = np.isfinite(positions).all(axis=0) & (np.abs(positions) < np.iinfo(np.int32).max).all(axis=0)
    rows, columns = np.where(placed, np.floor(np.where(placed, positions, 0)), -1).astype(np.int64)
    turn = columns_of_turn(grid)
    if turn and grid.shape[1] >= turn:
        columns = np.where(placed, columns % turn, -1)
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


def _categorical(bands: Sequence[str], categorical: Collection[str], name: str) -> tuple[bool, ...]:
    """Tell by band whether it is among those that hold categories. Raise InputError where one is not there."""
    unknown = sorted(set(categorical) - set(bands))
    if unknown:
        raise InputError(
            f"{name} has no band {unknown[0]!r} that could be categorical; it has {', '.join(bands)}."
        )
    return tuple(band in categorical for band in bands)


def _nodata_fact(raster: Raster) -> object:
    """Return in what way pixels of a raster are NoData, beside what its file says: of none nothing."""
    one = raster.nodata[0] if len(raster.nodata) == 1 else None
    said: object = one[0] if one is not None and one[0] == one[1] else list(raster.nodata) or None
    more = [name for name, there in (("joined", raster.is_joined), (raster.crs, raster.crs)) if there]
    return [said, *more] if more else said


def _dtype(stack: BandStack) -> np.dtype[np.generic]:
    """Return the integer type of at most 16 bits that all bands share, else float32."""
    found = {
        raster.exact_dtype([source.band for source in stack.sources if source.raster is raster])
        for raster in stack.rasters
    }
    one = found.pop()
    return np.dtype(np.float32) if found or one is None else one
