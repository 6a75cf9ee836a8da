"""Trains on the surveys of a demo landscape and compares richness and expected areas with the truth.

With presence-absence data, lambda2 = 1 and no background the card holds a calibration, so maps of occurrence
can be summed up. Here the truth of every pixel is known.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import rasterio
import torch
from scalescape.engine.demo.files import MODALITIES_TOML
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.engine.jobs.areas_job import run_areas
from scalescape.engine.jobs.demo_job import run_demo
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.protocol import AreasJob, DemoJob, MapJob, Progress, RasterInput, TrainJob
from scalescape.engine.running.progress import Monitor
from scalescape.engine.words.naming import slug

STEP = 4  # input pixels between those that are compared
SQUARES = 4  # along a side of the map, in each of which expected areas are compared
CONFIG = """
[sites]
train = "sites_pa.csv"
kind = "pa"
species_columns = {species}
x = "x"
y = "y"
crs = "EPSG:32632"

{modalities}
[model]
preset = "default"
widths = {{ bioclim = [16, 32, 32], satellite = [8, 8, 16] }}
channels = 48
out_size = 32

[training]
epochs = {epochs}
seed = 0
lambda2 = 1.0
n_background = 0
batch_size = 128
learning_rate = 0.003
weight_decay = 0.01
folds = 4
blocks_km = 4
buffer_km = 0.6
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where landscape, model and maps go")
    parser.add_argument("--seed", type=int, default=0, help="of the landscape (0)")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--epochs", type=int, default=40)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder: Path = arguments.folder
    run_demo(DemoJob(str(folder), arguments.size, arguments.seed), Monitor())
    names = [one.name for one in SPECIES]
    species = str(names).replace("'", '"')
    text = CONFIG.format(species=species, epochs=arguments.epochs, modalities=MODALITIES_TOML)
    (folder / "surveys.toml").write_text(text, encoding="utf-8")
    model = folder / "surveys.safetensors"
    trained = run_train(TrainJob(str(folder / "surveys.toml"), str(model)), Monitor(show))
    say(f"trained on {trained.n_sites} surveys in {trained.seconds:.0f} s, median AUC {trained.auc_median:.3f}")
    inputs = tuple(RasterInput(name, str(folder / f"{name}.tif")) for name in ("satellite", "bioclim"))
    maps = folder / "maps"
    products = ("occurrence", "richness", "probability")
    run_map(MapJob(str(model), inputs, str(maps), step=STEP, products=products), Monitor())
    with rasterio.open(maps / "richness.tif") as source:
        richness = source.read(1, masked=True)
        transform = source.transform
    truth = {name: true_values(folder, name, transform, richness.shape) for name in names}
    inside = ~richness.mask
    say_squares(maps, truth, inside)
    total = sum(truth.values())[inside]
    found = richness.compressed().astype(np.float64)
    bias = found.mean() / total.mean() - 1
    say(f"richness on {inside.sum()} pixels: correlation {np.corrcoef(found, total)[0, 1]:.3f}")
    say(f"mean richness {found.mean():.3f}, in truth {total.mean():.3f} (bias {bias:+.1%})")
    rows = run_areas(AreasJob((str(maps),), str(folder / "areas")), Monitor()).rows
    by_name = {row["species"]: row for row in rows}
    expected = np.array([by_name[name]["expected_km2"] for name in names])
    with_value = np.array([by_name[name]["with_value_km2"] for name in names])
    true = np.array([truth[name][inside].mean() for name in names]) * with_value
    off = expected / true - 1
    say(f"expected area of {len(names)} species: correlation {np.corrcoef(expected, true)[0, 1]:.3f}")
    say(f"in all {expected.sum() / true.sum() - 1:+.1%}, median of a species {np.median(np.abs(off)):.1%}")
    for name, one, other in zip(names, expected, true, strict=True):
        say(f"{name:22} {one:7.2f} km² where the truth is {other:7.2f} ({one / other - 1:+.1%})")


def say_squares(maps: Path, truth: dict[str, np.ndarray], inside: np.ndarray) -> None:
    """Compare each species' expected share of each of some squares, alike in size, with the truth."""
    rows, columns = (np.array_split(np.flatnonzero(inside.any(axis=axis)), SQUARES) for axis in (1, 0))
    found, true = [], []
    for name, values in truth.items():
        with rasterio.open(maps / f"{slug(name)}_occurrence.tif") as source:
            occurrence = source.read(1, masked=True)
        for square in (np.ix_(some, others) for some in rows for others in columns):
            found.append(float(occurrence[square].mean()))
            true.append(float(values[square][inside[square]].mean()))
    correlation = np.corrcoef(found, true)[0, 1]
    say(f"expected shares of {SQUARES**2} squares, {len(found)} values: correlation {correlation:.3f}")


def true_values(folder: Path, name: str, transform: rasterio.Affine, shape: tuple[int, int]) -> np.ndarray:
    """The true probability at the pixels of a map, (rows, columns)."""
    with rasterio.open(folder / "truth" / f"{slug(name)}.tif") as source:
        values = source.read(1)
        rows = [source.index(*(transform * (0.5, row + 0.5)))[0] for row in range(shape[0])]
        columns = [source.index(*(transform * (column + 0.5, 0.5)))[1] for column in range(shape[1])]
    return values[np.ix_(rows, columns)]


def show(progress: Progress) -> None:
    if progress.detail and progress.done % 20 == 0:
        say(f"{progress.done} of {progress.total}: {progress.detail}")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
