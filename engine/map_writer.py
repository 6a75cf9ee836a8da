"""The files of a map: tiles go to one tiled GeoTIFF aside, and from it comes a COG for each species.

GDAL's COG driver copies a finished file, so it can't be written tile by tile. Final names appear by rename at
the very end, all together; what stood there before is replaced only then.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from odc.geo.geobox import GeoBox

from .aside import Aside, refusal
from .errors import InputError
from .evaluation import Probability
from .geotiff import FAILURES, copy_as_cog, demand_whole, growing, window_of
from .lattice import Tile
from .progress import Monitor
from .raster import Valid
from .view import BandView, view_of

NODATA = -9999.0
BLOCK_ROWS = 64  # px; of the tiles, so that a strip fills them and none is written twice
FLOAT_BYTES = 4
MOST_WRITERS = 4  # files made at a time
TILES = ".tiles.tif"  # no species' name gives such a slug
RUN = "run.json"


@dataclass(frozen=True)
class Layer:
    """One band of a map: file name without ending, description, and tags of its own."""

    slug: str
    description: str
    tags: Mapping[str, str]


class MapWriter:
    """Writes the layers of one map into a folder. Use as a context manager; ``finish`` makes it final.

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

    Raises
    ------
    InputError
        The folder can't be written, or the disk is too full.
    """

    def __init__(self, aside: Aside, grid: GeoBox, layers: Sequence[Layer], tags: Mapping[str, str]) -> None:
        self.grid = grid
        self.layers = list(layers)
        self.tags = dict(tags)
        self._aside = aside
        self._valid_pixels = 0
        self._demand_space()
        try:
            self._tiles = growing(
                aside.path / TILES,
                grid,
                "float32",
                NODATA,
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

    def write(self, tile: Tile, values: Probability, valid: Valid) -> None:
        """Write a tile: ``values`` (layers, rows, columns), NoData where not ``valid`` (rows, columns)."""
        values = np.where(valid, values, np.float32(NODATA))
        self._valid_pixels += int(valid.sum())
        try:
            self._tiles.write(values, window=window_of(tile))
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error

    def finish(self, run_json: str, monitor: Monitor) -> list[Path]:
        """Make the final files, and ``run.json``; return the paths of the maps."""
        self._tiles.close()
        try:
            self._write_cogs(monitor)
            (self._aside.path / RUN).write_text(run_json, encoding="utf-8")
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error
        finals = self._aside.publish([*(f"{layer.slug}.tif" for layer in self.layers), RUN])
        return finals[:-1]

    def _write_cogs(self, monitor: Monitor) -> None:
        """Make the files, as many at a time as there are processors; GDAL lets other threads run meanwhile."""
        total = len(self.layers)
        workers = min(os.cpu_count() or 1, MOST_WRITERS, total)
        monitor.report("writing", 0, total, "files")
        with ThreadPoolExecutor(workers, thread_name_prefix="scalescape-files") as pool:
            making = [pool.submit(self._write_cog, n, layer) for n, layer in enumerate(self.layers, start=1)]
            try:
                for done, made in enumerate(as_completed(making), start=1):
                    made.result()
                    monitor.report("writing", done, total, "files")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _write_cog(self, number: int, layer: Layer) -> None:
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
        demand_whole(target, NODATA, self._valid_pixels)

    def _demand_space(self) -> None:
        """Raise InputError where the disk can't hold the tiles and the maps made from them."""
        height, width = self.grid.shape
        needed = disk_use(width * height, len(self.layers))
        free = shutil.disk_usage(self._aside.path).free
        if needed > free:
            raise InputError(
                f"The maps may need {needed / 1e9:.1f} GB and {self._aside.folder} has {free / 1e9:.1f} GB "
                "free; free some space, choose another folder, or map fewer species or a longer step."
            )

    def _view(self, number: int, layer: Layer) -> bytes:
        """Return a view of one band of the tiles, with its name and provenance."""
        return view_of(
            [BandView(TILES, number, description=layer.description)],
            (self.grid.shape[0], self.grid.shape[1]),
            self.grid.affine,
            self.grid.crs.to_wkt() if self.grid.crs else "",
            NODATA,
            {**self.tags, **layer.tags},
            relative=True,
        )


def disk_use(pixels: int, layers: int) -> int:
    """Return the bytes that a map takes at most while it is made: tiles, and the maps with their overviews."""
    return round(pixels * layers * FLOAT_BYTES * (1 + 4 / 3))
