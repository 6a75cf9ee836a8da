"""A disk that fills up while a network is trained: a sentence, and what is done goes on to the same end."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from scalescape.engine.commands import training_commands
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.protocol import EvaluateJob, Progress
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.errors import ModelError
from scalescape.models.model_file import read_model, write_model
from scalescape.models.whole_file import write_whole
from small_disk import KIB, SmallDisk, disk  # noqa: F401
from tiny_run import Run, cancelled_at, same, train


def filling(small: SmallDisk, phase: str, done: int, leave: int) -> Monitor:
    """A monitor that fills a disk once, when a phase is so far."""
    filled: list[bool] = []

    def fill(report: Progress) -> None:
        if not filled and report.phase == phase and report.done >= done:
            filled.append(True)
            small.fill(leave)

    return Monitor(fill)


@pytest.mark.parametrize(
    ("phase", "done", "leave"),
    [
        ("preparing", 0, 0),
        ("training", 0, 0),
        ("training", 1, 100),
        ("training", 3, 0),
        ("training", 5, 5 * KIB),
        ("judging", 0, 0),
        ("judging", 0, 150 * KIB),
    ],
)
def test_training_goes_on_after_space_is_made(
    run: Run,
    disk: SmallDisk,  # noqa: F811
    phase: str,
    done: int,
    leave: int,
) -> None:
    out = disk.path / "models" / "tiny.safetensors"
    with pytest.raises(InputError) as told:
        train(run.config, out, filling(disk, phase, done, leave))
    assert "can't be written (No space left on device); free some space, or" in str(told.value)
    assert str(disk.path / "models") in str(told.value)
    kept = disk.files()
    assert not [name for name in kept if not name.startswith("models/tiny.partial/")], "nothing final is there"
    assert not [name for name in kept if name.endswith(".partial")], "nothing half is there"
    epochs = {"preparing": 0, "training": done, "judging": 6}[phase]
    disk.make_space()
    reports: list[Progress] = []
    train(run.config, out, Monitor(reports.append), resume=True)
    trained = [one.done for one in reports if one.phase == "training"]
    assert min(trained, default=6) >= min(epochs, 6) - 1, "what was done is not done twice"
    same(run, out)


def test_an_older_model_stays_whole_beside_its_values(run: Run, disk: SmallDisk) -> None:  # noqa: F811
    """The three outputs are of one training: they appear together, or what stood there stays."""
    out = disk.path / "tiny.safetensors"
    train(run.config, out)
    before = disk.files()
    for leave in (0, 30 * KIB, 120 * KIB):
        with pytest.raises(InputError, match="free some space"):
            train(run.config, out, filling(disk, "judging", 0, leave))
        disk.make_space()
        assert {name: one for name, one in disk.files().items() if ".partial" not in name} == before
    train(run.config, out, resume=True)


def test_the_command_says_it_in_one_sentence(
    run: Run,
    disk: SmallDisk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_commands, "Monitor", lambda sink: filling(disk, "training", 2, 0))
    arguments = [str(run.config), "--out", str(disk.path / "tiny.safetensors")]
    done = CliRunner().invoke(training_commands.train_command, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"The folder {disk.path / 'tiny.partial'} can't be written (No space left on device); free some space, "
        "or choose another folder.\n"
    )


def test_temporary_files_need_no_room(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither states nor models are written anywhere but beside the model."""

    def none(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for name in ("mkstemp", "mkdtemp", "TemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(tempfile, name, none)
    train(run.config, tmp_path / "tiny.safetensors")
    same(run, tmp_path / "tiny.safetensors")


@pytest.mark.parametrize("name", ["network_0.safetensors", "network_1.ckpt", "run.json"])
@pytest.mark.parametrize("length", [0, 0.5])
def test_work_that_a_power_cut_spoilt_is_done_again(run: Run, tmp_path: Path, name: str, length: float) -> None:
    out = tmp_path / "tiny.safetensors"
    with pytest.raises(Cancelled):
        train(run.config, out, cancelled_at(3))
    file = tmp_path / "tiny.partial" / name
    content = file.read_bytes()
    file.write_bytes(content[: int(length * len(content))])
    if name == "run.json":
        with pytest.raises(InputError, match=r"run\.json is damaged"):
            train(run.config, out, resume=True)
        train(run.config, out)
        assert (tmp_path / "tiny.partial.old" / "network_0.safetensors").is_file()
    else:
        train(run.config, out, resume=True)
    same(run, out)


@pytest.mark.parametrize("leave", [0, 8 * KIB, 60 * KIB])
def test_figures_appear_together_or_not_at_all(run: Run, disk: SmallDisk, leave: int) -> None:  # noqa: F811
    job = EvaluateJob(str(run.out), None, str(disk.path / "figures"))
    disk.fill(leave)
    with pytest.raises(InputError, match=r"figures can't be written \(No space left on device\); free some"):
        run_evaluate(job, Monitor())
    assert disk.files() == {}
    assert not (disk.path / "figures").exists()
    disk.make_space()
    assert len(run_evaluate(job, Monitor()).files) == 3
    assert len(disk.files()) == 4


def test_a_model_that_can_not_be_written_says_so(run: Run, disk: SmallDisk) -> None:  # noqa: F811
    model = read_model(run.out)
    write_whole(disk.path / "m.safetensors", "older")
    disk.fill()
    with pytest.raises(ModelError, match=r"can't be written \(No space left on device\); free some space, or"):
        write_model(disk.path / "m.safetensors", model)
    assert (disk.path / "m.safetensors").read_text() == "older"
