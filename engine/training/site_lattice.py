"""Sites on a lattice of pixels: found in their coordinates, and background points put on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from odc.geo.geobox import GeoBox

from ...models.architecture import Architecture
from ...models.card import Modality
from ..patches.raster_source import RasterSource, pixels_of
from ..rasters.normalisation import Normalisation
from ..rasters.raster import Values
from ..sites.background import Background
from ..sites.coordinate_checks import Inside
from ..sites.site_table import SiteTable
from .sights import Integers, lattice_pays, lattice_step


@dataclass(frozen=True)
class SiteLattice:
    """A lattice of every ``step``-th pixel of ``grid`` through the pixel (``row``, ``column``)."""

    grid: GeoBox
    step: int
    row: int
    column: int

    @classmethod
    def of(cls, sites: SiteTable, grid: GeoBox, architecture: Architecture, name: str) -> SiteLattice | None:
        """Return the lattice that all sites lie on, None where they lie on none on which tiles would pay."""
        rows, columns = pixels_of(grid, sites.x, sites.y, sites.crs)
        step = lattice_step(rows, columns)
        if step < 2 or not lattice_pays(architecture, name, step, rows, columns):
            return None
        return cls(grid, step, int(rows.min()), int(columns.min()))

    def moved(self, background: Background, inside: Inside) -> Background:
        """Return background points at the nearest lattice positions that have values, each once.

        They then are as random over the lattice as they were over the ground, and share tiles with the sites.
        """
        rows, columns = pixels_of(self.grid, background.x, background.y, background.crs)
        cells = np.stack([self._nearest(rows, self.row), self._nearest(columns, self.column)])
        cells = np.unique(cells, axis=1)
        height, width = self.grid.shape
        cells = cells[:, (cells >= 0).all(axis=0) & (cells[0] < height) & (cells[1] < width)]
        a, crs = self.grid.affine, self.grid.crs
        if crs is None:
            raise ValueError("a grid without a CRS")
        x, y = a.c + a.a * (cells[1] + 0.5), a.f + a.e * (cells[0] + 0.5)
        held = inside(x, y, crs)
        return replace(background, x=x[held], y=y[held])

    def _nearest(self, pixels: Integers, first: int) -> Integers:
        return first + (pixels - first + self.step // 2) // self.step * self.step


class RasterScene:
    """The normalised channels of open rasters, by window."""

    def __init__(self, source: RasterSource, modality: Modality) -> None:
        self._source = source
        self._normalisation = Normalisation(modality.bands)

    def window(self, rows: slice, columns: slice) -> Values:
        """Return (channels, rows, columns) of a window that may leave the raster; NoData is filled."""
        return self._normalisation.channels_of(*self._source.window(rows, columns))
