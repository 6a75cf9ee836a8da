"""Draws made-up districts: named polygons with ragged borders that share out a box without gaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

NAMES = ("Aldermoor", "Birchdale", "Coldfell", "Dunmere", "Elmridge", "Fernside")
COLUMNS, ROWS = 3, 2  # of the lattice that the districts' middles are shifted from
SHIFT = 0.55  # of a lattice cell, at most
PARISHES = 260  # small cells that districts are made of: the more, the finer their borders


def draw_districts(box: tuple[float, float, float, float], seed: int) -> list[shapely.Geometry]:
    """Return a polygon a name of ``NAMES``, in rows from the north-west; together they are ``box``.

    ``box`` is left, bottom, right, top. Each Voronoi cell of random points goes to the nearest of six middles.
    """
    left, bottom, right, top = box
    size = np.array([right - left, top - bottom])
    random = np.random.default_rng(seed)
    lattice = np.array([(x, ROWS - 1 - y) for y in range(ROWS) for x in range(COLUMNS)])
    shares = (lattice + 0.5 + SHIFT * (random.random(lattice.shape) - 0.5)) / (COLUMNS, ROWS)
    middles = (left, bottom) + shares * size
    points = (left, bottom) + random.random((PARISHES, 2)) * size
    whole = shapely.box(*box)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=whole))
    parishes = shapely.intersection(cells, whole)
    seats = shapely.get_coordinates(shapely.centroid(parishes))
    nearest = ((seats[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)
    return [shapely.union_all(parishes[nearest == number]) for number in range(len(NAMES))]


def write_districts(file: Path, box: tuple[float, float, float, float], crs: str, seed: int) -> None:
    """Write the districts as a GeoPackage with a field ``name``."""
    polygons = shapely.to_wkb(np.array(draw_districts(box, seed), object))
    names = np.array(NAMES, object)
    pyogrio.raw.write(
        file, polygons, [names], ["name"], layer="districts", driver="GPKG", geometry_type="Polygon", crs=crs
    )
