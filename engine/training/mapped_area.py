"""The ground that a training's rasters cover: where all of them have values, and points drawn from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from ..recipes.config import TrainingConfig
from ..recipes.shape import scales_of
from ..sites.background import Area, random_points
from ..sites.coordinate_checks import Inside
from ..sites.site_table import Floats
from .supplies import RasterSupply, Supply, supply_of

MAP_POINTS = 5000  # by which the map's distance from the data is known to a few percent


def where_seen(
    config: TrainingConfig, supplies: tuple[Supply, ...]
) -> tuple[GeoBox | None, Inside | None, float | None]:
    """Return the finest raster's grid, what tells where rasters have values, and the smallest window (m)."""
    rasters = [one for one in supplies if isinstance(one, RasterSupply)]
    grounded = [one for one in supplies if one.pixel_m > 0]
    smallest = min((min(scales_of(config, one.name)) * one.pixel_m for one in grounded), default=None)
    if not rasters:
        return None, None, smallest
    return min(rasters, key=lambda one: one.pixel_m).grid, inside_of(supplies), smallest


def inside_of(supplies: tuple[Supply, ...]) -> Inside:
    """Return what tells where all rasters have values."""

    def inside(x: Floats, y: Floats, crs: CRS) -> npt.NDArray[np.bool_]:
        held = np.ones(len(x), np.bool_)
        for supply in supplies:
            if isinstance(supply, RasterSupply):
                held[held] = supply.holds(x[held], y[held], crs)
        return held

    return inside


@dataclass(frozen=True)
class MapPoints:
    """Points of the map: (points,) coordinates in ``crs``."""

    x: Floats
    y: Floats
    crs: CRS


def map_points(config: TrainingConfig, seed: int) -> MapPoints | None:
    """Return points drawn at random from where a config's rasters have values, in its area if it has one.

    They stand for the map, where background points may follow roads or other species. None without rasters.
    """
    supplies = tuple(supply_of(name, one) for name, one in config.modality.items())
    grid, inside, _ = where_seen(config, supplies)
    if grid is None or grid.crs is None:
        return None
    area = Area(config.sites.area, grid.crs) if config.sites.area else None
    x, y = random_points(grid, MAP_POINTS, seed, inside, area)
    return MapPoints(x, y, grid.crs) if len(x) else None
