"""Placebo predictors: rasters as rough as the real ones that know nothing, under a config of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from ...models.whole_file import whole_file
from ..aside import writing
from ..patches.raster_source import RasterSource, pixels_of
from ..rasters.geotiff import demand_same
from ..rasters.raster import Valid, Values
from ..training.config import TrainingConfig
from ..training.shape import scales_of
from ..training.supplies import RasterSupply, Spots, supply_of
from .phase_randomisation import phase_randomised

PLACEBO_SEED = 8  # tells its random numbers from those of blocks and background points
TILE = 256


def can_be_randomised(config: TrainingConfig) -> bool:
    """Tell whether all modalities come from rasters; ready-made images and columns have no neighbourhood."""
    return all(one.inputs for one in config.modality.values())


def placebo_config(config: TrainingConfig, spots: Spots, draw: int, seed: int, folder: Path) -> TrainingConfig:
    """Return a config whose rasters are phase-randomised copies, written to ``folder`` unless they are there.

    Parameters
    ----------
    config
        Of the real rasters.
    spots
        All places of the study; the copies cover them and the windows around them.
    draw, seed
        Decide the random phases.
    folder
        Where the rasters go, one a modality.

    Raises
    ------
    InputError
        A raster can't be read, or the folder can't be written.
    """
    modalities = {}
    for number, (name, one) in enumerate(config.modality.items()):
        supply = supply_of(name, one)
        if not isinstance(supply, RasterSupply):
            raise ValueError("only rasters can be randomised")
        file = folder / f"{name}.tif"
        if not file.is_file():
            side = max(scales_of(config, name))
            with supply.source(spots, 1) as source:
                _write(source, _around(source, spots, side), (seed, PLACEBO_SEED, draw, number), file)
        modalities[name] = one.model_copy(update={"inputs": (str(file),), "nodata": None})
    return config.model_copy(update={"modality": modalities})


def _around(source: RasterSource, spots: Spots, side: int) -> tuple[slice, slice]:
    """Return rows and columns of the raster that hold all places and their windows."""
    found = []
    for pixels, length in zip(
        pixels_of(source.grid, spots.x, spots.y, spots.crs), source.grid.shape, strict=True
    ):
        radius = side // 2
        found.append(slice(max(0, int(pixels.min()) - radius), min(length, int(pixels.max()) + radius + 1)))
    return found[0], found[1]


def _write(source: RasterSource, part: tuple[slice, slice], seed: tuple[int, ...], file: Path) -> None:
    values, valid = source.window(*part)
    source.demand_unchanged()
    made = _categories(values, valid, source.categorical, seed)
    made[~valid] = np.nan
    rows, columns = part
    with writing(file.parent, RasterioError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(file) as beside:
            _write_raster(beside, made, source, (rows.start, columns.start))


def _write_raster(file: Path, made: Values, source: RasterSource, first: tuple[int, int]) -> None:
    with rasterio.open(
        file,
        "w",
        driver="GTiff",
        count=len(made),
        height=made.shape[1],
        width=made.shape[2],
        dtype="float32",
        crs=source.grid.crs.to_wkt() if source.grid.crs else None,
        transform=source.grid.affine * Affine.translation(first[1], first[0]),
        nodata=np.nan,
        tiled=True,
        blockxsize=TILE,
        blockysize=TILE,
    ) as raster:
        raster.write(made)
        for number, name in enumerate(source.bands, start=1):
            raster.set_band_description(number, name)
    demand_same(file, made)


def _categories(values: Values, valid: Valid, categorical: tuple[bool, ...], seed: tuple[int, ...]) -> Values:
    """Return all bands randomised; of a categorical one each category's indicator is, and the largest wins."""
    made = phase_randomised(values, valid, seed)
    for band in np.flatnonzero(categorical):
        held = valid[band]
        categories = np.unique(values[band][held])
        indicators = (values[band] == categories[:, None, None]).astype(np.float32)
        fields = phase_randomised(indicators, np.broadcast_to(held, indicators.shape), seed)
        made[band] = categories[np.argmax(fields, axis=0)]
    return made
