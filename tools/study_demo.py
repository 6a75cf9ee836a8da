"""Runs ``study`` on a demo landscape, where the truth is known, and prints what it must show.

The landscape of ``--seed`` is written into a folder, with a table of the truth (probability of 0.5 or more) at
every position of its lattice of sites as the study's test. Printed are the median AUC against that truth of the
network of everything, less that of the best network with one scale of one modality, and less that of the best
with one scale of each; with intervals over blocks and seeds. ``--placebo`` gives placebo rasters as if they
were real; printed is then the share of species that are said to be helped.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import rasterio
from scalescape.engine.demo.files import MODALITIES_TOML, write_landscape
from scalescape.engine.demo.landscape import make_landscape
from scalescape.engine.demo.sites import LATTICE_PX
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.engine.jobs.study_job import run_study
from scalescape.engine.protocol import Progress, StudyJob
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.study.placebo import PlaceboRasters
from scalescape.engine.training.supplies import Spots

PRESENT = 0.5  # truth from which a species counts as present
PLACEBO_SEED = 1_000  # added to the landscape's: no placebo that the study makes itself is the same
CONFIG = """\
[sites]
train = "sites_po.csv"
test = "truth.csv"
kind = "po"
species = "species"
test_species_columns = {species}
x = "x"
y = "y"
crs = "{crs}"

{modalities}
[model]
name = "Demo landscape {seed}"
widths = {{ bioclim = [16, 32, 32], satellite = [8, 8, 16] }}
channels = 32
out_size = 32

[training]
epochs = {epochs}
learning_rate = 0.005
lambda2 = 0.5
n_background = 10000
batch_size = 500
folds = 1           # a fifth of the blocks is kept out
blocks_km = {blocks}
buffer_km = 1.2     # the widest satellite window
patience = 0
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where landscape and study go")
    parser.add_argument("--seed", type=int, default=3_000_000, help="of the landscape (3000000)")
    parser.add_argument("--size", type=int, default=2048, help="of the landscape in pixels (2048)")
    parser.add_argument("--scales", default="25, 59, 115", help="of the satellite (25, 59, 115)")
    parser.add_argument("--blocks", type=float, default=3.4, help="side of the blocks in km (3.4)")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--placebos", type=int, default=StudyJob.placebos)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--placebo", action="store_true", help="give placebo rasters as if they were real")
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    config = folder / "study.toml"
    if not config.is_file():
        write(arguments, config)
    out = folder / "study"
    job = StudyJob(
        str(config), str(out), arguments.seeds, arguments.placebos, arguments.jobs, resume=arguments.resume
    )
    run_study(job, Monitor(show))
    if arguments.placebo:
        print_share(out)
    else:
        print_margins(out)


def write(arguments: argparse.Namespace, config: Path) -> None:
    """Writes the landscape, the table of the truth, and last the config."""
    folder = config.parent
    landscape = make_landscape(arguments.seed, arguments.size)
    write_landscape(landscape, folder)
    positions = np.arange(LATTICE_PX // 2, arguments.size, LATTICE_PX)
    rows, columns = (one.ravel() for one in np.meshgrid(positions, positions, indexing="ij"))
    transform = landscape.satellite_transform
    x, y = transform.c + transform.a * (columns + 0.5), transform.f + transform.e * (rows + 0.5)
    present = (landscape.truth[:, rows, columns] >= PRESENT).astype(int)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["x", "y", *(one.name for one in SPECIES)])
        for number in range(len(x)):
            table.writerow([x[number], y[number], *present[:, number]])
    with rasterio.open(folder / "satellite.tif") as raster:
        crs = raster.crs.to_string()
    names = "[" + ", ".join(f'"{one.name}"' for one in SPECIES) + "]"
    modalities = MODALITIES_TOML.replace("25, 59, 115", arguments.scales)
    text = CONFIG.format(
        species=names,
        crs=crs,
        seed=arguments.seed,
        modalities=modalities,
        epochs=arguments.epochs,
        blocks=arguments.blocks,
    )
    real = folder / "real.toml"
    real.write_text(text, encoding="utf-8")
    if arguments.placebo:
        made = PlaceboRasters(
            read_config(real), Spots(x, y, crs), len(x), arguments.seed + PLACEBO_SEED, folder / "as_real"
        )
        made.write(1, lambda done, total: print(f"placebo {done} of {total}", file=sys.stderr))
        for name in ("bioclim", "satellite"):
            file = made.file(name, 1).relative_to(folder)
            text = text.replace(f'inputs = ["{name}.tif"]', f'inputs = ["{file.as_posix()}"]')
    config.write_text(text, encoding="utf-8")


def print_margins(out: Path) -> None:
    """Prints the two margins, and which networks they are between."""
    for row in rows(out / "verdicts.csv"):
        if row["species"] == "(median)":
            print(
                f"{row['question']}: {row['scales']} less {row['reference']}: median AUC "
                f"{float(row['gain']):+.3f} [{row['gain_low']}, {row['gain_high']}], placebos "
                f"{row['placebo_gain'] or 'none'}: {row['verdict']}"
            )


def print_share(out: Path) -> None:
    """Prints of how many species something is said to help: by question, and by network over the one pixel."""
    named = [(row["question"], row) for row in rows(out / "verdicts.csv")]
    named += [
        (f"{row['modalities']} {row['scales']}", row) for row in rows(out / "gains.csv") if is_network(row)
    ]
    for name in dict.fromkeys(name for name, _ in named):
        verdicts = [row["verdict"] for other, row in named if other == name and is_species(row)]
        helped = sum(one == "helps" for one in verdicts)
        print(f"{name}: helps {helped} of {len(verdicts)} species")


def is_network(row: dict[str, str]) -> bool:
    return row["model"] == "network"


def is_species(row: dict[str, str]) -> bool:
    return not row["species"].startswith("(")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def show(progress: Progress) -> None:
    """Prints a line for each report."""
    print(f"{progress.phase} {progress.done}/{progress.total} {progress.detail}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
