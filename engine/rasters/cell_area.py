"""How large each pixel of a grid is on the ground."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Transformer
from rasterio.transform import Affine
from scipy.interpolate import RectBivariateSpline

from ..running.errors import InputError
from .ground import crs_name
from .lattice import Tile
from .raster import Valid

Floats = npt.NDArray[np.float64]

NODE_PX = 16  # between pixels whose area is computed; between them it is interpolated
LEAST_NODES = 4  # for a cubic spline


def cell_areas(grid: GeoBox, tile: Tile, needed: Valid | None = None) -> Floats:
    """Return the area on the ellipsoid of each pixel of a tile in km², (rows, columns).

    In longitude and latitude it is exact (Snyder 1987, equation 3-12). In any other system the corners of
    pixels are put on an equal-area projection around the middle of the tile; areas change so smoothly that
    every 16th pixel along both sides and a cubic spline between give them all; where some of those lie off the
    earth, as at the corners of a map of the globe, every pixel is a geodesic polygon.

    Pixels off the earth have an area of 0; ``needed`` (rows, columns) tells which must have one: all by
    default.

    Raises
    ------
    InputError
        As ``demand_areas`` does.
    """
    if grid.crs is None:
        raise ValueError("a grid without a CRS has no area")
    part = grid[tile.rows, tile.columns]
    crs = grid.crs.proj
    if crs.is_geographic:
        return np.broadcast_to(_rows_of_degrees(part, crs)[:, None], part.shape) / 1e6
    areas = np.nan_to_num(_projected(part, crs)) / 1e6
    demand_areas(grid, areas, np.ones(part.shape, np.bool_) if needed is None else needed)
    return areas


def demand_areas(grid: GeoBox, areas: Floats, needed: Valid) -> None:
    """Raise InputError where pixels that are ``needed`` lie off the earth, as the grid's system shows it."""
    if grid.crs is not None and not grid.crs.geographic and (needed & (areas == 0)).any():
        raise InputError(
            f"A part of the map lies outside of what {crs_name(grid.crs)} can show of the earth, so that its "
            "area is unknown; cut the map first."
        )


def _rows_of_degrees(part: GeoBox, crs: CRS) -> Floats:
    """Return the area of a pixel in each row, in m²."""
    to_radians = crs.axis_info[0].unit_conversion_factor
    edges = part.affine.f + part.affine.e * np.arange(part.shape[0] + 1)
    latitude = np.clip(edges * to_radians, -np.pi / 2, np.pi / 2)
    a, b = _axes(crs)
    e = np.sqrt(1 - (b / a) ** 2)
    sine = np.sin(latitude)
    if e == 0:
        below = a**2 * sine
    else:
        below = a**2 * (1 - e**2) / 2 * (sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e)
    return np.abs(np.diff(below)) * abs(part.affine.a) * to_radians


def _projected(part: GeoBox, crs: CRS) -> Floats:
    plane = _equal_area(part, crs)
    rows, columns = (_nodes(side) for side in part.shape)
    if min(len(rows), len(columns)) == 1:  # a spline needs two
        return _at(part.affine, np.arange(part.shape[0]), np.arange(part.shape[1]), plane)
    at_nodes = _at(part.affine, rows, columns, plane)
    if not np.isfinite(at_nodes).all():
        return _one_by_one(part, crs)
    if at_nodes.shape == part.shape:
        return at_nodes
    order = [min(3, len(nodes) - 1) for nodes in (rows, columns)]
    spline = RectBivariateSpline(rows, columns, at_nodes, kx=order[0], ky=order[1], s=0)
    return np.asarray(spline(np.arange(part.shape[0]), np.arange(part.shape[1])), np.float64)


def _one_by_one(part: GeoBox, crs: CRS) -> Floats:
    """Return the geodesic area of each pixel in m², NaN off the earth: slow, and right over the whole globe."""
    down, across = np.mgrid[: part.shape[0] + 1, : part.shape[1] + 1]
    x, y = part.affine.c + part.affine.a * across, part.affine.f + part.affine.e * down
    lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    around = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None)),
              (slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]  # fmt: skip
    lon, lat = (np.stack([values[place] for place in around], axis=-1) for values in (lon, lat))
    a, b = _axes(crs)
    geod, areas = Geod(a=a, b=b), np.full(part.shape, np.nan)
    for pixel in np.argwhere((np.isfinite(lon) & np.isfinite(lat)).all(axis=-1)):
        areas[tuple(pixel)] = abs(geod.polygon_area_perimeter(lon[tuple(pixel)], lat[tuple(pixel)])[0])
    return areas


def _nodes(side: int) -> npt.NDArray[np.int64]:
    """Return the pixels along a side whose area is computed: the first, the last, and those between."""
    count = max(LEAST_NODES, -(-side // NODE_PX) + 1)
    return np.arange(side) if count >= side else np.unique(np.linspace(0, side - 1, count).astype(np.int64))


def _at(
    affine: Affine, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], to_plane: Transformer
) -> Floats:
    """Return the area of some pixels in m²: the shoelace formula on their corners in an equal-area plane."""
    down = np.array([0, 0, 1, 1])[:, None, None] + rows[None, :, None]
    across = np.array([0, 1, 1, 0])[:, None, None] + columns[None, None, :]
    easting, northing = np.broadcast_arrays(affine.c + affine.a * across, affine.f + affine.e * down)
    x, y = to_plane.transform(easting, northing)
    known = (np.isfinite(x) & np.isfinite(y)).all(axis=0)
    x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
    x, y = x - x[:1], y - y[:1]
    areas = np.abs((x * np.roll(y, -1, axis=0) - np.roll(x, -1, axis=0) * y).sum(axis=0)) / 2
    return np.where(known, areas, np.nan)


def _equal_area(part: GeoBox, crs: CRS) -> Transformer:
    """Return the way from a grid's system to an equal-area plane (Lambert's) on its own ellipsoid."""
    box = part.boundingbox
    geographic = crs.geodetic_crs
    if geographic is None:
        raise InputError(f"The system {crs.name} has no place on the earth; assign the map another.")
    middle = Transformer.from_crs(crs, geographic, always_xy=True).transform(
        (box.left + box.right) / 2, (box.bottom + box.top) / 2
    )
    lon, lat = (float(one) if np.isfinite(middle).all() else 0.0 for one in middle)
    a, b = _axes(crs)
    plane = CRS.from_proj4(f"+proj=laea +lon_0={lon!r} +lat_0={lat!r} +a={a!r} +b={b!r} +units=m")
    return Transformer.from_crs(crs, plane, always_xy=True)


def _axes(crs: CRS) -> tuple[float, float]:
    """Return the half axes of a system's ellipsoid in metres."""
    ellipsoid = crs.ellipsoid
    if ellipsoid is None:
        raise InputError(f"The system {crs.name} has no ellipsoid, so areas are unknown; assign another.")
    return float(ellipsoid.semi_major_metre), float(ellipsoid.semi_minor_metre)
