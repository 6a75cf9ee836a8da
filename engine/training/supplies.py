"""Where a modality's values come from: rasters, ready-made images, or columns of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ...models.card import Card
from ..patches.column_source import ColumnSource
from ..patches.image_source import PIXEL_SIZE_M, ImageSource
from ..patches.raster_source import RasterSource, pixels_of
from ..patches.source import PatchSource
from ..rasters.ground import ground_size
from ..rasters.raster import Raster
from ..recipes.config import ModalityConfig
from ..running.errors import InputError
from ..sites.site_table import Floats


@dataclass(frozen=True)
class Spots:
    """Places as tables know them: coordinates in ``crs``, predictor columns, names of images."""

    x: Floats
    y: Floats
    crs: str
    columns: Mapping[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    patch_ids: npt.NDArray[np.str_] | None = None


class RasterSupply:
    """Raster files; the first one's grid is the modality's."""

    def __init__(self, name: str, config: ModalityConfig) -> None:
        self.name = name
        self._inputs = config.rasters(name)
        self._nodata, self._file_crs = config.nodata_by_file(), config.crs_by_file()
        self._categorical = config.categorical
        first = self._inputs[0].file
        with Raster(first, self._nodata.get(first, ()), self._file_crs.get(first, "")) as raster:
            raster.turn_home()
            self._grid = raster.grid

    @property
    def grid(self) -> GeoBox:
        """The grid of the first file."""
        return self._grid

    @property
    def pixel_m(self) -> float:
        """Side of a pixel in the middle of the raster."""
        height, width = self._grid.shape
        return sum(ground_size(self._grid, self._grid.affine * (width / 2, height / 2))) / 2

    @contextmanager
    def source(self, spots: Spots, side: int, card: Card | None = None) -> Iterator[PatchSource]:
        """Open the patches of some places; the bands are those of ``card`` by name, else all as they come."""
        with RasterSource(
            self._inputs,
            side,
            spots.x,
            spots.y,
            spots.crs,
            self._nodata,
            self._categorical,
            self._file_crs,
            card,
        ) as source:
            yield source

    def pixel_size(self, source: PatchSource) -> tuple[float, str]:
        """Return the size of a pixel in the middle of the sites."""
        if not isinstance(source, RasterSource):
            raise TypeError("not a raster's patches")
        return source.pixel_size()

    def holds(self, x: Floats, y: Floats, crs: CRS) -> npt.NDArray[np.bool_]:
        """Tell at which points all bands have a value."""
        rows, columns = pixels_of(self._grid, x, y, crs.to_wkt())
        height, width = self._grid.shape
        held = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        if held.any():
            with self.source(Spots(x, y, crs.to_wkt()), 1) as source:
                found = np.concatenate([valid.all(axis=(1, 2, 3)) for _, valid in source.chunks(lambda: None)])
                held &= found[source.places]
        return held


class ImageSupply:
    """The JPEG tree of GeoLifeCLEF 2023."""

    grid = None
    pixel_m = PIXEL_SIZE_M

    def __init__(self, name: str, config: ModalityConfig) -> None:
        self.name = name
        self._folder = Path(str(config.patches))

    @contextmanager
    def source(self, spots: Spots, side: int, card: Card | None = None) -> Iterator[ImageSource]:
        """Open the patches of some places, whose bands are always the same."""
        if spots.patch_ids is None:
            raise InputError(
                f"The images of {self.name} belong to sites by a column patchID that a table lacks; add it."
            )
        yield ImageSource(self._folder, spots.patch_ids, side)

    def pixel_size(self, source: PatchSource) -> tuple[float, str]:
        """Return the size of a pixel."""
        return PIXEL_SIZE_M, "metre"


class ColumnSupply:
    """Columns of the tables of sites."""

    grid = None
    pixel_m = 0.0

    def __init__(self, name: str, config: ModalityConfig) -> None:
        self.name = name
        self._names, self._categorical = config.columns, config.categorical

    @contextmanager
    def source(self, spots: Spots, side: int, card: Card | None = None) -> Iterator[ColumnSource]:
        """Open the values of some places; the columns are those of ``card`` by name, else all as they come."""
        if card is None:
            yield ColumnSource(spots.columns, self._names, self._categorical)
            return
        bands = card.modality(self.name).bands
        match = card.modality(self.name).match([(name,) for name in self._names])
        if match.missing:
            unclear = ", ".join(bands[i].name for i in match.missing)
            raise InputError(
                f"None of the columns of {self.name} ({', '.join(self._names)}) is clearly the model's "
                f"{unclear}; name the columns as the model does."
            )
        columns = {
            band.name: spots.columns[self._names[place]]
            for band, place in zip(bands, match.places, strict=True)
            if place is not None and self._names[place] in spots.columns
        }
        yield ColumnSource(columns, [band.name for band in bands], [b.name for b in bands if b.categories])

    def pixel_size(self, source: PatchSource) -> tuple[float, str]:
        """Return a size that no raster has to meet: table columns know none."""
        return 1.0, "metre"


Supply = RasterSupply | ImageSupply | ColumnSupply


class OwnSupply(ModalityConfig):
    """A modality that says itself where its values come from; no file of a user's holds one."""

    def supply(self, name: str) -> Supply:
        """Return what reads its values."""
        raise NotImplementedError


def supply_of(name: str, config: ModalityConfig) -> Supply:
    """Return a modality's supply. Raises InputError where the first raster can't be opened."""
    if isinstance(config, OwnSupply):
        return config.supply(name)
    if config.columns:
        return ColumnSupply(name, config)
    return ImageSupply(name, config) if config.patches else RasterSupply(name, config)
