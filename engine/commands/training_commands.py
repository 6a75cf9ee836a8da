"""The commands ``train`` and ``evaluate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..files.aside import SUFFIX
from ..protocol import DEVICES, EvaluateJob, TrainJob
from ..running.errors import InputError
from ..running.progress import Monitor
from .answers import say, say_notes
from .exit_status import exit_status
from .terminal import progress_sink

TRAINING_PACKAGES = ("lightning", "sklearn", "pandas", "matplotlib", "jinja2", "PIL", "torchmetrics")


@contextmanager
def training_packages() -> Iterator[None]:
    """Turn a missing package of the extra ``train`` into a sentence."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in TRAINING_PACKAGES:
            raise
        raise InputError(
            f"Training needs packages that are not installed ({error.name}); install scalescape[train], or run "
            "make setup."
        ) from error


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The model file to write.")
@click.option("--resume", is_flag=True, help="Go on from the last whole epoch of a run that was stopped.")
@click.option("--device", type=click.Choice(DEVICES), default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def train_command(config: Path, out: Path, resume: bool, device: str, as_json: bool) -> None:
    """Train a network by CONFIG (TOML) and write a model file, its out-of-fold values and a report."""
    with exit_status(out.with_suffix(SUFFIX)), training_packages():
        from ..jobs.train_job import run_train

        with progress_sink() as sink:
            monitor = Monitor(sink)
            result = run_train(TrainJob(str(config), str(out), resume, device), monitor)
        say_notes(one for one in result.warnings if one not in monitor.notes)
        auc = "no AUC" if result.auc_median is None else f"median AUC {result.auc_median:.3f} out of fold"
        words = (
            f"{result.model}: {result.n_species} species, {result.n_sites:,} sites, {auc}, "
            f"{result.seconds:.0f} s; the report is {result.report}."
        )
        say(asdict(result), as_json, words)


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), help="A training config; its test table is used.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for figures and report.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object to standard output.")
def evaluate_command(model: Path, config: Path | None, out: Path, as_json: bool) -> None:
    """Judge MODEL on its config's test table, or on its out-of-fold values."""
    with exit_status(), training_packages():
        from ..jobs.evaluate_job import run_evaluate

        job = EvaluateJob(str(model), None if config is None else str(config), str(out))
        with progress_sink() as sink:
            result = run_evaluate(job, Monitor(sink))
        say_notes(result.warnings)
        median = _figure(result.summary, "auc_median")
        words = (
            f"Median AUC {median} over {result.summary['n_species']} species, against "
            f"{result.summary['against']}; the report is {out / 'report.html'}."
        )
        say(result.summary, as_json, words)


def _figure(summary: dict[str, Any], name: str) -> str:
    return "unknown" if summary[name] is None else f"{summary[name]:.3f}"
