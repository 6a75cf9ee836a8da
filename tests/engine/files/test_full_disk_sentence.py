"""A full disk is known by whatever a library raises, and told in one sentence on every way out."""

from __future__ import annotations

import errno
import io
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rasterio.errors import RasterioIOError
from safetensors import SafetensorError
from scalescape.engine import server
from scalescape.engine.commands.exit_status import exit_status
from scalescape.engine.files.aside import refusal, writing
from scalescape.engine.files.full_disk import full_disk_sentence, is_full
from scalescape.engine.protocol import DemoJob, request, to_params
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.outlet import Outlet
from scalescape.engine.server import Server

NO_SPACE = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
QUOTA = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/home/me/a.tif")
BY_NAME = [
    NO_SPACE,
    QUOTA,
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    sqlite3.OperationalError("database or disk is full"),
    FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/var/tmp']"),
]
VAGUE = [
    RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534"),
    RasterioIOError("Write failed. See previous exception for details."),
    ValueError("Can't close the ZIP file while there is an open writing handle on it."),
]
OTHER = [
    OSError(errno.EACCES, os.strerror(errno.EACCES)),
    IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)),
    KeyError("disk"),
]


@pytest.mark.parametrize("error", BY_NAME, ids=repr)
def test_errors_that_say_so_are_of_a_full_disk(error: Exception) -> None:
    assert is_full(error)
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("something went wrong") from cause
    except RuntimeError as outer:
        assert is_full(outer), "also where a library wraps them"


@pytest.mark.parametrize("error", VAGUE, ids=repr)
def test_of_errors_that_do_not_say_so_the_disk_tells(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_full(error) and not is_full(error, tmp_path)
    monkeypatch.setattr("scalescape.engine.files.full_disk.has_no_room", lambda folder: True)
    assert is_full(error, tmp_path)
    sentence = str(refusal(tmp_path, error))
    assert sentence.startswith(
        f"The folder {tmp_path} can't be written (No space left on device); free some space"
    )


@pytest.mark.parametrize("error", OTHER, ids=repr)
def test_other_errors_are_not(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_full(error) and full_disk_sentence(error) == ""
    monkeypatch.setattr("scalescape.engine.files.full_disk.has_no_room", lambda folder: True)
    assert is_full(error, tmp_path) is isinstance(error, KeyError), "the system's own reason is the reason"


def test_what_was_not_foreseen_ends_with_a_sentence_too() -> None:
    @click.command()
    def command() -> None:
        with exit_status():
            raise QUOTA

    done = CliRunner().invoke(command)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "/home/me/a.tif can't be written (Disk quota exceeded); free some space and start again: "
        "what is done is kept.\n"
    )


def test_the_engine_s_process_answers_with_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*arguments: object) -> None:
        raise NO_SPACE

    monkeypatch.setattr(server, "run_demo", full)
    out = io.BytesIO()

    def asked() -> Iterator[bytes]:
        yield request(1, "demo", to_params(DemoJob(str(tmp_path)))).encode() + b"\n"
        deadline = time.monotonic() + 30
        while not out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)

    Server(asked(), Outlet(out)).run()  # type: ignore[arg-type]
    answer = json.loads(out.getvalue().splitlines()[-1])
    assert answer["error"]["data"]["kind"] == "input"
    assert "No space left on device" in answer["error"]["message"] and "free some" in answer["error"]["message"]


def test_the_disk_that_is_full_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCALESCAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(
        "scalescape.engine.files.full_disk.has_no_room", lambda folder: folder == tmp_path / "cache"
    )
    assert f"No space left on device on the disk of {tmp_path / 'cache'})" in full_disk_sentence(NO_SPACE)

    def none() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    monkeypatch.setattr("scalescape.engine.files.full_disk.has_no_room", lambda folder: False)
    assert full_disk_sentence(NO_SPACE).startswith("A file can't be written (No space left on device); free")


def test_a_sentence_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="^the first sentence$"), writing(tmp_path, RuntimeError):
        raise InputError("the first sentence")
