"""The commands on finished maps: ``areas``, ``compare``, ``products``, ``odmap`` and ``assess``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..protocol import AreasJob, AssessJob, CompareJob, OdmapJob, ProductsJob
from ..running.progress import Monitor
from ..words.values import products_of
from .answers import say, say_notes
from .command_options import INCLUDE_UNPROVEN, JSON, THRESHOLD
from .exit_status import exit_status
from .terminal import progress_sink
from .training_commands import training_packages

OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the files."
)


@click.command("areas")
@click.argument("maps", nargs=-1, required=True, metavar="MAP...")
@click.option("--polygons", metavar="FILE", help="A vector file; areas are summed by its polygons, too.")
@click.option("--name-field", metavar="FIELD", help="The field with the polygons' names; found by default.")
@click.option("--threshold", type=float, help="A threshold beside those that the maps bring along.")
@click.option("--novelty", metavar="FILE", help="The map of novelty; novelty.tif beside the maps by default.")
@OUT
@JSON
def areas_command(maps: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Measure the area above threshold of each MAP (a file, or a folder of maps), in km² on the ground."""
    with exit_status():
        from ..jobs.areas_job import run_areas

        with progress_sink() as sink:
            result = run_areas(AreasJob(maps=maps, out=str(out), **options), Monitor(sink))
        say_notes(result.warnings)
        words = f"{len(result.rows)} rows in {result.files[0]}; the chart is {result.files[-1]}."
        say(asdict(result), as_json, words)


@click.command("compare")
@click.argument("before", metavar="MAP_A")
@click.argument("after", metavar="MAP_B")
@click.option(
    "--threshold",
    default="largest-tss",
    show_default=True,
    metavar="RULE|NUMBER",
    help="A rule of the card, of which each map brings its value along, or a number for both.",
)
@OUT
@JSON
def compare_command(before: str, after: str, threshold: str, out: Path, as_json: bool) -> None:
    """Compare two maps of one species: MAP_B minus MAP_A, and where it is gained, lost and stable, in km²."""
    with exit_status():
        from ..finished.area_chart import figures
        from ..jobs.compare_job import run_compare

        with progress_sink() as sink:
            result = run_compare(CompareJob(before, after, str(out), threshold), Monitor(sink))
        say_notes(result.warnings)
        areas = ", ".join(f"{name} {figures(area)} km²" for name, area in result.km2.items())
        words = f"{result.species}, above threshold ({result.rule}): {areas}. The maps are in {out}."
        say(asdict(result), as_json, words)


@click.command("products")
@click.argument("folder", metavar="DIR")
@click.option(
    "--products",
    required=True,
    metavar="LIST",
    help="What to make, with commas between: occurrence, binary, richness, top.",
)
@THRESHOLD
@INCLUDE_UNPROVEN
@JSON
def products_command(folder: str, products: str, threshold: str, include_unproven: bool, as_json: bool) -> None:
    """Make further products of the maps of probability in DIR, without the network."""
    with exit_status():
        from ..jobs.products_job import run_products

        with progress_sink() as sink:
            job = ProductsJob(folder, products_of(products), threshold, include_unproven)
            result = run_products(job, Monitor(sink))
        say_notes(result.warnings)
        words = f"{len(result.files)} maps of {result.width} × {result.height} pixels in {folder}."
        say(asdict(result), as_json, words)


@click.command("odmap")
@click.argument("folder", metavar="DIR")
@click.option("--model", metavar="MODEL", help="Where the model file is now, if not where it was.")
@JSON
def odmap_command(folder: str, model: str | None, as_json: bool) -> None:
    """Write a record of the run in DIR by the ODMAP protocol, as far as card and run know it."""
    with exit_status():
        from ..jobs.odmap_job import run_odmap

        result = run_odmap(OdmapJob(folder, model))
        say_notes(result.warnings)
        words = (
            f"{result.answered} elements are filled in and {result.left} are left to the author: "
            f"{result.files[1]}."
        )
        say(asdict(result), as_json, words)


@click.command("assess")
@click.argument("map_file", metavar="MAP")
@click.option("--sites", required=True, metavar="FILE", help="Surveyed points: a vector file or a table.")
@click.option(
    "--presence",
    metavar="COLUMN",
    help="1 where the species was found, 0 where not; the column of its name by default.",
)
@click.option("--x", metavar="COLUMN", help="Of a table: its coordinates ...")
@click.option("--y", metavar="COLUMN")
@click.option("--crs", metavar="CRS", help="... and their system.")
@click.option("--threshold", metavar="RULE|NUMBER", help="largest-tss of the map by default.")
@OUT
@JSON
def assess_command(map_file: str, sites: str, out: Path, as_json: bool, **options: Any) -> None:
    """Test MAP, a raster of suitability of any tool, with surveyed points: figures, report, map of errors."""
    with exit_status(), training_packages():
        from ..jobs.assess_job import run_assess

        with progress_sink() as sink:
            result = run_assess(AssessJob(map_file, sites, str(out), **options), Monitor(sink))
        say_notes(result.warnings)
        auc = result.figures["auc"]
        shown = "no AUC" if auc["value"] is None else f"AUC {auc['value']:.3f}"
        if auc["low"] is not None:
            shown += f" ({auc['low']:.3f} to {auc['high']:.3f})"
        words = (
            f"{result.species}: {shown} on {result.n_presence} presences and {result.n_absence} absences; the "
            f"report is {result.files[0]}."
        )
        say(asdict(result), as_json, words)
