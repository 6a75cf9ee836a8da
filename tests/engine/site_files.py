"""Configs and tables for the tests of sites."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from rasterio.transform import Affine
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.recipes.recipe import recipe_of
from scalescape.engine.sites.preparation import Prepared, prepare


def prepared(
    folder: Path,
    sites: str,
    crs: str | None = None,
    inside: object = None,
    grid: GeoBox | None = None,
    smallest_scale_m: float | None = None,
    modality: str = 'inputs = ["grid.tif"]',
    **changes: object,
) -> Prepared:
    """What a ``[sites]`` table becomes; background points are few and rare species stay by default."""
    (folder / "grid.tif").touch()
    path = folder / "train.toml"
    path.write_text(f"[sites]\n{sites}\n[modality.bioclim]\n{modality}\n", encoding="utf-8")
    config = read_config(path)
    recipe = replace(recipe_of(config), **{"n_background": 20, "min_records": 1, **changes})
    if grid is None and not config.modality["bioclim"].columns:
        grid = pixel_grid(1.0, crs or "EPSG:32631")
    return prepare(config, recipe, CRS(crs) if crs else None, inside, smallest_scale_m, grid)


def pixel_grid(
    size: float, crs: str = "EPSG:32631", side: int = 100, left: float = 0, top: float = 100
) -> GeoBox:
    """A grid of square pixels whose upper left corner is ``left``, ``top``."""
    return GeoBox((side, side), Affine(size, 0, left, 0, -size, top), CRS(crs))


def found_at(prepared_sites: object) -> dict[tuple[float, float], set[str]]:
    """Species by place."""
    sites = prepared_sites
    dense = sites.found.toarray()
    return {
        (x, y): {sites.species[i] for i in np.flatnonzero(row)}
        for x, y, row in zip(sites.x.tolist(), sites.y.tolist(), dense, strict=True)
    }
