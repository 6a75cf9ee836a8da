"""The files of a map: tiles go to one tiled GeoTIFF aside, and from it comes a COG for each species.

GDAL's COG driver copies a finished file, so it can't be written tile by tile. Final names appear by rename at
the very end, all together; what stood there before is replaced only then.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from .errors import InputError
from .evaluation import Probability
from .lattice import Tile
from .progress import Monitor
from .raster import Valid
from .view import BandView, view_of

NODATA = -9999.0
BLOCK = 256  # px; GeoTIFF blocks are multiples of 16
PARTIAL = ".partial"
TILES = "tiles.tif"


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
    folder
        Where the files shall stand; it is made if need be.
    grid
        The map's grid.
    layers
        What each band is.
    tags
        Provenance for all files.

    Raises
    ------
    InputError
        The folder can't be written.
    """

    def __init__(self, folder: Path, grid: GeoBox, layers: Sequence[Layer], tags: Mapping[str, str]) -> None:
        self.folder = folder
        self.grid = grid
        self.layers = list(layers)
        self.tags = dict(tags)
        self.partial = folder.with_name(folder.name + PARTIAL)
        try:
            if folder.exists() and not folder.is_dir():
                raise NotADirectoryError(20, "it is a file")
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".writable{PARTIAL}"
            probe.touch()
            probe.unlink()
            shutil.rmtree(self.partial, ignore_errors=True)
            self.partial.mkdir()
            self._tiles = rasterio.open(
                self.partial / TILES,
                "w",
                driver="GTiff",
                height=grid.shape[0],
                width=grid.shape[1],
                count=len(self.layers),
                dtype="float32",
                crs=grid.crs.to_wkt() if grid.crs else None,
                transform=grid.affine,
                nodata=NODATA,
                tiled=True,
                blockxsize=BLOCK,
                blockysize=BLOCK,
                interleave="band",
                compress="zstd",
                zstd_level=1,
                bigtiff="if_safer",
                sparse_ok=True,
            )
        except (OSError, RasterioError) as error:
            raise self._refusal(error) from error

    def __enter__(self) -> MapWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tiles.close()
        shutil.rmtree(self.partial, ignore_errors=True)

    def write(self, tile: Tile, values: Probability, valid: Valid) -> None:
        """Write a tile: ``values`` (layers, rows, columns), NoData where not ``valid`` (rows, columns)."""
        values = np.where(valid, values, np.float32(NODATA))
        window = Window(tile.columns.start, tile.rows.start, tile.shape[1], tile.shape[0])
        try:
            self._tiles.write(values, window=window)
        except (OSError, RasterioError) as error:
            raise self._refusal(error) from error

    def finish(self, run_json: str, monitor: Monitor) -> list[Path]:
        """Make the final files, and ``run.json``; return the paths of the maps."""
        self._tiles.close()
        try:
            for number, layer in enumerate(self.layers, start=1):
                monitor.report("writing", number - 1, len(self.layers), "files")
                self._write_cog(number, layer)
            monitor.report("writing", len(self.layers), len(self.layers), "files")
            run = self.partial / "run.json"
            run.write_text(run_json, encoding="utf-8")
            finals = [self.folder / f"{layer.slug}.tif" for layer in self.layers]
            for path in [*finals, self.folder / run.name]:
                (self.partial / path.name).replace(path)
        except (OSError, RasterioError) as error:
            raise self._refusal(error) from error
        return finals

    def _write_cog(self, number: int, layer: Layer) -> None:
        view = self.partial / f"{layer.slug}.vrt"
        view.write_bytes(self._view(number, layer))
        target = self.partial / f"{layer.slug}.tif"
        rasterio.shutil.copy(
            view,
            target,
            driver="COG",
            compress="DEFLATE",
            predictor="YES",
            blocksize=2 * BLOCK,
            overview_resampling="average",
            bigtiff="IF_SAFER",
            num_threads="ALL_CPUS",
        )
        view.unlink()

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

    def _refusal(self, error: Exception) -> InputError:
        reason = getattr(error, "strerror", None) or str(error)
        return InputError(
            f"The folder {self.folder} can't be written ({reason}); free some space or choose another folder."
        )
