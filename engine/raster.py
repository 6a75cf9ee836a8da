"""One raster file, opened on a grid: pixels by window, also over the edge, with their NoData."""

from __future__ import annotations

from types import TracebackType

import numpy as np
import numpy.typing as npt
import rasterio
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.errors import CRSError, RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from .errors import InputError

Values = npt.NDArray[np.float32]
Valid = npt.NDArray[np.bool_]

PICTURE_DRIVERS = ("WMS", "WMTS", "PLMOSAIC")
PICTURE_PREFIXES = ("<GDAL_WMS", "WMS:", "WMTS:", "type=xyz", "crs=", "contextualWMSLegend")
ALIGNED_PX = 1e-3  # two grids that differ by less are one


class Raster:
    """A raster file that holds values, north up. Use as a context manager, from one thread at a time.

    Parameters
    ----------
    file
        Any GDAL source: path, VRT, ``/vsicurl/...``, ``NETCDF:"file":variable``.
    nodata
        A value that means NoData in it, besides those that the file itself names.

    Raises
    ------
    InputError
        The file can't be opened, is a picture service, has no coordinate system or a rotated one.
    """

    def __init__(self, file: str, nodata: float | None = None) -> None:
        self.file = file
        self.nodata = nodata
        if file.lstrip().startswith(PICTURE_PREFIXES):
            raise InputError(_picture(file))
        try:
            self._dataset = rasterio.open(file)
        except (RasterioError, OSError) as error:
            raise InputError(f"The raster {file} can't be opened ({error}); choose a raster file.") from error
        try:
            self.grid = self._own_grid()
        except InputError:
            self._dataset.close()
            raise
        self._warped: WarpedVRT | None = None
        self._offset = (0, 0)  # rows and columns from the file's first pixel to the grid's

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
    def resampled(self) -> bool:
        """Whether values are interpolated from the file's own pixels."""
        return self._warped is not None

    def put_on(self, grid: GeoBox, interpolate: bool = True) -> None:
        """Make ``read`` count pixels on ``grid``; where it does not fit the file's own, values are warped.

        Warping is bilinear (else nearest), from one source over the whole grid, with exact coordinates, so
        that no value depends on which window it is read by.
        """
        offset = _offset(self.grid, grid)
        if offset is not None:
            self._offset = offset
            self.grid = grid
            return
        own = self._dataset.nodatavals[0]
        if self.nodata is not None and own is not None and not _same(own, self.nodata):
            raise InputError(
                f"{self.file} must be resampled, and has both its own NoData value {own:g} and yours, "
                f"{self.nodata:g}: give it one alone (gdalwarp -srcnodata) and try again."
            )
        nodata = self.nodata if self.nodata is not None else own
        fill = {"add_alpha": True} if nodata is None else {"src_nodata": nodata, "nodata": np.nan}
        if nodata is None and any("alpha" in flags for flags in self._mask_flags()):
            fill = {}
        try:
            self._warped = WarpedVRT(
                self._dataset,
                crs=grid.crs.to_wkt() if grid.crs else None,
                transform=grid.affine,
                width=grid.shape[1],
                height=grid.shape[0],
                resampling=Resampling.bilinear if interpolate else Resampling.nearest,
                tolerance=0.0,
                dtype="float32",
                UNIFIED_SRC_NODATA="NO",
                **fill,
            )
        except (RasterioError, CRSError) as error:
            raise InputError(f"{self.file} can't be resampled ({error}); warp it yourself first.") from error
        self.grid = grid

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

    def sample(self, bands: tuple[int, ...], rows: slice, columns: slice, side: int) -> tuple[Values, Valid]:
        """Return values and validity of about ``side`` x ``side`` pixels spread over a window of the grid."""
        up, down, left, right = self._inside(rows, columns)
        if up >= down or left >= right:
            empty = np.zeros((len(bands), 0, 0), np.float32)
            return empty, empty.astype(np.bool_)
        shape = (min(side, down - up), min(side, right - left))
        return self._read_inside(bands, up, down, left, right, shape)

    def _inside(self, rows: slice, columns: slice) -> tuple[int, int, int, int]:
        """Return the part of a window that grid and file hold: first and last row, first and last column."""
        height, width = self.grid.shape
        own_height, own_width = (height, width) if self._warped is not None else self._dataset.shape
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
        shape: tuple[int, int] | None = None,
    ) -> tuple[Values, Valid]:
        source = self._warped if self._warped is not None else self._dataset
        own_up, own_down = up + self._offset[0], down + self._offset[0]
        if self._south_up and self._warped is None:
            own_up, own_down = source.height - own_down, source.height - own_up
        window = Window(left + self._offset[1], own_up, right - left, own_down - own_up)
        out_shape = None if shape is None else (len(bands), *shape)
        try:
            raw = source.read(list(bands), window=window, out_shape=out_shape)
            valid = source.read_masks(list(bands), window=window, out_shape=out_shape) > 0
        except RasterioError as error:
            raise InputError(
                f"{self.file} can't be read at row {own_up}, column {left} ({error}); get the file anew."
            ) from error
        if np.issubdtype(raw.dtype, np.floating):
            valid &= np.isfinite(raw)
        if self.nodata is not None and self._warped is None:
            valid &= ~_equals(raw, self.nodata)
        scales = np.array([self._dataset.scales[b - 1] for b in bands])[:, None, None]
        offsets = np.array([self._dataset.offsets[b - 1] for b in bands])[:, None, None]
        if np.any(scales != 1) or np.any(offsets != 0):
            raw = raw * scales + offsets
        with np.errstate(over="ignore"):
            values = raw.astype(np.float32)
        valid &= np.isfinite(values)
        values[~valid] = 0
        if self._south_up and self._warped is None:
            values, valid = values[:, ::-1], valid[:, ::-1]
        return values, valid

    def _own_grid(self) -> GeoBox:
        """Return the file's grid, turned north up; ``_south_up`` tells whether rows must be turned."""
        dataset = self._dataset
        if dataset.driver in PICTURE_DRIVERS:
            raise InputError(_picture(self.file))
        if dataset.count == 0:
            raise InputError(f"{self.file} holds no band; choose one of its subdatasets.")
        if dataset.crs is None:
            raise InputError(
                f"{self.file} has no coordinate system; assign one (gdal_translate -a_srs, or "
                "Layer > Set CRS and export)."
            )
        affine = dataset.transform
        if affine.b != 0 or affine.d != 0 or affine.a <= 0:
            raise InputError(f"{self.file} is rotated or mirrored; warp it north up first (gdalwarp).")
        self._south_up = affine.e > 0
        if self._south_up:
            affine = Affine(affine.a, 0, affine.c, 0, -affine.e, affine.f + affine.e * dataset.height)
        try:
            crs = CRS(dataset.crs.to_wkt())
        except (CRSError, ValueError) as error:
            raise InputError(f"{self.file} has a coordinate system of no use ({error}); assign one.") from error
        return GeoBox((dataset.height, dataset.width), affine, crs)

    def _mask_flags(self) -> list[list[str]]:
        return [[flag.name for flag in flags] for flags in self._dataset.mask_flag_enums]


def _offset(own: GeoBox, grid: GeoBox) -> tuple[int, int] | None:
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


def _equals(values: npt.NDArray[np.generic], wanted: float) -> Valid:
    if np.issubdtype(values.dtype, np.floating):
        close: Valid = np.isclose(values.astype(np.float64), wanted, rtol=1e-6, atol=0.0)
        return close
    same: Valid = values == wanted
    return same


def _same(a: float, b: float) -> bool:
    return a == b or (np.isnan(a) and np.isnan(b))


def _picture(file: str) -> str:
    return (
        f"{file[:80]} is a picture service (WMS, WMTS or XYZ): it gives colours, not the values that a "
        "network needs; choose a raster file of values."
    )
