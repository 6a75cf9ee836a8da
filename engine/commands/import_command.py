"""The command ``import-paper``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from ..protocol import ImportPaperJob
from ..running.errors import InputError
from ..running.progress import Monitor
from .answers import say, say_notes
from .command_options import JSON
from .exit_status import exit_status
from .terminal import progress_sink

FILE = click.Path(path_type=Path)


@click.command("import-paper")
@click.argument("checkpoint", metavar="CHECKPOINT.pth", type=FILE)
@click.argument("config", metavar="CONFIG.json", type=FILE)
@click.option(
    "--species",
    required=True,
    type=FILE,
    metavar="FILE",
    help="The species in the order of the outputs: one a line, or a table with a column species.",
)
@click.option(
    "--stats",
    required=True,
    type=FILE,
    metavar="FILE",
    help="A table of band, mean and std in the order of the channels (with modality, where two).",
)
@click.option("--out", required=True, type=FILE, help="The model file to write.")
@click.option(
    "--pixel",
    "pixels",
    multiple=True,
    metavar="MODALITY=SIZE",
    help="A pixel size that is not GeoLifeCLEF's, as satellite=20m or bioclim=0.0417deg.",
)
@JSON
def import_paper_command(
    checkpoint: Path, config: Path, species: Path, stats: Path, out: Path, pixels: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Make a model file of a checkpoint of van Tiel et al.'s code; nothing in it is run."""
    with exit_status():
        from ..jobs.import_job import run_import

        job = ImportPaperJob(
            str(checkpoint),
            str(config),
            str(species),
            str(stats),
            str(out),
            dict(_pixel(one) for one in pixels),
        )
        with progress_sink() as sink:
            result = run_import(job, Monitor(sink))
        say_notes(result.notes)
        say(asdict(result), as_json, f"{result.model}: {result.n_species} species.")


def _pixel(text: str) -> tuple[str, str]:
    modality, equals, size = text.partition("=")
    if not equals:
        raise InputError(f"The pixel size {text!r} is not MODALITY=SIZE; write for example satellite=20m.")
    return modality, size
