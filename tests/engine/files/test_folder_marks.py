"""The mark of a folder aside: damaged, foreign or out of date, it never makes an output folder unusable."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from scalescape.engine.files import aside as aside_module
from scalescape.engine.files.aside import Aside
from scalescape.engine.files.claim import MARK, Mark, Owner
from scalescape.engine.files.resumable_folder import ResumableFolder
from scalescape.engine.protocol.kept_work import RUNNING
from scalescape.engine.running.errors import InputError

DAMAGED = {
    "empty": b"",
    "cut short": b'{"pid": 12',
    "zeros of a power cut": bytes(40),
    "binary": bytes(range(256)),
    "no object": b"[1, 2]",
    "a text": b'"pid"',
    "another object": b'{"colour": "green"}',
    "no process": b'{"pid": null}',
    "a number that no process has": b'{"pid": 99999999999999999999}',
    "a negative number": b'{"pid": -1}',
    "a flag": b'{"pid": true}',
    "nested without end": b"[" * 100_000,
}


@pytest.fixture
def partial(tmp_path: Path) -> Path:
    folder = tmp_path / "out.partial"
    folder.mkdir()
    return folder


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def take(tmp_path: Path) -> None:
    """Do what a job does with its output folder."""
    with Aside(tmp_path / "out") as aside:
        aside.write("table.csv", "new")
        aside.publish(["table.csv"])


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_mark_is_taken_over_where_nothing_can_be_lost(
    tmp_path: Path, partial: Path, content: bytes
) -> None:
    (partial / MARK).write_bytes(content)
    (partial / f"{MARK}.12-34.partial").write_bytes(b'{"pi')
    (partial / ".tiles.tiles.tif").write_bytes(b"half a map")
    (partial / "table.csv").touch()
    take(tmp_path)
    assert (tmp_path / "out" / "table.csv").read_text() == "new"
    assert not partial.exists()


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_lies_beside_a_damaged_mark_is_kept_and_the_sentence_names_it(
    tmp_path: Path, partial: Path, content: bytes
) -> None:
    (partial / MARK).write_bytes(content)
    (partial / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError) as told:
        take(tmp_path)
    assert str(partial / MARK) in str(told.value) and str(told.value).endswith(f"delete {partial}.")
    assert (partial / "thesis.txt").read_text() == "years of work"
    assert not (tmp_path / "out").exists(), "a folder that was made for nothing goes"


def test_a_folder_in_place_of_the_mark_is_taken_over_while_it_is_empty(tmp_path: Path, partial: Path) -> None:
    (partial / MARK).mkdir()
    take(tmp_path)
    (partial / MARK).mkdir(parents=True)
    (partial / MARK / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is damaged; if none does, delete"):
        take(tmp_path)
    assert (partial / MARK / "thesis.txt").read_text() == "years of work"


def test_a_link_in_place_of_the_mark_or_beside_it_is_left_alone(tmp_path: Path, partial: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    (partial / MARK).symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is damaged"):
        take(tmp_path)
    (partial / MARK).unlink()
    (partial / MARK).touch()
    (partial / "link").symlink_to(tmp_path / "thesis.txt")
    with pytest.raises(InputError, match="is damaged"):
        take(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_mark_that_may_not_be_read_is_named(
    tmp_path: Path, partial: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (partial / MARK).write_text("{}")

    def forbidden(path: Path, **options: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_text", forbidden)
    with pytest.raises(InputError, match=r"\.scalescape\.json can't be read \(Permission denied\); move it"):
        take(tmp_path)
    assert (partial / MARK).exists()


def test_what_a_dead_run_left_is_cleared_away(tmp_path: Path, partial: Path) -> None:
    (partial / MARK).write_text(json.dumps({"pid": 2**22 - 7}))
    (partial / "quercus_ilex.tif").write_bytes(b"half a map")
    take(tmp_path)
    assert not partial.exists()


def test_a_live_run_is_waited_for_and_one_of_its_number_is_not(
    tmp_path: Path, partial: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """A number is given to another process when its own has ended; when it started tells the two apart."""
    started = psutil.Process(sleeper.pid).create_time()
    mine = vars(Owner.of_this_process())
    for mark in ({"pid": sleeper.pid}, {**mine, "pid": sleeper.pid, "started": started + 1}):
        (partial / MARK).write_text(json.dumps(mark))
        with pytest.raises(InputError, match="Another run writes to"):
            take(tmp_path)
    (partial / MARK).write_text(json.dumps({**mine, "pid": sleeper.pid, "started": started - 3600}))
    take(tmp_path)


def test_a_run_on_another_computer_is_not_thought_dead(tmp_path: Path, partial: Path) -> None:
    owner = {**vars(Owner.of_this_process()), "pid": 2**22 - 7, "host": "node17"}
    (partial / MARK).write_text(json.dumps(owner))
    (partial / "quercus_ilex.tif").write_bytes(b"half a map")
    with pytest.raises(InputError, match=f"on the computer node17 writes to .* delete {partial}"):
        take(tmp_path)
    assert (partial / "quercus_ilex.tif").exists()


def test_a_mark_names_this_process(tmp_path: Path) -> None:
    with Aside(tmp_path / "out") as aside:
        owner = Mark(aside.path).owner()
        assert owner is not None and owner.pid == os.getpid() and not owner.runs and not owner.elsewhere
        assert [file.name for file in aside.path.iterdir()] == [MARK]


@pytest.mark.parametrize("name", ["out", "out.partial"])
def test_a_file_in_the_way_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("years of work")
    with pytest.raises(InputError, match=f"{name} "):
        take(tmp_path)
    assert (tmp_path / name).read_text() == "years of work"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_folder_inside_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("years of work")
    with pytest.raises(InputError, match="can't be written"):
        Aside(tmp_path / "file" / "deep" / "out")


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_mark_that_can_not_be_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def fails(self: Mark) -> None:
        raise OSError(error, os.strerror(error))

    full = error in (errno.ENOSPC, errno.EDQUOT)
    remedy = "free some space, or choose another folder" if full else "choose another folder"
    with monkeypatch.context() as patch:
        patch.setattr(aside_module.Mark, "set", fails)
        with pytest.raises(InputError) as told:
            Aside(tmp_path / "deep" / "out")
    out = tmp_path / "deep" / "out"
    assert str(told.value) == f"The folder {out} can't be written ({os.strerror(error)}); {remedy}."
    assert list(tmp_path.iterdir()) == []
    with Aside(out) as aside:
        aside.write("run.json", "{}")
        aside.publish(["run.json"])
    assert (out / "run.json").exists()


def test_folders_that_were_there_or_got_something_stay(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    for folder in (tmp_path / "there", tmp_path / "new" / "deep"):
        with pytest.raises(RuntimeError, match="nothing"), Aside(folder):
            raise RuntimeError("nothing")
    assert (tmp_path / "there").is_dir() and not (tmp_path / "new").exists()
    with pytest.raises(RuntimeError, match="nothing"), Aside(tmp_path / "new" / "deep") as aside:
        (aside.folder.parent / "notes.txt").write_text("of the user")
        raise RuntimeError("nothing")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("killed", [False, True])
def test_what_a_training_keeps_beside_its_model_is_not_taken_for_a_dead_map(
    tmp_path: Path, killed: bool
) -> None:
    """``train --out oaks.safetensors`` keeps its work where ``map --out oaks`` lets its files grow."""
    with ResumableFolder(tmp_path / "oaks.partial", "x", False, "trains oaks.safetensors") as folder:
        (folder.path / "network_0.safetensors").write_bytes(b"hours of work")
        mark = (folder.path / RUNNING).read_bytes()
    if killed:
        owner = {**json.loads(mark), "pid": 2**22 - 7}
        (folder.path / RUNNING).write_text(json.dumps(owner))
    with pytest.raises(InputError, match=r"oaks\.partial keeps what a training has done; choose another"):
        Aside(tmp_path / "oaks")
    assert (folder.path / "network_0.safetensors").read_bytes() == b"hours of work"


def test_a_map_that_grows_is_not_taken_for_a_training(tmp_path: Path) -> None:
    with Aside(tmp_path / "oaks") as aside:
        (aside.path / "a.tif").write_bytes(b"half a map")
        with pytest.raises(InputError, match="is in the way"):
            ResumableFolder(tmp_path / "oaks.partial", "x", False, "trains oaks.safetensors")
        assert (aside.path / "a.tif").exists()
