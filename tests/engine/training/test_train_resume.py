"""A training that was cut short goes on to the same end, and only with what it was begun with."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
from click.testing import CliRunner
from scalescape.engine.commands import training_commands
from scalescape.engine.protocol import Progress
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from tiny_run import Run, cancelled_at, edit, pixel_of, same, train


def test_a_cancelled_run_goes_on_where_it_was(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tiny.safetensors"
    with pytest.raises(Cancelled):
        train(run.config, out, cancelled_at(3))
    partial = out.with_suffix(".partial")
    assert (partial / "network_0.safetensors").is_file() and (partial / "network_1.ckpt").is_file()
    assert not out.exists()
    reports: list[Progress] = []
    train(run.config, out, Monitor(reports.append), resume=True)
    assert min(one.done for one in reports if one.phase == "training") == 3, (
        "whole epochs are not trained again"
    )
    same(run, out)
    assert not partial.exists(), "what is finished needs no folder"


def test_the_command_says_what_is_kept_and_how_to_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_commands, "Monitor", lambda sink: cancelled_at(1))
    out, kept = tmp_path / "tiny.safetensors", tmp_path / "tiny.partial"
    done = CliRunner().invoke(training_commands.train_command, [str(run.config), "--out", str(out)])
    assert (done.exit_code, done.stdout) == (130, "")
    assert done.stderr == f"Cancelled; what is done is kept in {kept}: go on with --resume.\n"
    assert (kept / "network_0.ckpt").is_file()


def test_nothing_is_promised_where_nothing_is_kept(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = Monitor(lambda report: monitor.cancel())
    monkeypatch.setattr(training_commands, "Monitor", lambda sink: monitor)
    out = tmp_path / "tiny.safetensors"
    done = CliRunner().invoke(training_commands.train_command, [str(run.config), "--out", str(out)])
    assert (done.exit_code, done.stderr) == (130, "Cancelled.\n")


def test_a_new_run_puts_aside_what_was_there_and_ends_the_same(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "tiny.safetensors"
    with pytest.raises(Cancelled):
        train(run.config, out, cancelled_at(1))
    kept = sorted(file.name for file in out.with_suffix(".partial").iterdir())
    train(run.config, out)
    assert sorted(file.name for file in (tmp_path / "tiny.partial.old").iterdir()) == kept
    same(run, out)


def test_ctrl_c_is_an_interrupt(run: Run, tmp_path: Path) -> None:
    """It ends the command with status 130, and what is done is kept."""

    def press(report: Progress) -> None:
        if report.phase == "training" and report.done == 3:
            signal.raise_signal(signal.SIGINT)

    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run behind nohup
    try:
        with pytest.raises(KeyboardInterrupt):
            train(run.config, tmp_path / "tiny.safetensors", Monitor(press))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert (tmp_path / "tiny.partial" / "network_1.ckpt").is_file()


KILLED = """
import os, signal, sys
import torch
from scalescape.engine.running.progress import Monitor
from scalescape.engine.protocol import TrainJob
from scalescape.engine.jobs.train_job import run_train

torch.set_num_threads(1)


class Killer(Monitor):
    batches = None

    def check(self):
        if self.batches is not None:
            self.batches += 1
            if self.batches == 2:
                os.kill(os.getpid(), signal.SIGKILL)


def sink(report):
    if report.phase == "training" and report.done == 3:
        monitor.batches = 0


monitor = Killer(sink)
run_train(TrainJob(sys.argv[1], sys.argv[2]), monitor)
"""


@pytest.fixture(scope="module")
def killed(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model file to be of a process that was killed amid an epoch of the second fold."""
    out = tmp_path_factory.mktemp("killed") / "tiny.safetensors"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(run.config), str(out)],
        check=False,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    return out


def test_a_killed_run_goes_on_from_the_last_whole_epoch(run: Run, killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed.parent, tmp_path, dirs_exist_ok=True)
    assert (tmp_path / "tiny.partial" / "network_1.ckpt").is_file()
    train(run.config, tmp_path / "tiny.safetensors", resume=True)
    same(run, tmp_path / "tiny.safetensors")


def another_epoch(folder: Path) -> None:
    edit(folder / "train.toml", "epochs = 2", "epochs = 3")


def lambda_told(folder: Path) -> None:
    edit(folder / "train.toml", "epochs = 2", "epochs = 2\nlambda2 = 0.5")


def a_record_less(folder: Path) -> None:
    lines = (folder / "po.csv").read_text(encoding="utf-8").splitlines()
    (folder / "po.csv").write_text("\n".join([*lines[:-1], ""]), encoding="utf-8")


def an_absence_not_surveyed(folder: Path) -> None:
    edit(folder / "pa.csv", ",0\n", ",\n")


def a_pixel_beside_a_site(folder: Path) -> None:
    row = next(csv.DictReader((folder / "po.csv").open(encoding="utf-8")))
    line, column = pixel_of(row)
    with rasterio.open(folder / "satellite.tif", "r+") as raster:
        values = raster.read()
        values[0, line - 1, column - 1] += 1
        raster.write(values)


@pytest.mark.parametrize(
    "change", [another_epoch, lambda_told, a_record_less, an_absence_not_surveyed, a_pixel_beside_a_site]
)
def test_a_run_does_not_go_on_with_something_else(
    run: Run, killed: Path, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    shutil.copytree(killed.parent, tmp_path, dirs_exist_ok=True)
    shutil.copytree(run.config.parent, tmp_path / "data")
    change(tmp_path / "data")
    before = sorted((tmp_path / "tiny.partial").iterdir())
    with pytest.raises(InputError, match=r"was made with another config, other data or another version; .*\.$"):
        train(tmp_path / "data" / "train.toml", tmp_path / "tiny.safetensors", resume=True)
    assert sorted((tmp_path / "tiny.partial").iterdir()) == before


def test_a_resumed_run_may_lie_elsewhere(run: Run, killed: Path, tmp_path: Path) -> None:
    """The same data in another folder are the same data."""
    shutil.copytree(killed.parent, tmp_path, dirs_exist_ok=True)
    shutil.copytree(run.config.parent, tmp_path / "data")
    with pytest.raises(Cancelled):
        train(tmp_path / "data" / "train.toml", tmp_path / "tiny.safetensors", cancelled_at(4), resume=True)
