"""Measures a large job: many species on a large map, in bytes, and products made of it without the network.

A small network of random weights maps made-up rasters through the command line, in a process of its own whose
memory and open files are watched.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import rasterio
import torch
from rasterio.transform import from_origin
from scalescape.engine.words.values import memory_of
from scalescape.models.card import Band, Card, Modality, Species, Training
from scalescape.models.model_file import ModelFile, write_model
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture

MARGIN = 12  # px around the map, which the window of 25 px needs
ENGINE = Path(__file__).resolve().parent.parent / "engine" / "__main__.py"
WATCH_S = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where model, rasters and maps go")
    parser.add_argument("--species", type=int, default=2000)
    parser.add_argument("--size", type=int, default=2000, help="side of the map in pixels")
    parser.add_argument("--memory", default="2GiB")
    parser.add_argument("--encoding", default="uint8")
    parser.add_argument("--layout", default="per-species")
    parser.add_argument("--products", default="probability")
    parser.add_argument("--then", default="", help="products to make of the finished maps")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "large.safetensors"
    write_large_model(model, arguments.species)
    write_rasters(folder, arguments.size + 2 * MARGIN)
    maps = folder / "maps"
    said = watched(
        "map", str(model), *(f"--input={name}={folder}/{name}.tif" for name in ("satellite", "bioclim")),
        f"--out={maps}", f"--memory={arguments.memory}", f"--encoding={arguments.encoding}",
        f"--layout={arguments.layout}", f"--products={arguments.products}", "--json",
    )  # fmt: skip
    said["budget_mib"] = memory_of(arguments.memory) / 1024**2
    say("map", said)
    if arguments.then:
        say("products", watched("products", str(maps), f"--products={arguments.then}", "--json"))


def write_large_model(path: Path, species: int) -> None:
    """A network of one scale a modality, of random weights."""
    torch.manual_seed(0)
    shape = architecture(
        "default", {"satellite": 4, "bioclim": 2}, species=species, width=0.06,
        scales={"satellite": (25,), "bioclim": (1,)},
    )  # fmt: skip
    network = FusionNetwork(shape).eval()
    names = {"satellite": ("red", "green", "blue", "nir"), "bioclim": ("bio1", "bio12")}
    quantiles = tuple(float(one) for one in np.linspace(-3, 3, 101))
    sizes = {"satellite": 10.0, "bioclim": 1000.0}
    card = Card(
        name="Large", summary="Random weights.", licence="CC0-1.0", citation="none",
        architecture=shape.to_dict(), modalities=tuple(
            Modality(
                m.name, tuple(Band(b, 0.0, 1.0, 0.0, quantiles) for b in names[m.name]), sizes[m.name], "metre",
                m.scales,
            )
            for m in shape.modalities
        ),
        species=tuple(
            Species(f"Species number {n}", 100, "po", thresholds={"largest TSS": 0.5}) for n in range(species)
        ),
        training=Training("none", 0.5, "none", scale_dropout=True),
    )  # fmt: skip
    means = {(m.name, b.scale): torch.zeros(b.out_size) for m in shape.modalities for b in m.branches}
    write_model(path, ModelFile(network, card, means))


def write_rasters(folder: Path, side: int) -> None:
    """Noise that is smooth enough to compress as real maps do."""
    draw = np.random.default_rng(0)
    cells = side // 100 + 4
    for name, shape, size, corner in (
        ("satellite", (4, side, side), 10, 0),
        ("bioclim", (2, cells, cells), 1000, 1000),
    ):
        coarse = draw.normal(size=(shape[0], shape[1] // 8 + 2, shape[2] // 8 + 2)).astype(np.float32)
        values = np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)[:, : shape[1], : shape[2]]
        with rasterio.open(
            folder / f"{name}.tif", "w", driver="GTiff", count=shape[0], height=shape[1], width=shape[2],
            dtype="float32", crs="EPSG:32631", tiled=True, transform=from_origin(500_000 - corner, 5_000_000 +
            corner, size, size),
        ) as target:  # fmt: skip
            target.write(values)


def watched(*arguments: str) -> dict[str, float]:
    """Run a command of the engine; return its seconds, and its peak memory and open files."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:  # a pipe would fill up with the names of thousands of files
        child = subprocess.Popen(
            [sys.executable, str(ENGINE), *arguments], stdout=said, stderr=subprocess.DEVNULL, env=os.environ
        )
        process = psutil.Process(child.pid)
        peak = files = 0
        while child.poll() is None:
            try:
                memory = process.memory_full_info().uss
                peak, files = max(peak, memory), max(files, process.num_fds())
            except psutil.Error:
                break
            time.sleep(WATCH_S)
        if child.wait():
            raise SystemExit(f"the engine ended with {child.returncode}")
        said.seek(0)
        found = json.load(said)
    return {
        "seconds": time.monotonic() - started,
        "peak_mib": peak / 1024**2,
        "open_files": files,
        "files": len(found["files"]),
    }


def say(what: str, figures: dict[str, float]) -> None:
    shown = ", ".join(f"{name.replace('_', ' ')} {value:,.1f}" for name, value in figures.items())
    sys.stdout.write(f"{what}: {shown}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
