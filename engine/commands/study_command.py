"""The command ``study``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..protocol import DEVICES, Progress, StudyJob
from ..running.progress import Monitor, Sink
from .answers import say, say_notes
from .exit_status import exit_status
from .terminal import progress_sink
from .training_commands import training_packages

KEEP = ("best",)
COST = "cost"  # the phase that says what a study takes


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = [
        click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for tables, page."),
        click.option("--seeds", type=click.IntRange(min=1), default=StudyJob.seeds, show_default=True,
                     help="How often each network is trained."),
        click.option("--placebos", type=click.IntRange(min=0), default=StudyJob.placebos, show_default=True,
                     help="Rasters of chance structure that stand in for what each model adds."),
        click.option("--keep", type=click.Choice(KEEP), help="Train the best into DIR/best.safetensors."),
        click.option("--refits", type=click.IntRange(min=0), default=0, show_default=True,
                     help="Networks on resampled blocks that say how certain the scale of effect is."),
        click.option("--resume", is_flag=True, help="Go on from what a stopped study has done."),
        click.option("--estimate", is_flag=True, help="Only say what it will take."),
        click.option("--jobs", type=click.IntRange(min=1), help="Processes that fit; by default one per core."),
        click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("study")
@click.argument("config", type=click.Path(path_type=Path))
@_options
def study_command(
    config: Path, out: Path, keep: str | None, jobs: int | None, as_json: bool, **options: Any
) -> None:
    """Compare scales and modalities of CONFIG beside a forest, MaxEnt, coordinates and a placebo."""
    job = StudyJob(str(config), str(out), keep=keep or "", jobs=jobs or 0, **options)
    with exit_status(Path(job.fits)), training_packages():
        from ..jobs.study_job import run_study

        with progress_sink() as sink:
            monitor = Monitor(_telling_the_cost(sink))
            result = run_study(job, monitor)
        say_notes(one for one in result.warnings if one not in monitor.notes)
        lines = [*(f"{question}: {verdict}" for question, verdict in result.verdicts.items()), *result.files]
        if lines or as_json:
            say(asdict(result), as_json, "\n".join(lines))


def _telling_the_cost(sink: Sink) -> Sink:
    """Return a sink that says on standard error what a study takes, also where that is no terminal."""

    def tell(report: Progress) -> None:
        if report.phase == COST:
            click.echo(report.detail, err=True)
        else:
            sink(report)

    return tell
