"""The command ``scalescape``: every job from a terminal or a script. ``--help`` is the manual."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..models.presets import PRESETS
from .commands.answers import say, say_notes
from .commands.command_options import (
    FORMATS,
    INPUTS,
    JSON,
    MAPPING,
    OUT_UNLESS_ESTIMATED,
    demand_out,
    map_job,
    with_options,
)
from .commands.exit_status import EXIT_CANCELLED, EXIT_INPUT, exit_status
from .commands.finished_commands import (
    areas_command,
    assess_command,
    compare_command,
    odmap_command,
    products_command,
)
from .commands.import_command import import_paper_command
from .commands.scale_commands import card_command, effects_command, inspect_command, profile_command
from .commands.study_command import study_command
from .commands.terminal import progress_sink
from .commands.training_commands import evaluate_command, train_command
from .protocol import DEVICES, PRECISIONS, DemoJob, MapJob, ScenariosJob
from .running.errors import InputError
from .running.progress import Monitor
from .running.version import scalescape_version
from .words.values import memory_of, scenario_of

GDAL_CACHE_MB = "64"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(scalescape_version(), prog_name="scalescape")
def cli() -> None:
    """Map where species can live, with neural networks that see the landscape at several scales at once."""


@cli.command("map")
@click.argument("model", type=click.Path(path_type=Path))
@with_options([INPUTS, OUT_UNLESS_ESTIMATED, *MAPPING, *FORMATS])
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="NAME[@DATE]:MODALITY=FILE[;...]",
    help="Map these inputs in place of the others of their modality, into DIR/NAME; repeat for more.",
)
@click.option("--estimate", is_flag=True, help="Only say what it will take: time, memory, disk.")
@JSON
def map_command(model: Path, estimate: bool, as_json: bool, scenarios: tuple[str, ...], **options: Any) -> None:
    """Map the species of MODEL into a folder, one Cloud-Optimized GeoTIFF each."""
    with exit_status():
        if estimate:
            _say_estimate(map_job(MapJob, model, options), as_json)
            return
        demand_out(options["out"])
        if scenarios:
            _map_scenarios(model, scenarios, as_json, options)
            return
        from .jobs.map_job import run_map

        job = map_job(MapJob, model, options)
        with progress_sink() as sink:
            result = run_map(job, Monitor(sink))
        say_notes(result.warnings)
        words = (
            f"{len(result.files)} maps of {result.width} × {result.height} pixels in {job.out}, "
            f"{result.seconds:.1f} s on {result.device}."
        )
        say(asdict(result), as_json, words)


def _map_scenarios(model: Path, scenarios: tuple[str, ...], as_json: bool, options: dict[str, Any]) -> None:
    from .jobs.scenarios_job import run_scenarios

    several = tuple(scenario_of(text) for text in scenarios)
    job = map_job(ScenariosJob, model, options, scenarios=several)
    with progress_sink() as sink:
        result = run_scenarios(job, Monitor(sink))
    for one in result.scenarios:
        say_notes(f"{one.name}: {warning}" for warning in one.warnings)
    found = len(result.scenarios)
    named = "1 scenario, in a folder" if found == 1 else f"{found} scenarios, each in a folder"
    say(asdict(result), as_json, f"{named} of {job.out}.")


def _say_estimate(job: MapJob, as_json: bool) -> None:
    from .jobs.check_job import run_estimate

    found = run_estimate(job)
    words = (
        f"{found.width} × {found.height} pixels: about {found.seconds:.0f} s, up to "
        f"{found.memory_bytes / 1024**2:.0f} MiB of memory and {found.disk_bytes / 1e6:.0f} MB of disk."
    )
    say(asdict(found), as_json, words)


@cli.command("demo")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--size", type=int, default=2048, show_default=True, help="Side of satellite.tif in pixels.")
@click.option("--seed", type=int, default=0, show_default=True, help="Each seed is another landscape.")
def demo_command(folder: Path, size: int, seed: int) -> None:
    """Write a made-up landscape with a dozen virtual species whose truth is known into DIR."""
    with exit_status():
        from .jobs.demo_job import run_demo

        with progress_sink() as sink:
            files = run_demo(DemoJob(str(folder), size, seed), Monitor(sink))
        click.echo(f"{len(files)} files of landscape {seed} in {folder}.")


for command in (card_command, inspect_command, effects_command, profile_command):
    cli.add_command(command)


cli.add_command(areas_command)
cli.add_command(compare_command)
cli.add_command(products_command)
cli.add_command(odmap_command)
cli.add_command(assess_command)
cli.add_command(train_command)
cli.add_command(evaluate_command)
cli.add_command(study_command)
cli.add_command(import_paper_command)


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
    with exit_status():
        from .bench.bench_dense import bench_dense

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
    with exit_status():
        from .bench.bench_map import bench_map

        _say_figures(
            asdict(bench_map(preset, step, size, species_count, precision, memory_of(memory))), as_json
        )


@bench_group.command("patches")
@click.option(
    "--size",
    type=click.IntRange(min=1),
    default=4096,
    show_default=True,
    help="Side in pixels of the raster that is made up.",
)
@click.option("--raster", metavar="FILE", help="A raster without NoData to take in its place.")
@click.option(
    "--side", type=click.IntRange(min=1), default=115, show_default=True, help="Of a patch, in pixels."
)
@click.option("--sites", type=click.IntRange(min=2), default=5000, show_default=True)
@click.option("--batch", type=click.IntRange(min=1), default=256, show_default=True)
@click.option("--seconds", type=float, default=10.0, show_default=True, help="How long each way delivers.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def bench_patches_command(as_json: bool, **options: Any) -> None:
    """Sites a second that training gets from the patch cache, beside a DataLoader over rasterio windows."""
    with exit_status():
        from .bench.bench_patches import bench_patches

        if options["side"] % 2 == 0:
            raise InputError(f"A patch of {options['side']} pixels has no centre; choose an odd side.")
        _say_figures(asdict(bench_patches(**options)), as_json)


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
    """The planner's choice beside both ways of mapping, forced, at each step (1, 2, 4 to 128 by default)."""
    with exit_status():
        from .bench.bench_planner import STEPS, bench_planner

        for step in steps or STEPS:
            _say_figures(asdict(bench_planner(preset, step, size, species_count)), as_json)


@bench_group.command("sites")
@click.option("--records", type=click.IntRange(min=1), default=1_000_000, show_default=True)
@click.option("--species-count", type=click.IntRange(min=1), default=2000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def bench_sites_command(records: int, species_count: int, as_json: bool) -> None:
    """A large table of records read, cleaned and thinned: seconds and peak memory."""
    with exit_status():
        from .bench.bench_sites import bench_sites

        _say_figures(asdict(bench_sites(records, species_count)), as_json)


def _say_figures(figures: dict[str, Any], as_json: bool) -> None:
    shown = {name: f"{one:.4g}" if isinstance(one, float) else one for name, one in figures.items()}
    say(figures, as_json, "\n".join(f"{name.replace('_', ' '):22} {one}" for name, one in shown.items()))


@cli.command("serve")
def serve_command() -> None:
    """Serve jobs over standard input and output (JSON-RPC 2.0); the QGIS plugin starts this."""
    from .running.outlet import standard_outlet

    outlet = standard_outlet()
    with outlet.beating():  # the server's libraries take a while to load
        from .server import serve

        serve(outlet)


def main() -> None:
    """Run the command line."""
    os.environ.setdefault("GDAL_CACHEMAX", GDAL_CACHE_MB)  # GDAL's own default is a twentieth of all memory
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch in large pages: half the time of a fresh tensor
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # also where Ctrl-C is ignored, as behind nohup
    try:
        sys.exit(cli(prog_name="scalescape", standalone_mode=False) or 0)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)  # a usage error has the command's
        command = "scalescape" if context is None else context.command_path
        click.echo(f"{error.format_message().rstrip('.')}; see {command} --help.", err=True)
        sys.exit(EXIT_INPUT)
    except click.exceptions.Abort:
        sys.exit(EXIT_CANCELLED)
