"""Bands of several rasters on one grid, read as one stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from ..errors import InputError
from .raster import Raster, Valid, Values


@dataclass(frozen=True)
class BandSource:
    """Where one band comes from; ``band`` is counted from 1."""

    raster: Raster
    band: int

    @property
    def name(self) -> str:
        """The band's description, else the name of a file that holds no other band, else empty."""
        described = self.raster.band_names[self.band - 1]
        return described or (Path(self.raster.file).stem if self.raster.count == 1 else "")


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
            offered.append(BandSource(raster, band))
    taken = [(source.raster.file, source.band) for source in offered]
    twice = next((one for one in taken if taken.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"Band {twice[1]} of {twice[0]} is given twice for {whose}; name each band once.")
    return offered
