"""Finished maps: bands of rasters of suitability, ours or another tool's, read window by window."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from ..files.gdal_names import is_gdal_name
from ..files.input_files import InputFiles
from ..maps.map_tags import PROVENANCE, MapTags
from ..protocol.products import OCCURRENCE, PROBABILITY
from ..protocol.tags import RUN_TAG
from ..rasters.ground import crs_name
from ..rasters.lattice import Tile
from ..rasters.raster import Raster, Valid, Values, lattice_offset
from ..rasters.raster_file import PICTURE_PREFIXES
from ..running.errors import InputError

MOST_OPEN = 128  # files at a time; many systems allow 256 or 1,024 in all
SUITABILITIES = ("", "favourability", "relative suitability", "occurrence")  # quantities that are one


@dataclass(frozen=True)
class MapBand:
    """One band of a finished map, counted from 1; ``species`` is its tag, else its description or file name.

    ``provenance`` holds the tags that all files of its run have, ``inputs`` what it is read from.
    """

    file: str
    band: int
    species: str
    tags: MapTags
    grid: GeoBox
    provenance: Mapping[str, str]
    inputs: InputFiles = field(default_factory=InputFiles, compare=False, repr=False)

    @property
    def is_occurrence(self) -> bool:
        """Whether values are calibrated probabilities of presence."""
        return self.tags.product == OCCURRENCE

    @property
    def run(self) -> dict[str, Any]:
        """The record of the run that made it; empty where its file says none."""
        try:
            found = json.loads(self.provenance.get(RUN_TAG, ""))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def inputs_of(bands: Iterable[MapBand], further: Iterable[str] = ()) -> InputFiles:
    """Return the files that some bands are read from, and ``further`` ones."""
    found = InputFiles(further)
    for band in bands:
        found.join(band.inputs)
    return found


def map_bands(paths: Iterable[str]) -> list[MapBand]:
    """Return the bands of suitability in some files, and in folders those that Scalescape wrote.

    Raises
    ------
    InputError
        A file can't be opened or holds something other than suitability, or a folder holds no map of ours.
    """
    found: list[MapBand] = []
    for path in dict.fromkeys(paths):
        found += _of_folder(Path(path)) if Path(path).is_dir() else _of_file(path)
    return found


def one_band(path: str) -> MapBand:
    """Return the only band of a file. Raise InputError where it holds several, or no suitability."""
    bands = _of_file(path)
    if len(bands) > 1:
        raise InputError(f"{path} holds {len(bands)} bands; give a file of one species.")
    return bands[0]


def _of_folder(folder: Path) -> list[MapBand]:
    bands = [
        band
        for path in sorted(folder.glob("*.tif"))
        for band in bands_of(str(path))
        if band.tags.product in (PROBABILITY, OCCURRENCE)
    ]
    if not bands:
        raise InputError(f"The folder {folder} holds no map of a species by Scalescape; name the files.")
    return bands


def _of_file(path: str) -> list[MapBand]:
    if not _may_be_there(path):
        raise InputError(f"There is no file or folder {path}; check its name.")
    bands = bands_of(path)
    for band in bands:
        product, quantity = band.tags.product, band.tags.quantity
        if product not in ("", PROBABILITY, OCCURRENCE) or quantity not in SUITABILITIES:
            raise InputError(f"{path} is a map of {product or quantity}; give a map of suitability.")
    return bands


def _may_be_there(path: str) -> bool:
    """Tell whether a path exists, or is a name that only GDAL can look up."""
    known_to_gdal = is_gdal_name(path) or path.lstrip().startswith(("<", *PICTURE_PREFIXES))
    return known_to_gdal or Path(path).exists()


def bands_of(path: str) -> list[MapBand]:
    """Return all bands of a raster, whatever they hold."""
    with Raster(path) as raster:
        names = raster.band_names
        found = []
        for number in range(1, raster.count + 1):
            texts = raster.tags(number)
            tags = MapTags.of(texts)
            provenance = {one: sys.intern(texts[one]) for one in PROVENANCE if one in texts}
            name = tags.species or names[number - 1] or Path(path).stem
            if not tags.species and not names[number - 1] and raster.count > 1:
                name = f"{name} {number}"
            found.append(MapBand(path, number, name, tags, raster.grid, provenance, raster.inputs))
        return found


class OpenMaps:
    """Reads bands of many files with few of them open at a time. Use as a context manager.

    Parameters
    ----------
    grid
        Windows are counted on it; every file's own grid must be of its lattice.
    """

    def __init__(self, grid: GeoBox) -> None:
        self.grid = grid
        self._open: OrderedDict[str, Raster] = OrderedDict()

    def __enter__(self) -> OpenMaps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def read(self, band: MapBand, tile: Tile) -> tuple[Values, Valid]:
        """Return the values of a band in a tile of the grid, and where it has any: (rows, columns) each."""
        values, valid = self._raster(band.file).read((band.band,), tile.rows, tile.columns)
        return values[0], valid[0]

    def _raster(self, file: str) -> Raster:
        if file in self._open:
            self._open.move_to_end(file)
            return self._open[file]
        while len(self._open) >= MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        raster = Raster(file)
        raster.put_on(self.grid, set(range(1, raster.count + 1)))
        self._open[file] = raster
        return raster


def tiles_of(grid: GeoBox, side: int) -> Iterator[Tile]:
    """Yield tiles of at most ``side`` rows and columns that cover a grid, row by row."""
    height, width = grid.shape
    for up in range(0, height, side):
        for left in range(0, width, side):
            yield Tile(slice(up, min(up + side, height)), slice(left, min(left + side, width)))


def common_part(first: MapBand, others: Sequence[MapBand]) -> GeoBox:
    """Return the grid of the pixels that several maps share.

    Raises
    ------
    InputError
        They lie on different lattices, or share no pixel; the message says which and why.
    """
    height, width = first.grid.shape
    up, left, down, right = 0, 0, height, width
    for other in others:
        offset = lattice_offset(first.grid, other.grid)
        if offset is None:
            raise InputError(f"{other.file} does not fit {first.file}: {_misfit(first.grid, other.grid)}.")
        up, left = max(up, offset[0]), max(left, offset[1])
        down, right = min(down, offset[0] + other.grid.shape[0]), min(right, offset[1] + other.grid.shape[1])
        if up >= down or left >= right:
            raise InputError(f"{other.file} and {first.file} share no pixel; give maps of one area.")
    return first.grid[up:down, left:right]


def _misfit(one: GeoBox, other: GeoBox) -> str:
    """Return in words why two grids are not of one lattice, and what to do."""
    if one.crs != other.crs:
        return f"one is in {crs_name(one.crs)}, the other in {crs_name(other.crs)}; warp one onto the other"
    sizes = [(grid.affine.a, -grid.affine.e) for grid in (one, other)]
    if not np.allclose(sizes[0], sizes[1], rtol=1e-6):
        shown = ["{:.9g} × {:.9g}".format(*size) for size in sizes]
        return f"pixels of {shown[0]} and of {shown[1]}; map both with one step"
    return "pixels are shifted by part of a pixel; map both from rasters of one grid"
