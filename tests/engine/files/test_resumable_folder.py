"""A folder of work that goes on: whatever runs come and go, what is done is never lost."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.files import resumable_folder
from scalescape.engine.files.claim import Owner
from scalescape.engine.files.resumable_folder import ResumableFolder, holds_work_of, put_aside
from scalescape.engine.protocol.kept_work import RUNNING, work_in
from scalescape.engine.running.errors import InputError

SAME, OTHER = "of this config", "of another config"


def run(path: Path, names: list[str], fingerprint: str = SAME, resume: bool | None = False) -> str:
    """A run that finishes some pieces of work and is stopped; return its note."""
    with ResumableFolder(path, fingerprint, resume, "writes there") as folder:
        for name in names:
            (folder.path / name).write_text(f"{name} {fingerprint}")
        return folder.note


def work(path: Path) -> dict[str, set[str]]:
    """All work in a folder and those put aside from it, by fingerprint."""
    found: dict[str, set[str]] = {}
    for folder in (path, *put_aside(path)):
        for name in work_in(folder):
            piece, fingerprint = (folder / name).read_text().split(" ", 1)
            assert piece == name
            found.setdefault(fingerprint, set()).add(name)
    return found


def test_two_forgetful_starts_keep_what_the_first_run_did(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    fits = [f"{number}.npz" for number in range(24)]
    assert run(path, fits) == ""
    note = run(path, [])
    assert "24 files" in note and str(tmp_path / "fits.old") in note and "--resume" in note
    assert run(path, []) == "" and run(path, []) == "", "there is nothing to put aside"
    assert work(path) == {SAME: set(fits)}
    assert "24 files" in run(path, ["more.npz"], resume=True)
    assert work_in(path) == {*fits, "more.npz"} and put_aside(path) == []


def test_of_two_folders_that_hold_the_same_the_fuller_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    run(path, ["a.npz", "b.npz"])
    note = run(path, ["a.npz"])
    note = run(path, ["a.npz"])
    assert "(2 files) is kept" in note
    assert work_in(tmp_path / "fits.old") == {"a.npz", "b.npz"} and len(put_aside(path)) == 1
    run(path, ["a.npz", "b.npz", "c.npz"])
    run(path, [])
    assert [work_in(one) for one in put_aside(path)] == [{"a.npz", "b.npz", "c.npz"}]


def test_folders_of_which_none_holds_all_of_the_other_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    run(path, ["a.npz", "b.npz"])
    run(path, ["c.npz"])
    run(path, [])
    assert [one.name for one in put_aside(path)] == ["fits.old", "fits.old-2"]
    assert work(path) == {SAME: {"a.npz", "b.npz", "c.npz"}}
    run(path, [], resume=True)
    assert work_in(path) == {"a.npz", "b.npz"}, "it goes on from whichever holds most"


def test_work_of_another_config_is_kept_beside(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    run(path, ["a.npz", "b.npz"], OTHER)
    assert "another config" in run(path, ["a.npz"])
    run(path, [], OTHER)
    assert work(path) == {OTHER: {"a.npz", "b.npz"}, SAME: {"a.npz"}}
    run(path, ["c.npz"], OTHER)
    with pytest.raises(InputError, match="made with another config"):
        run(path, [], "of a third config", resume=True)
    run(path, [], SAME, resume=True)
    assert work_in(path) == {"a.npz"}
    assert work(path) == {OTHER: {"a.npz", "b.npz", "c.npz"}, SAME: {"a.npz"}}


RUNS = st.lists(
    st.tuples(
        st.sampled_from([SAME, OTHER]),
        st.sampled_from([False, True, None]),
        st.sets(st.sampled_from(["a.npz", "b.npz", "c.npz", "placebo/d.tif"])),
    ),
    max_size=7,
)


@settings(max_examples=60, deadline=None)
@given(runs=RUNS)
def test_no_order_of_runs_loses_work(tmp_path_factory: pytest.TempPathFactory, runs: list) -> None:
    path = tmp_path_factory.mktemp("runs") / "fits"
    done: dict[str, set[str]] = {}
    for fingerprint, resume, pieces in runs:
        mine = [work_in(one) for one in (path, *put_aside(path)) if fingerprint_of(one) == fingerprint]
        try:
            with ResumableFolder(path, fingerprint, resume, "writes there") as folder:
                if resume is not False:
                    assert len(work_in(folder.path)) == max(map(len, mine), default=0)
                for name in pieces:
                    (folder.path / name).parent.mkdir(exist_ok=True)
                    (folder.path / name).write_text(f"{name} {fingerprint}")
                done.setdefault(fingerprint, set()).update(pieces)
        except InputError as told:
            assert resume and "another config" in str(told) and not mine
        assert work(path) == {one: names for one, names in done.items() if names}
    shutil.rmtree(path.parent)


def fingerprint_of(folder: Path) -> str:
    file = folder / "run.json"
    return str(json.loads(file.read_text())["fingerprint"]) if file.exists() else ""


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut_short(path: Path) -> None:
    path.write_text('{"fingerprint": "of')


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)))


def no_object(path: Path) -> None:
    path.write_text("[]")


def of_no_text(path: Path) -> None:
    path.write_text('{"fingerprint": [1]}')


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [empty, cut_short, binary, no_object, of_no_text, a_folder])
def test_a_damaged_record_never_makes_a_folder_unusable(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    path = tmp_path / "fits"
    run(path, ["a.npz"])
    damage(path / "run.json")
    with pytest.raises(InputError, match=r"run\.json is damaged; start without resuming \(--resume\)"):
        run(path, [], resume=True)
    assert work_in(path) == {"a.npz"}
    assert "another config" in run(path, ["b.npz"])
    assert work_in(path) == {"b.npz"} and work_in(tmp_path / "fits.old") == {"a.npz"}


@pytest.mark.parametrize("resume", [False, True, None])
@pytest.mark.parametrize("left", ["nothing", "half a record", "an empty mark", "an empty record"])
def test_what_a_full_disk_left_at_the_start_is_taken_over(
    tmp_path: Path, left: str, resume: bool | None
) -> None:
    path = tmp_path / "tiny.partial"
    path.mkdir()
    if left != "nothing":
        name = {"half a record": "run.json.partial", "an empty mark": RUNNING, "an empty record": "run.json"}[
            left
        ]
        (path / name).touch()
    assert run(path, ["a.npz"], resume=resume) == ""
    assert work_in(path) == {"a.npz"}


@pytest.mark.parametrize("resume", [False, True])
def test_what_is_not_ours_stays(tmp_path: Path, resume: bool) -> None:
    path = tmp_path / "fits"
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is in the way and is not Scalescape's; move it away"):
        run(path, [], resume=resume)
    assert [file.name for file in path.iterdir()] == ["thesis.txt"]
    shutil.rmtree(path)
    path.write_text("years of work")
    with pytest.raises(InputError, match="is in the way"):
        run(path, [], resume=resume)
    assert path.read_text() == "years of work"


def test_a_run_elsewhere_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    run(path, ["a.npz"])
    (path / RUNNING).write_text(json.dumps({**vars(Owner.of_this_process()), "host": "node17"}))
    with pytest.raises(InputError, match=f"on the computer node17 writes there, .* delete {path / RUNNING}"):
        run(path, [], resume=True)
    (path / RUNNING).unlink()
    (path / "run.json").write_text(json.dumps({"fingerprint": SAME, "pid": os.getppid()}))
    with pytest.raises(InputError, match="Another run writes there"):
        run(path, [], resume=True)


@pytest.mark.parametrize("before", [[], ["a.npz"]])
@pytest.mark.parametrize("what", ["write_whole", "Mark.set"])
def test_a_full_disk_at_the_start_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, before: list[str]
) -> None:
    path = tmp_path / "deep" / "fits"
    if before:
        run(path, before)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for resume in (False, True):
        with monkeypatch.context() as patch:
            patch.setattr(f"{resumable_folder.__name__}.{what}", full)
            with pytest.raises(InputError, match=r"No space left on device\); free some space"):
                run(path, [], resume=resume)
        assert work(path) == ({SAME: set(before)} if before else {})
        assert path.parent.exists() is bool(before), "a folder that was made for nothing goes"
    assert holds_work_of(path, SAME) is bool(before)
    run(path, ["b.npz"], resume=True)
    assert work_in(path) == {*before, "b.npz"}


def test_a_full_disk_at_the_end_does_not_hide_why_a_run_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        pytest.raises(InputError, match="the first sentence"),
        ResumableFolder(tmp_path / "fits", SAME, False, "writes there") as folder,
    ):
        (folder.path / "a.npz").write_text("a.npz of this config")
        monkeypatch.setattr(f"{resumable_folder.__name__}.write_whole", full)
        raise InputError("the first sentence")
    assert not (tmp_path / "fits" / RUNNING).exists()
