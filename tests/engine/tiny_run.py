"""A training on the tiny landscape, and what its tests ask of one."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import LEFT, TOP
from safetensors.torch import load_file
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.protocol import Progress, TrainJob, TrainResult
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.run_folder import RunFolder
from scalescape.models.card import Card
from scalescape.models.model_file import ModelFile, read_model
from scalescape.models.network import FusionNetwork
from tiny_landscape import write_tiny_landscape


class Run:
    """A finished training, with the networks of its folds."""

    def __init__(self, folder: Path) -> None:
        self.config = write_tiny_landscape(folder / "data")
        self.out = folder / "tiny.safetensors"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RunFolder, "remove", lambda self: None)
            self.result = run_train(TrainJob(str(self.config), str(self.out)), Monitor())
        self.partial = self.out.with_suffix(".partial")
        self.model = read_model(self.out)
        self.rows = list(csv.DictReader(self.out.with_suffix(".oof.csv").open(encoding="utf-8")))

    @property
    def card(self) -> Card:
        return self.model.card

    def fold(self, number: int) -> ModelFile:
        """The network of a fold, with the card of the shipped one."""
        network = FusionNetwork(self.model.network.architecture)
        network.load_state_dict(load_file(self.partial / f"network_{number}.safetensors"))
        return ModelFile(network.eval(), self.card, {})

    def column(self, name: str) -> np.ndarray:
        """A column of the out-of-fold values, which are float32; empty cells are NaN."""
        return np.array([np.float32(row[name]) if row[name] else np.nan for row in self.rows], np.float64)


def train(config: Path, out: Path, monitor: Monitor | None = None, resume: bool = False) -> TrainResult:
    return run_train(TrainJob(str(config), str(out), resume), monitor or Monitor())


def same(run: Run, out: Path) -> None:
    """Assert that a model and its out-of-fold values are those of ``run``, to the bit."""
    mine, theirs = load_file(out), load_file(run.out)
    assert mine.keys() == theirs.keys()
    for name, weight in mine.items():
        assert torch.equal(weight, theirs[name]), name
    assert out.with_suffix(".oof.csv").read_bytes() == run.out.with_suffix(".oof.csv").read_bytes()
    ours = replace(read_model(out).card, name="", date="")
    assert ours == replace(run.card, name="", date="")


def cancelled_at(done: int) -> Monitor:
    """A monitor that cancels when so many epochs are done."""

    def stop(report: Progress) -> None:
        if report.phase == "training" and report.done == done:
            monitor.cancel()

    monitor = Monitor(stop)
    return monitor


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def pixel_of(row: dict[str, str], size: float = 10, left: float = LEFT, top: float = TOP) -> tuple[int, int]:
    return int((top - float(row["y"])) // size), int((float(row["x"]) - left) // size)
