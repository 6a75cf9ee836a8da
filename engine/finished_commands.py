"""The commands on finished maps: ``areas``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .command_options import JSON
from .exit_status import exit_status
from .progress import Monitor
from .protocol import AreasJob
from .terminal import progress_sink

OUT = click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the files."
)


@click.command("areas")
@click.argument("maps", nargs=-1, required=True, metavar="MAP...")
@click.option("--polygons", metavar="FILE", help="A vector file; areas are summed by its polygons, too.")
@click.option("--name-field", metavar="FIELD", help="The field with the polygons' names; found unless told.")
@click.option("--threshold", type=float, help="A threshold beside those that the maps bring along.")
@click.option("--novelty", metavar="FILE", help="The map of novelty; novelty.tif beside the maps unless told.")
@OUT
@JSON
def areas_command(maps: tuple[str, ...], out: Path, as_json: bool, **options: Any) -> None:
    """Measure the area above threshold of each MAP (a file, or a folder of maps), in km² on the ground."""
    with exit_status():
        from .areas_job import run_areas

        with progress_sink() as sink:
            result = run_areas(AreasJob(maps=maps, out=str(out), **options), Monitor(sink))
        say_notes(result.warnings)
        if as_json:
            click.echo(json.dumps(asdict(result), allow_nan=False))
            return
        click.echo(f"{len(result.rows)} rows in {result.files[0]}; the chart is {result.files[-1]}.")


def say_notes(warnings: tuple[str, ...]) -> None:
    """Print what is worth knowing to standard error."""
    for warning in warnings:
        click.echo(f"Note: {warning}", err=True)
