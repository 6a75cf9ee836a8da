"""A map of named categories: numbers with a colour and a name each, as a Cloud-Optimized GeoTIFF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType

# XML is written here and never parsed, so what bandit fears of this module can not happen.
from xml.etree.ElementTree import Element, SubElement, tostring  # nosec B405

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox

from ..files.aside import BESIDE, GROWING, Aside, refusal
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..words.branch_colours import Colour
from .geotiff import FAILURES, copy_as_cog, demand_whole, growing, window_of

NODATA = 0
NO_NAME = "no value"
# Columns of the attribute table: name, GDALRATFieldType (0 whole number, 2 text), GDALRATFieldUsage.
TABLE = (("Value", 0, 5), ("Category", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))


@dataclass(frozen=True)
class Category:
    """What a number in the map means; the first one is 1."""

    name: str
    colour: Colour


class CategoryWriter:
    """Writes a map of categories into a folder. Use as a context manager; ``finish`` makes the file.

    Parameters
    ----------
    aside
        Where the file grows.
    grid
        The map's grid.
    categories
        Those that occur in it, from 1 on.
    slug, description, tags
        File name without ending, what the band is, and the file's provenance.

    Raises
    ------
    InputError
        The folder can't be written.
    """

    def __init__(
        self,
        aside: Aside,
        grid: GeoBox,
        categories: Sequence[Category],
        slug: str,
        description: str,
        tags: Mapping[str, str],
    ) -> None:
        self._aside = aside
        self._grid = grid
        self._categories = list(categories)
        self.name = f"{slug}.tif"
        self._description = description
        self._tags = dict(tags)
        self._valid_pixels = 0
        self._tiles_name = f".{slug}{GROWING}"
        self._dtype = "uint8" if len(self._categories) < 256 else "uint16"
        try:
            self._tiles = growing(aside.path / self._tiles_name, grid, self._dtype, NODATA, count=1)
            colours = {n: (*one.colour, 255) for n, one in enumerate(self._categories, start=1)}
            self._tiles.write_colormap(1, {NODATA: (0, 0, 0, 0), **colours})  # before any pixel is written
        except FAILURES as error:
            raise refusal(aside.folder, error) from error

    def __enter__(self) -> CategoryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tiles.close()

    def write(self, tile: Tile, places: npt.NDArray[np.intp], valid: Valid) -> None:
        """Write a tile: ``places`` (rows, columns) in the list of categories, where ``valid``."""
        numbers = np.where(valid, places + 1, NODATA).astype(self._dtype)
        self._valid_pixels += int(valid.sum())
        try:
            self._tiles.write(numbers, 1, window=window_of(tile))
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error

    def finish(self) -> list[str]:
        """Make the file, still aside; return its name and that of the file with its categories' names.

        A GeoTIFF holds the colours; the names stand in GDAL's file beside it (``.aux.xml``), where QGIS and
        GDAL look for them, and once more in the tags ``CATEGORY_1`` and so on.
        """
        names = {f"CATEGORY_{n}": one.name for n, one in enumerate(self._categories, start=1)}
        target = self._aside.path / self.name
        beside = target.with_name(f"{self.name}{BESIDE}")
        try:
            self._tiles.set_band_description(1, self._description)
            self._tiles.update_tags(**self._tags, **names)
            self._tiles.close()
            copy_as_cog(self._aside.path / self._tiles_name, target, "mode", num_threads="ALL_CPUS")
            demand_whole(target, NODATA, self._valid_pixels)
            beside.write_bytes(self._names())
        except FAILURES as error:
            raise refusal(self._aside.folder, error) from error
        return [self.name, beside.name]

    def _names(self) -> bytes:
        """Return GDAL's XML with the categories' names, and as a table, from which QGIS makes the legend.

        See https://gdal.org/en/stable/user/raster_data_model.html; types and usages are numbers of its API.
        """
        root = Element("PAMDataset")
        band = SubElement(root, "PAMRasterBand", band="1")
        SubElement(band, "Description").text = self._description
        names = SubElement(band, "CategoryNames")
        for name in [NO_NAME, *(one.name for one in self._categories)]:
            SubElement(names, "Category").text = name
        table = SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
        for index, (name, kind, usage) in enumerate(TABLE):
            field = SubElement(table, "FieldDefn", index=str(index))
            SubElement(field, "Name").text = name
            SubElement(field, "Type").text = str(kind)
            SubElement(field, "Usage").text = str(usage)
        for number, category in enumerate(self._categories, start=1):
            row = SubElement(table, "Row", index=str(number - 1))
            for value in (number, category.name, *category.colour):
                SubElement(row, "F").text = str(value)
        return tostring(root)
