"""The files of a map: tiles go to one tiled GeoTIFF aside, and from it comes a COG for each species.

GDAL's COG driver copies a finished file, so it can't be written tile by tile. Final names appear by rename at
the very end, all together; what stood there before is replaced only then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from ..files.aside import GROWING, Aside, refusal
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..rasters.view import BandView, view_of
from ..running.errors import InputError
from ..running.progress import Monitor
from .encoding import FLOAT, Encoding
from .geotiff import BLOCK, FAILURES, copy_as_cog, demand_whole, growing, window_of

BLOCK_ROWS = 64  # px; of the tiles, so that a strip fills them and none is written twice
MOST_WRITERS = 4  # files made at a time
BANDS_AT_ONCE = 32  # of a tile, that are encoded and written together
RUN = "run.json"
FINEST_OVERVIEW = 256  # px; overviews of a stack go on until its longer side is no more


@dataclass(frozen=True)
class Layer:
    """One band of a map: file name without ending, description, and tags of its own."""

    slug: str
    description: str
    tags: Mapping[str, str]


class MapWriter:
    """Writes the layers of one map into a folder. Use as a context manager; ``made`` makes the files.

    Parameters
    ----------
    aside
        Where the files grow.
    grid
        The map's grid.
    layers
        What each band is.
    tags
        Provenance for all files.
    encoding
        How values stand in the files.
    stack
        The name, without ending, of one file for all layers; a file each by default.

    Raises
    ------
    InputError
        The folder can't be written, or the disk is too full.
    """

    def __init__(
        self,
        aside: Aside,
        grid: GeoBox,
        layers: Sequence[Layer],
        tags: Mapping[str, str],
        encoding: Encoding = FLOAT,
        stack: str = "",
    ) -> None:
        self.grid = grid
        self.layers = list(layers)
        self.tags = dict(tags)
        self._aside = aside
        self._encoding = encoding
        self._stack = stack
        self._valid_pixels = np.zeros(len(self.layers), np.int64)  # by layer
        self._demand_space()
        self._tiles_name = f".{self.layers[0].slug}{GROWING}"  # no species' name gives such a slug
        try:
            self._tiles = growing(
                aside.path / self._tiles_name,
                grid,
                encoding.dtype,
                encoding.nodata,
                count=len(self.layers),
                blockysize=BLOCK_ROWS,
                interleave="band",
                bigtiff="if_safer",  # not compressed: they are read once, soon, mostly from memory
            )
        except FAILURES as error:
            raise refusal(aside.folder, error) from error

    def __enter__(self) -> MapWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tiles.close()

    @property
    def names(self) -> list[str]:
        """The names of the files that it makes."""
        return [f"{self._stack}.tif"] if self._stack else [f"{layer.slug}.tif" for layer in self.layers]

    def write(self, tile: Tile, values: npt.NDArray[Any], valid: Valid, first: int = 0) -> None:
        """Write a tile: ``values`` (layers, rows, columns), NoData where not ``valid`` (rows, columns).

        ``first`` is the place of the first of these layers among all.
        """
        self._valid_pixels[first : first + len(values)] += int(valid.sum())
        window = window_of(tile)
        try:
            for start in range(0, len(values), BANDS_AT_ONCE):
                numbers = self._encoding.encoded(values[start : start + BANDS_AT_ONCE], valid)
                bands = range(first + start + 1, first + start + 1 + len(numbers))
                self._tiles.write(numbers, indexes=list(bands), window=window)
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error

    def made(self, monitor: Monitor) -> list[str]:
        """Make the files, still aside; return their names."""
        try:
            if self._stack:
                monitor.report("writing", 0, len(self.layers), "bands")
                self._write_stack()
                self._side_by_side(self._demand_band, monitor, "bands")
            else:
                self._tiles.close()
                self._side_by_side(self._write_cog, monitor, "files")
            (self._aside.path / self._tiles_name).unlink()  # makes room for what comes
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error
        return self.names

    def _write_stack(self) -> None:
        """Make one file of all layers, each band apart, so that none is read for the sake of another.

        GDAL's COG driver would put the bands of a pixel side by side, which with hundreds of species takes as
        much memory as they do together; a tiled GeoTIFF that is made with its overviews is read as quickly.
        """
        height, width = self.grid.shape
        for number, layer in enumerate(self.layers, start=1):
            self._tiles.set_band_description(number, layer.description)
            self._tiles.update_tags(number, **layer.tags)
        self._tiles.scales = [self._encoding.scale] * len(self.layers)
        self._tiles.update_tags(**self.tags)
        factors: list[int] = []
        while max(height, width) / 2 ** len(factors) > FINEST_OVERVIEW:
            factors.append(2 ** (len(factors) + 1))
        self._tiles.close()
        tiles = self._aside.path / self._tiles_name
        if factors:
            with rasterio.open(tiles, "r+") as target:
                target.build_overviews(factors, Resampling.average)
        rasterio.shutil.copy(
            tiles,
            self._aside.path / f"{self._stack}.tif",
            driver="GTiff",
            copy_src_overviews="YES",
            tiled="YES",
            blockxsize=BLOCK,
            blockysize=BLOCK,
            interleave="BAND",
            compress="DEFLATE",
            predictor=3 if self._encoding.dtype == "float32" else 2,
            zlevel=1,
            bigtiff="IF_SAFER",
            num_threads="ALL_CPUS",
        )

    def _demand_band(self, number: int) -> None:
        """Raise OSError where a band of the stack does not hold every pixel that was written."""
        target = self._aside.path / f"{self._stack}.tif"
        demand_whole(target, self._encoding.nodata, int(self._valid_pixels[number - 1]), number)

    def _side_by_side(self, work: Callable[[int], None], monitor: Monitor, unit: str) -> None:
        """Do work for each layer, as many at a time as there are processors; GDAL lets other threads run."""
        total = len(self.layers)
        workers = min(os.cpu_count() or 1, MOST_WRITERS, total)
        monitor.report("writing", 0, total, unit)
        with ThreadPoolExecutor(workers, thread_name_prefix="scalescape-files") as pool:
            making = [pool.submit(work, number) for number in range(1, total + 1)]
            try:
                for done, made in enumerate(as_completed(making), start=1):
                    made.result()
                    monitor.report("writing", done, total, unit)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _write_cog(self, number: int) -> None:
        layer = self.layers[number - 1]
        view = self._aside.path / f"{layer.slug}.vrt"
        view.write_bytes(self._view(number, layer))
        target = self._aside.path / f"{layer.slug}.tif"
        copy_as_cog(
            view,
            target,
            "average",
            predictor="YES",
            level=1,  # 2 % larger than the default of 6, in half the time
            bigtiff="IF_SAFER",
            num_threads="ALL_CPUS" if len(self.layers) == 1 else 1,
        )
        view.unlink()
        demand_whole(target, self._encoding.nodata, int(self._valid_pixels[number - 1]))

    def _demand_space(self) -> None:
        """Raise InputError where the disk can't hold the tiles and the maps made from them."""
        height, width = self.grid.shape
        needed = disk_use(width * height, len(self.layers), self._encoding.bytes)
        free = shutil.disk_usage(self._aside.path).free
        if needed > free:
            raise InputError(
                f"The maps may need {needed / 1e9:.1f} GB and {self._aside.folder} has {free / 1e9:.1f} GB "
                "free; free some space, choose another folder, or map fewer species or a longer step."
            )

    def _view(self, number: int, layer: Layer) -> bytes:
        """Return a view of one band of the tiles, with its name and provenance."""
        return view_of(
            [BandView(self._tiles_name, number, description=layer.description, scale=self._encoding.scale)],
            (self.grid.shape[0], self.grid.shape[1]),
            self.grid.affine,
            self.grid.crs.to_wkt() if self.grid.crs else "",
            self._encoding.nodata,
            {**self.tags, **layer.tags},
            relative=True,
            dtype=self._encoding.dtype,
        )


def disk_use(pixels: int, layers: int, value_bytes: int = FLOAT.bytes) -> int:
    """Return the bytes that a map takes at most while it is made: tiles, and the maps with their overviews."""
    return round(pixels * layers * value_bytes * (1 + 4 / 3))
