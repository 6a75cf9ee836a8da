"""Bands of several rasters on one grid, read as one stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from ...models.band_names import says_nothing
from ..files.gdal_names import stem_of
from ..running.errors import InputError
from .raster import Raster, Valid, Values

NETCDF_NAME = "NETCDF_VARNAME"  # the tag in which GDAL has a variable's name


@dataclass(frozen=True)
class BandSource:
    """Where one band comes from; ``band`` is counted from 1."""

    raster: Raster
    band: int

    @property
    def described(self) -> str:
        """The band's description; empty where it has none, or one such as Band 1, which says nothing."""
        description = self.raster.band_names[self.band - 1]
        return "" if says_nothing([description]) else description

    @property
    def name(self) -> str:
        """The band's description, else the name of a file that holds no other band, else empty."""
        if self.described or self.raster.count > 1:
            return self.raster.band_names[self.band - 1]
        return self.file_name

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be recognised by: its description; of a file with no other band also the file's name."""
        found = [self.raster.band_names[self.band - 1]]
        if self.raster.count == 1:
            found += [self.file_name, self.raster.tags(self.band).get(NETCDF_NAME, "")]
        return tuple(name for name in found if name)

    @property
    def file_name(self) -> str:
        """The name of its file or, in a file of several rasters, of the raster."""
        return stem_of(self.raster.file)

    @property
    def label(self) -> str:
        """What it is called in a sentence: file, number and description, where it has them."""
        file = Path(self.raster.file).name
        if self.raster.count == 1:
            return file + (f" ({self.described})" if self.described else "")
        description = self.raster.band_names[self.band - 1]
        return f"band {self.band}" + (f" ({description})" if description else "") + f" of {file}"


class BandStack:
    """Bands in order, on the grid of the first one's file until ``put_on``; ``close`` it at the end."""

    def __init__(self, sources: Sequence[BandSource]) -> None:
        self.sources = tuple(sources)
        self.grid = self.sources[0].raster.grid

    def close(self) -> None:
        """Close all files."""
        for raster in self.rasters:
            raster.close()

    @property
    def rasters(self) -> list[Raster]:
        """Each raster, once."""
        return list(dict.fromkeys(source.raster for source in self.sources))

    def put_on(self, grid: GeoBox, categorical: Sequence[bool]) -> list[Raster]:
        """Put all files on ``grid``; return those that are resampled.

        ``categorical`` tells by band which are never interpolated; nor are the other bands of such a file.
        """
        for raster in self.rasters:
            mine = [i for i, source in enumerate(self.sources) if source.raster is raster]
            raster.put_on(
                grid,
                {self.sources[i].band for i in mine},
                interpolate=not any(categorical[i] for i in mine),
            )
        self.grid = grid
        return [raster for raster in self.rasters if raster.resampled]

    def values(self, rows: slice, columns: slice) -> tuple[Values, Valid]:
        """Return a window in the files' units and where it holds values: each (bands, rows, columns)."""
        values: list[Any] = [None] * len(self.sources)
        valid: list[Any] = [None] * len(self.sources)
        for raster in self.rasters:
            places = [i for i, source in enumerate(self.sources) if source.raster is raster]
            bands = tuple(self.sources[i].band for i in places)
            read_values, read_valid = raster.read(bands, rows, columns)
            for place, one, mask in zip(places, read_values, read_valid, strict=True):
                values[place], valid[place] = one, mask
        return np.stack(values), np.stack(valid)


def offered_bands(rasters: Sequence[tuple[Raster, Sequence[int]]], whose: str) -> list[BandSource]:
    """Return the bands of rasters in order; an empty choice of bands means all of a raster's.

    Raises
    ------
    InputError
        A band does not exist or is given twice for ``whose``, the name of a modality.
    """
    offered: list[BandSource] = []
    for raster, bands in rasters:
        for band in bands or range(1, raster.count + 1):
            if not 1 <= band <= raster.count:
                raise InputError(f"{raster.file} has {raster.count} bands, no band {band}; choose another.")
            if raster.stored_dtype(band).kind == "c":
                raise InputError(
                    f"Band {band} of {raster.file} holds complex numbers, which no network takes; write their "
                    "amplitude or phase to a file first."
                )
            offered.append(BandSource(raster, band))
    taken = [(source.raster.file, source.band) for source in offered]
    twice = next((one for one in taken if taken.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"Band {twice[1]} of {twice[0]} is given twice for {whose}; name each band once.")
    return offered
