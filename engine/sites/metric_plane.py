"""A plane in metres for distances between sites, whatever their coordinate system."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine

from ..rasters.ground import LONLAT, TOLERANCE, ground_size, transformer
from .site_table import Floats

Places = npt.NDArray[np.float64]  # (points, 2), metres


class MetricPlane:
    """Coordinates in metres: the sites' own where those are true to scale, else equal-area about their middle.

    Parameters
    ----------
    x, y
        (sites,) coordinates in ``crs``.
    crs
        Their system. Where a unit of it is not a metre on the ground within 2 % in their middle (degrees, feet,
        Web Mercator), Lambert's azimuthal equal-area projection is taken.
    """

    def __init__(self, x: Floats, y: Floats, crs: CRS) -> None:
        at = float(np.median(x)), float(np.median(y))
        self.crs = crs if _true_to_scale(crs, at) else _equal_area(crs, at)

    def places(self, x: Floats, y: Floats, crs: CRS) -> Places:
        """Return points given in ``crs`` as (points, 2) in metres."""
        if crs != self.crs:
            x, y = transformer(crs, self.crs).transform(x, y)
        return np.stack([x, y], axis=1).astype(np.float64)


def _true_to_scale(crs: CRS, at: tuple[float, float]) -> bool:
    if crs.geographic:
        return False
    unit = GeoBox((1, 1), Affine(1, 0, at[0], 0, -1, at[1]), crs)
    return all(abs(metres - 1) <= TOLERANCE for metres in ground_size(unit, at))


def _equal_area(crs: CRS, at: tuple[float, float]) -> CRS:
    longitude, latitude = transformer(crs, LONLAT).transform(*at)
    return CRS(f"+proj=laea +lat_0={latitude:.6f} +lon_0={longitude:.6f} +datum=WGS84 +units=m +type=crs")
