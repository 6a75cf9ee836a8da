"""The command ``scalescape``: every job from a terminal or a script. ``--help`` is the manual."""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..models.card import read_card
from ..models.errors import ModelError
from ..models.presets import PRESETS
from .card_text import card_text
from .errors import Cancelled, InputError
from .progress import Monitor
from .protocol import DEFAULT_MEMORY, DEVICES, EDGES, METHODS, PRECISIONS, DemoJob, MapJob
from .terminal import progress_sink
from .values import extent_of, input_of, memory_of, nodata_of, scales_of, species_in
from .version import scalescape_version

GDAL_CACHE_MB = "64"
PRODUCTS, ENCODINGS, LAYOUTS = ("probability",), ("float32",), ("per-species",)  # what there is so far
EXIT_DEFECT = 1
EXIT_INPUT = 2
EXIT_CANCELLED = 130


@contextmanager
def _exit_status() -> Iterator[None]:
    """Turn what ends a job into the exit status that docs/command-line.md promises."""
    try:
        yield
    except (InputError, ModelError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_INPUT)
    except (Cancelled, KeyboardInterrupt):
        click.echo("Cancelled.", err=True)
        sys.exit(EXIT_CANCELLED)
    except click.exceptions.Exit:
        raise
    except click.ClickException:
        raise
    except Exception:
        traceback.print_exc()
        click.echo("This is a defect of Scalescape; please report it with the lines above.", err=True)
        sys.exit(EXIT_DEFECT)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(scalescape_version(), prog_name="scalescape")
def cli() -> None:
    """Map where species can live, with neural networks that see the landscape at several scales at once."""


def _map_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option(
            "--input",
            "inputs",
            multiple=True,
            metavar="MODALITY=FILE",
            help="A raster of a modality; once a file, in the order of the card's bands. FILE#2,3 takes bands "
            "2 and 3.",
        ),
        click.option("--products", type=click.Choice(PRODUCTS), default=PRODUCTS[0], show_default=True),
        click.option("--encoding", type=click.Choice(ENCODINGS), default=ENCODINGS[0], show_default=True),
        click.option("--layout", type=click.Choice(LAYOUTS), default=LAYOUTS[0], show_default=True),
        click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for the maps."),
        click.option("--extent", metavar="XMIN,YMIN,XMAX,YMAX", help="Area; the whole raster unless told."),
        click.option("--extent-crs", metavar="CRS", help="CRS of --extent; the finest raster's unless told."),
        click.option("--mask", metavar="POLYGONS", help="A vector file; its polygons are mapped alone."),
        click.option("--step", type=int, default=1, show_default=True, help="Output pixel / input pixel."),
        click.option("--species", multiple=True, help="A species; repeat for more. All unless told."),
        click.option("--species-file", type=click.Path(path_type=Path), help="A file of species, one a line."),
        click.option(
            "--scales",
            multiple=True,
            metavar="MODALITY=SCALES",
            help="Scales that stay on, as satellite=25,59; bioclim=none switches a modality off.",
        ),
        click.option("--nodata", multiple=True, metavar="FILE=VALUE", help="What means NoData in FILE."),
        click.option("--edge", type=click.Choice(EDGES), default="nodata", show_default=True,
                     help="What a window that leaves the raster gives."),
        click.option("--blend", is_flag=True,
                     help="Interpolate what coarse modalities contribute, so that their cells do not show."),
        click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True),
        click.option("--precision", type=click.Choice(PRECISIONS), default="auto", show_default=True),
        click.option("--memory", default=f"{DEFAULT_MEMORY // 1024**3}GiB", show_default=True,
                     help="Memory budget, such as 2GiB or 500MiB."),
        click.option("--method", type=click.Choice(METHODS), default="auto", show_default=True,
                     help="dense shares work between neighbours; patch goes window by window."),
        click.option("--verify", type=click.IntRange(min=0), default=0, metavar="N",
                     help="Compute N random pixels again window by window; write nothing if they differ."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@cli.command("map")
@click.argument("model", type=click.Path(path_type=Path))
@_map_options
@click.option("--estimate", is_flag=True, help="Only say what it will take: time, memory, disk.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def map_command(model: Path, estimate: bool, as_json: bool, **options: Any) -> None:
    """Map the species of MODEL into a folder, one Cloud-Optimized GeoTIFF each."""
    with _exit_status():
        job = _map_job(model, options)
        if estimate:
            _say_estimate(job, as_json)
            return
        from .map_job import run_map

        with progress_sink() as sink:
            result = run_map(job, Monitor(sink))
        for warning in result.warnings:
            click.echo(f"Note: {warning}", err=True)
        if as_json:
            click.echo(json.dumps(asdict(result), allow_nan=False))
        else:
            click.echo(
                f"{len(result.files)} maps of {result.width} × {result.height} pixels in {job.out}, "
                f"{result.seconds:.1f} s on {result.device}."
            )


def _say_estimate(job: MapJob, as_json: bool) -> None:
    from .check_job import run_estimate

    found = run_estimate(job)
    if as_json:
        click.echo(json.dumps(asdict(found), allow_nan=False))
        return
    click.echo(
        f"{found.width} × {found.height} pixels: about {found.seconds:.0f} s, up to "
        f"{found.memory_bytes / 1024**2:.0f} MiB of memory and {found.disk_bytes / 1e6:.0f} MB of disk."
    )


def _map_job(model: Path, options: dict[str, Any]) -> MapJob:
    species = [*options["species"], *species_in(options["species_file"])]
    return MapJob(
        model=str(model),
        inputs=tuple(input_of(text) for text in options["inputs"]),
        out=str(options["out"]),
        extent=extent_of(options["extent"]),
        extent_crs=options["extent_crs"],
        step=options["step"],
        species=tuple(species),
        scales=scales_of(options["scales"]),
        nodata=nodata_of(options["nodata"]),
        edge=options["edge"],
        device=options["device"],
        precision=options["precision"],
        memory=memory_of(options["memory"]),
        method=options["method"],
        verify=options["verify"],
        blend=options["blend"],
        mask=options["mask"],
    )


@cli.command("demo")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--size", type=int, default=2048, show_default=True, help="Side of satellite.tif in pixels.")
@click.option("--seed", type=int, default=0, show_default=True, help="Each seed is another landscape.")
def demo_command(folder: Path, size: int, seed: int) -> None:
    """Write a made-up landscape with a dozen virtual species whose truth is known into DIR."""
    with _exit_status():
        from .demo_job import run_demo

        with progress_sink() as sink:
            files = run_demo(DemoJob(str(folder), size, seed), Monitor(sink))
        click.echo(f"{len(files)} files of landscape {seed} in {folder}.")


@cli.command("card")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the card as one JSON object.")
def card_command(model: Path, as_json: bool) -> None:
    """Show the card of MODEL: bands, scales, species, what it learnt from and how far to trust it."""
    with _exit_status():
        card = read_card(model)
        click.echo(card.to_json() if as_json else card_text(card))


@cli.group("bench")
def bench_group() -> None:
    """Measure how fast this computer is, as ratios within one run."""


def _bench_options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--preset", type=click.Choice(list(PRESETS)), default="paper-bimodal", show_default=True),
        click.option("--step", type=click.IntRange(min=1), default=1, show_default=True),
        click.option("--size", type=click.IntRange(min=1), default=1024, show_default=True,
                     help="Output pixels along a side."),
        click.option("--species-count", type=click.IntRange(min=1), default=100, show_default=True),
        click.option("--precision", type=click.Choice(PRECISIONS[1:]), default="float32", show_default=True),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@bench_group.command("dense")
@_bench_options
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--seconds", type=float, default=20.0, show_default=True, help="How long each reference runs.")
def bench_dense_command(
    preset: str, step: int, size: int, species_count: int, precision: str, as_json: bool, device: str,
    seconds: float,
) -> None:  # fmt: skip
    """Dense evaluation beside the same network, and the paper's form, window by window; no files."""
    with _exit_status():
        from .bench import bench_dense

        found = bench_dense(
            preset, step, size, species_count, precision, device, seconds,
            lambda text: click.echo(f"{text} ...", err=True),
        )  # fmt: skip
        _say_figures(asdict(found), as_json)


@bench_group.command("map")
@_bench_options
@click.option("--memory", default="2GiB", show_default=True, help="Memory budget.")
def bench_map_command(
    preset: str, step: int, size: int, species_count: int, precision: str, as_json: bool, memory: str
) -> None:
    """A whole map run, from files to files: share of reading and writing, memory, cancelling."""
    with _exit_status():
        from .bench_map import bench_map

        _say_figures(
            asdict(bench_map(preset, step, size, species_count, precision, memory_of(memory))), as_json
        )


@bench_group.command("planner")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="paper-bimodal", show_default=True)
@click.option("--step", "steps", type=click.IntRange(min=1), multiple=True, help="Which steps (repeatable).")
@click.option(
    "--size", type=click.IntRange(min=1), default=16, show_default=True, help="Output pixels along a side."
)
@click.option("--species-count", type=click.IntRange(min=1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a step to standard output.")
def bench_planner_command(
    preset: str, steps: tuple[int, ...], size: int, species_count: int, as_json: bool
) -> None:  # fmt: skip
    """The planner's choice beside both ways of mapping, forced, at each step (1, 2, 4 to 128 unless told)."""
    with _exit_status():
        from .bench_planner import STEPS, bench_planner

        for step in steps or STEPS:
            _say_figures(asdict(bench_planner(preset, step, size, species_count)), as_json)


def _say_figures(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(figures, allow_nan=False))
        return
    for name, value in figures.items():
        shown = f"{value:.4g}" if isinstance(value, float) else value
        click.echo(f"{name.replace('_', ' '):22} {shown}")


@cli.command("serve")
def serve_command() -> None:
    """Serve jobs over standard input and output (JSON-RPC 2.0); the QGIS plugin starts this."""
    from .server import serve

    serve()


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("GDAL_CACHEMAX", GDAL_CACHE_MB)  # GDAL's own default is a twentieth of all memory
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch in large pages: half the time of a fresh tensor
    signal.signal(signal.SIGTERM, lambda number, frame: signal.raise_signal(signal.SIGINT))
    try:
        sys.exit(cli(prog_name="scalescape", standalone_mode=False) or 0)
    except click.ClickException as error:
        click.echo(f"{error.format_message().rstrip('.')}; see scalescape --help.", err=True)
        sys.exit(EXIT_INPUT)
    except click.exceptions.Abort:
        sys.exit(EXIT_CANCELLED)
