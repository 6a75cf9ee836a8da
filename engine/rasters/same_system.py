"""Whether two coordinate systems give a place the same coordinates."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS

from .ground import LONLAT, transformer

Floats = npt.NDArray[np.float64]

SAME = 1e-6  # degrees, a decimetre
METRES_PER_DEGREE = 111_000
WORLD = (-179.0, -89.0, 179.0, 89.0)


def is_same_system(one: CRS, other: CRS) -> bool:
    """Tell whether two systems give a place the same coordinates, x first in both, within a decimetre.

    Places in the area of use of each are tried: beyond it a transformation may leave coordinates as they are.
    """
    if one == other:
        return True
    if one.geographic != other.geographic:
        return False
    limit = SAME if one.geographic else SAME * METRES_PER_DEGREE
    for crs in (one, other):
        places = [transformer(LONLAT, system).transform(*_places_in(crs)) for system in (one, other)]
        gap = np.abs(np.asarray(places[0]) - np.asarray(places[1]))
        if not np.isfinite(gap).all() or gap.max() > limit:
            return False
    return True


def _places_in(crs: CRS) -> tuple[Floats, Floats]:
    """Return longitudes and latitudes of a few places in the area of use of a system."""
    area = crs.proj.area_of_use
    west, south, east, north = WORLD if area is None else area.bounds
    width = east - west if east >= west else east + 360 - west
    return west + width * np.array([0.2, 0.5, 0.8]), south + (north - south) * np.array([0.3, 0.5, 0.7])
