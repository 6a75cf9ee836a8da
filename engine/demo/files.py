"""The files of a demo landscape, as the ``demo`` command writes them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

from ..maps.geotiff import demand_same
from .climate import VARIABLES
from .landscape import CRS, Landscape
from .scene import BANDS, REFLECTANCE_SCALE
from .sites import presence_only_sites, surveyed_sites
from .virtual_species import SPECIES

# done, total: files written so far and in all
Progress = Callable[[int, int], None]

TILE_PX = 256
TRUTH_NODATA = -1.0  # declared as is usual, though truth is defined at every pixel

# The rasters of a landscape in a training config, with the scales that its drivers belong to.
MODALITIES_TOML = """\
[modality.bioclim]
inputs = ["bioclim.tif"]
scales = [1, 5]
backbone = "pointwise"

[modality.satellite]
inputs = ["satellite.tif"]
scales = [25, 59, 115]
backbone = "residual"
"""

_TRAIN_TOML = """\
# Trains a small network on the demo landscape in this folder.

[sites]
train = "sites_po.csv"
test = "sites_pa.csv"
kind = "po"
species = "species"
test_species_columns = {species_columns}
x = "x"
y = "y"
crs = "{crs}"

{modalities}
[model]
preset = "default"

[training]
epochs = 10
seed = 42
lambda2 = 0.5
n_background = 10000
min_records = 20
thin_m = 0
batch_size = 256
learning_rate = 0.001
width = 0.125
folds = 5
blocks_km = "auto"
buffer_km = 1.2  # the widest satellite window; one as wide as the climate's 5 km would leave no training site
"""


def train_toml(species: Sequence[str]) -> str:
    """The training config of a landscape whose surveys have these species as columns."""
    columns = json.dumps(list(species), ensure_ascii=False)
    return _TRAIN_TOML.format(species_columns=columns, crs=CRS, modalities=MODALITIES_TOML)


def write_landscape(landscape: Landscape, folder: Path, progress: Optional[Progress] = None) -> list[Path]:
    """Writes rasters, sites, a training config, the truth and ``landscape.json`` into a folder.

    Args:
        landscape: what to write.
        folder: made if it is missing; files of the same names are overwritten.
        progress: told after each file how many are done.

    Returns:
        The files, in the order they were written.
    """
    total = 6 + len(SPECIES)
    written: list[Path] = []

    def note(path: Path) -> None:
        written.append(path)
        if progress is not None:
            progress(len(written), total)

    (folder / "truth").mkdir(parents=True, exist_ok=True)
    note(_write_satellite(landscape, folder / "satellite.tif"))
    note(_write_bioclim(landscape, folder / "bioclim.tif"))
    note(_write_records(landscape, folder / "sites_po.csv"))
    note(_write_surveys(landscape, folder / "sites_pa.csv"))
    note(_write_training_config(folder / "train.toml"))
    for index, species in enumerate(SPECIES):
        path = folder / "truth" / f"{species.slug}.tif"
        note(_write_truth(landscape, index, path))
    note(_write_description(landscape, folder / "landscape.json"))
    return written


def describe(landscape: Landscape) -> dict[str, Any]:
    """What ``landscape.json`` says: species, drivers, their shares and the dominant scale."""
    species = []
    for one, shares, shown in zip(SPECIES, landscape.shares, landscape.prevalence):
        drivers = [
            {
                "modality": driver.modality,
                "scale": driver.scale,
                "variable": driver.quantity.name,
                "share": share,
            }
            for driver, share in zip(one.drivers, shares)
        ]
        species.append(
            {
                "name": one.name,
                "truth": f"truth/{one.slug}.tif",
                "prevalence": float(shown),
                "drivers": drivers,
                "dominant": _dominant(drivers),
            }
        )
    return {"seed": landscape.seed, "size": landscape.size, "crs": CRS, "species": species}


def _dominant(drivers: list[dict[str, Any]]) -> dict[str, Any]:
    """The modality with the largest summed share, and in it the scale with the largest."""
    by_modality: dict[str, float] = {}
    by_scale: dict[tuple[str, int], float] = {}
    for driver in drivers:
        modality, scale = driver["modality"], driver["scale"]
        by_modality[modality] = by_modality.get(modality, 0.0) + driver["share"]
        by_scale[modality, scale] = by_scale.get((modality, scale), 0.0) + driver["share"]
    best = max(by_modality, key=by_modality.__getitem__)
    scale = max((key for key in by_scale if key[0] == best), key=by_scale.__getitem__)[1]
    return {"modality": best, "scale": scale}


def _write_satellite(landscape: Landscape, path: Path) -> Path:
    descriptions = [f"reflectance × {REFLECTANCE_SCALE}"] * len(BANDS)
    transform = landscape.satellite_transform
    return _write_raster(path, landscape.satellite, transform, BANDS, descriptions, nodata=0)


def _write_bioclim(landscape: Landscape, path: Path) -> Path:
    names = tuple(variable.name for variable in VARIABLES)
    descriptions = [f"{variable.description}, {variable.unit}" for variable in VARIABLES]
    units = [variable.unit for variable in VARIABLES]
    return _write_raster(
        path, landscape.bioclim, landscape.bioclim_transform, names, descriptions, nodata=-9999.0, units=units
    )


def _write_truth(landscape: Landscape, index: int, path: Path) -> Path:
    name = SPECIES[index].name
    values = landscape.truth[index : index + 1]
    long_name = f"true probability of {name}"
    return _write_raster(path, values, landscape.satellite_transform, (name,), [long_name], nodata=TRUTH_NODATA)


def _write_raster(
    path: Path,
    values: npt.NDArray[np.generic],
    transform: Affine,
    names: tuple[str, ...],
    long_names: list[str],
    nodata: float,
    units: Optional[list[str]] = None,
) -> Path:
    """Writes bands of shape ``(bands, height, width)`` as a tiled, deflated GeoTIFF."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=values.shape[0],
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype.name,
        crs=CRS,
        transform=transform,
        nodata=nodata,
        tiled=True,
        blockxsize=TILE_PX,
        blockysize=TILE_PX,
        compress="deflate",
        predictor=3 if values.dtype.kind == "f" else 2,
        zlevel=6,
    ) as raster:
        raster.write(values)
        for band, (name, long_name) in enumerate(zip(names, long_names), start=1):
            raster.set_band_description(band, name)
            raster.update_tags(band, long_name=long_name)
        if units is not None:
            raster.units = units
    demand_same(path, values)
    return path


def _write_records(landscape: Landscape, path: Path) -> Path:
    sites = presence_only_sites(landscape)
    x, y = sites.coordinates(landscape)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["species", "x", "y"])
        for species, site in zip(*np.nonzero(sites.seen.T)):
            table.writerow([SPECIES[species].name, x[site], y[site]])
    return path


def _write_surveys(landscape: Landscape, path: Path) -> Path:
    sites = surveyed_sites(landscape)
    x, y = sites.coordinates(landscape)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["x", "y", *(species.name for species in SPECIES)])
        for site, seen in enumerate(sites.seen):
            table.writerow([x[site], y[site], *seen.astype(int)])
    return path


def _write_training_config(path: Path) -> Path:
    path.write_text(train_toml([species.name for species in SPECIES]), encoding="utf-8")
    return path


def _write_description(landscape: Landscape, path: Path) -> Path:
    path.write_text(json.dumps(describe(landscape), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return path
