"""A file appears whole or not at all: whatever fails, and at whatever moment, the old content stays."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalescape.models.whole_file import whole_file, write_whole

LONG = "é" * 120  # 240 bytes: a name to which hardly anything can be added


@pytest.mark.parametrize("name", ["run.json", LONG])
@pytest.mark.parametrize("content", ["", "text\nof two lines\r\n", "ünïcode"])
def test_a_file_holds_what_was_given(tmp_path: Path, name: str, content: str) -> None:
    write_whole(tmp_path / name, content)
    assert (tmp_path / name).read_bytes() == content.encode("utf-8")
    write_whole(tmp_path / name, b"\x00\xff")
    assert (tmp_path / name).read_bytes() == b"\x00\xff"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def full(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*arguments: object, **options: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fails", [full, interrupted])
@pytest.mark.parametrize("what", ["os.fsync", "pathlib.Path.replace", "pathlib.Path.write_bytes"])
def test_what_stood_there_stays_where_anything_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, fails: Callable[..., None]
) -> None:
    file = tmp_path / "run.json"
    write_whole(file, "before")
    with monkeypatch.context() as patch:
        patch.setattr(what, fails)
        with pytest.raises((OSError, KeyboardInterrupt)):
            write_whole(file, "after")
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file], "no litter"


@given(written=st.integers(0, 5000))
def test_half_of_a_content_is_never_seen(tmp_path_factory: pytest.TempPathFactory, written: int) -> None:
    file = tmp_path_factory.mktemp("half") / "table.csv"
    write_whole(file, "before")
    with pytest.raises(OSError, match="no more"), whole_file(file) as beside:
        beside.write_bytes(b"x" * written)
        assert file.read_text() == "before"
        raise OSError("no more")
    assert file.read_text() == "before"


def test_a_content_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: done.append("on disk") or fsync(number))
    monkeypatch.setattr(Path, "replace", lambda one, other: done.append("named") or replace(one, other))
    write_whole(tmp_path / "run.json", "x")
    assert done == ["on disk", "named"]
    write_whole(tmp_path / "cache.json", "x", lasting=False)
    assert done == ["on disk", "named", "named"]


def test_everybody_may_read_it_whom_the_user_lets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "run.json", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o644
