"""One raster file, opened on a grid: pixels by window, also over the edge, with their NoData."""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ..files.input_files import InputFiles
from ..protocol import NoData, ranges_of
from ..running.errors import InputError
from .ground import Bounds, transformer
from .longitudes import centred_wkt, homeward, span_in, turn_of, turned
from .nodata_view import NoDataView
from .raster_file import grid_of, opened
from .view import Piece

Values = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]

ALIGNED_PX = 1e-3  # two grids that differ by less are one
EXACT_PX = 1e-9  # error of coordinates in warping; rasterio 1.4 crashes on 0 itself


class Raster:
    """A raster file that holds values, north up. Use as a context manager, from one thread at a time.

    Parameters
    ----------
    file
        Any GDAL source: path, VRT, ``/vsicurl/...``, ``NETCDF:"file":variable``.
    nodata
        What means NoData in it, besides what the file itself says.
    crs
        The CRS that stands in place of the file's own; its own where it is empty.

    Raises
    ------
    InputError
        The file can't be opened, is a picture service, or lies at no place on earth, north up.
    """

    def __init__(self, file: str, nodata: NoData | None = None, crs: str = "") -> None:
        self.file = file
        self.crs = crs
        self.nodata = () if nodata is None else ranges_of(nodata)
        self.inputs = InputFiles([file])  # as they are before anything is read
        self._dataset = opened(file)
        self.inputs.add_raster(self.parts)
        try:
            self._own_grid, self._south_up = grid_of(self._dataset, file, crs)
        except InputError:
            self._dataset.close()
            raise
        self.grid = self._own_grid
        self._pieces: tuple[Piece, ...] = ()
        self._view: NoDataView | None = None
        self._warped: WarpedVRT | None = None
        self._interpolated = False
        self._own_shape = self.grid.shape
        self._offset = (0, 0)  # rows and columns from the view's first pixel to the grid's

    def __enter__(self) -> Raster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._warped is not None:
            self._warped.close()
        if self._view is not None:
            self._view.close()
        self._dataset.close()

    @property
    def count(self) -> int:
        """Number of bands."""
        return int(self._dataset.count)

    @property
    def band_names(self) -> list[str]:
        """Description of each band, or an empty string."""
        return [name or "" for name in self._dataset.descriptions]

    @property
    def band_units(self) -> list[str]:
        """Unit of each band, or an empty string."""
        return [unit or "" for unit in self._dataset.units]

    def tags(self, band: int) -> dict[str, str]:
        """Return what the file says of a band: the band's own tags, over those of the whole file."""
        return {**self._dataset.tags(), **self._dataset.tags(band)}

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of the blocks in which the file is stored."""
        rows, columns = self._dataset.block_shapes[0]
        return int(rows), int(columns)

    @property
    def parts(self) -> list[str]:
        """The files that GDAL reads it from: itself, masks beside it, the sources of a virtual raster."""
        return [str(file) for file in self._dataset.files]

    def exact_dtype(self, bands: Collection[int]) -> np.dtype[Any] | None:
        """Return the integer type of at most 16 bits that holds what ``read`` gives of ``bands``, if any."""
        if self._interpolated:
            return None
        kept = {
            np.dtype(self._dataset.dtypes[b - 1])
            if (self._dataset.scales[b - 1], self._dataset.offsets[b - 1]) == (1, 0)
            else None
            for b in bands
        }
        one = kept.pop()
        return one if not kept and one is not None and one.kind in "iu" and one.itemsize <= 2 else None

    def stored_dtype(self, band: int) -> np.dtype[Any]:
        """Return the type of a band's numbers as they stand in the file."""
        stored: np.dtype[Any] = np.dtype(self._dataset.dtypes[band - 1])
        return stored

    @property
    def is_joined(self) -> bool:
        """Whether several things in the file, such as a mask and a value, say which pixels are NoData."""
        return self._view is not None and self._view.is_joined

    @property
    def resampled(self) -> bool:
        """Whether values are interpolated from the file's own pixels."""
        return self._warped is not None

    def turn(self, area: Bounds, crs: CRS, reach: float = 0.0, step: int = 1) -> str:
        """Move the raster by whole turns of longitude to an area, or continue it there; before ``put_on``.

        Parameters
        ----------
        area, crs
            A box, xmin, ymin, xmax, ymax; its longitudes may be any number of turns off.
        reach
            How far beside it values may be needed, in units of the raster's CRS.
        step
            Columns of which a whole number lie between the file's first one and the grid's.

        Returns
        -------
        str
            A sentence for the user; empty where the raster stays as it is, or no longitude is in play.
        """
        if not turn_of(self.grid.crs) or self.grid.crs is None:
            return ""
        left, right = span_in(area, crs, self.grid.crs)
        own = self._own_grid.boundingbox
        found = turned(self._own_grid, left, right, reach, step)
        self.grid, self._pieces = found.grid, found.pieces
        spans = f"{self.file} spans longitudes {own.left:.6g} to {own.right:.6g}"
        if found.turns:
            return f"{spans} and was moved to {found.grid.boundingbox.left:.6g} to meet the area."
        if found.pieces and (left < own.left or right > own.right):
            return f"{spans} and was continued over its edge, around the earth, to meet the area."
        return ""

    def turn_home(self) -> None:
        """Move the raster between -180 and 180 degrees if it lies elsewhere; before ``put_on``."""
        found = homeward(self._own_grid)
        self.grid, self._pieces = found.grid, found.pieces

    def put_on(self, grid: GeoBox, bands: Collection[int], interpolate: bool = True) -> None:
        """Make ``read`` give ``bands`` on ``grid``; where it does not fit the file's own, values are warped.

        Warping is bilinear (else nearest), from one source over the whole grid, with exact coordinates and one
        width of the kernel (GDAL would choose it separately for each window), so that no value depends on which
        window it is read by.
        """
        if self.grid.crs is None:
            raise ValueError("a raster without a CRS can't be read on a grid")
        at = self._dataset.transform
        at = Affine(at.a, at.b, self.grid.affine.c, at.d, at.e, at.f)  # where ``turn`` put it
        self._view = NoDataView(
            self._dataset, self.grid.crs.to_wkt(), bands, at, nodata=self.nodata, pieces=self._pieces
        )
        self._own_shape = self.grid.shape
        offset = lattice_offset(self.grid, grid)
        if offset is not None:
            self._offset = offset
            self.grid = grid
            return
        across, down = self._shrinking(grid)
        try:
            self._warped = WarpedVRT(
                self._view.dataset,
                src_crs=centred_wkt(self.grid),
                crs=grid.crs.to_wkt() if grid.crs else None,
                transform=grid.affine,
                width=grid.shape[1],
                height=grid.shape[0],
                resampling=Resampling.bilinear if interpolate else Resampling.nearest,
                tolerance=EXACT_PX,
                src_nodata=np.nan,
                nodata=np.nan,
                UNIFIED_SRC_NODATA="NO",
                XSCALE=across,
                YSCALE=down,
            )
        except (RasterioError, CRSError) as error:
            raise InputError(f"{self.file} can't be resampled ({error}); warp it yourself first.") from error
        self._interpolated = interpolate
        self.grid = grid

    def _shrinking(self, grid: GeoBox) -> tuple[float, float]:
        """Return pixels of ``grid`` for each of the file's own, along x and y, at the middle of both."""
        middle = self.grid.boundingbox
        x, y = (middle.left + middle.right) / 2, (middle.bottom + middle.top) / 2
        if self.grid.crs is None or grid.crs is None:
            raise ValueError("a raster without a CRS can't be warped")
        a = self.grid.affine
        to_grid = transformer(self.grid.crs, grid.crs)
        xs, ys = to_grid.transform([x - a.a, x + a.a, x, x], [y, y, y + a.e, y - a.e])
        across = abs(xs[1] - xs[0]) / 2 / abs(grid.affine.a)
        down = abs(ys[3] - ys[2]) / 2 / abs(grid.affine.e)
        return (across, down) if np.isfinite([across, down]).all() and across * down > 0 else (1.0, 1.0)

    def read(self, bands: tuple[int, ...], rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return values and validity, each (bands, rows, columns), of a window that may leave the grid.

        ``rows`` and ``columns`` are on ``grid``; outside it, and where there is NoData, values are 0 and not
        valid. A band's own scale and offset are applied.
        """
        shape = (len(bands), rows.stop - rows.start, columns.stop - columns.start)
        values = np.zeros(shape, np.float32)
        valid = np.zeros(shape, np.bool_)
        up, down, left, right = self._inside(rows, columns)
        if up < down and left < right:
            inside = (
                slice(None),
                slice(up - rows.start, down - rows.start),
                slice(left - columns.start, right - columns.start),
            )
            values[inside], valid[inside] = self._read_inside(bands, up, down, left, right)
        return values, valid

    def _inside(self, rows: slice, columns: slice) -> tuple[int, int, int, int]:
        """Return the part of a window that grid and file hold: first and last row, first and last column."""
        height, width = self.grid.shape
        own_height, own_width = (height, width) if self._warped is not None else self._own_shape
        return (
            max(rows.start, 0, -self._offset[0]),
            min(rows.stop, height, own_height - self._offset[0]),
            max(columns.start, 0, -self._offset[1]),
            min(columns.stop, width, own_width - self._offset[1]),
        )

    def _read_inside(
        self,
        bands: tuple[int, ...],
        up: int,
        down: int,
        left: int,
        right: int,
    ) -> tuple[Values, Valid]:
        if self._view is None:
            raise RuntimeError("a raster is read only after put_on")
        source = self._warped if self._warped is not None else self._view.dataset
        own_up, own_down = up + self._offset[0], down + self._offset[0]
        turned = self._south_up and self._warped is None
        if turned:
            own_up, own_down = source.height - own_down, source.height - own_up
        window = Window(left + self._offset[1], own_up, right - left, own_down - own_up)
        try:
            values = source.read(list(bands), window=window)
        except RasterioError as error:
            raise InputError(
                f"{self.file} can't be read at row {own_up}, column {left} ({error}); get the file again."
            ) from error
        scales = np.array([self._dataset.scales[b - 1] for b in bands], np.float32)[:, None, None]
        offsets = np.array([self._dataset.offsets[b - 1] for b in bands], np.float32)[:, None, None]
        if np.any(scales != 1) or np.any(offsets != 0):
            values = values * scales + offsets
        valid = np.isfinite(values)
        values[~valid] = 0
        return (values[:, ::-1], valid[:, ::-1]) if turned else (values, valid)


def lattice_offset(own: GeoBox, grid: GeoBox) -> tuple[int, int] | None:
    """Return (rows, columns) from ``own``'s origin to ``grid``'s, where both are one lattice, else None."""
    if own.crs != grid.crs:
        return None
    a, b = own.affine, grid.affine
    columns, rows = (b.c - a.c) / a.a, (b.f - a.f) / a.e
    drift = max(
        abs(columns - round(columns)),
        abs(rows - round(rows)),
        abs(b.a / a.a - 1) * grid.shape[1],
        abs(b.e / a.e - 1) * grid.shape[0],
    )
    return (round(rows), round(columns)) if drift < ALIGNED_PX else None
