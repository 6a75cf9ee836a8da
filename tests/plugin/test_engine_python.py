"""Each way in which the engine's Python can be wrong has its sentence."""

from __future__ import annotations

import os
import sys

import pytest
from scalescape.plugin.core.engine_error import EngineError
from scalescape.plugin.core.engine_python import engine_launch, find_engine_python


def make_python(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_environment_in_the_folder_is_found(tmp_path):
    python = make_python(tmp_path / ".venv" / "bin" / "python")
    assert find_engine_python("", {}, tmp_path) == python


def test_so_is_that_of_windows(tmp_path):
    python = make_python(tmp_path / ".venv" / "Scripts" / "python.exe")
    assert find_engine_python("", {}, tmp_path) == python


def test_the_variable_wins_over_the_folder_and_the_setting_over_the_variable(tmp_path):
    make_python(tmp_path / ".venv" / "bin" / "python")
    named = make_python(tmp_path / "a" / "python")
    chosen = make_python(tmp_path / "b" / "python")
    environ = {"SCALESCAPE_PYTHON": str(named)}
    assert find_engine_python("", environ, tmp_path) == named
    assert find_engine_python(str(chosen), environ, tmp_path) == chosen


def test_the_folder_of_an_environment_will_do(tmp_path):
    python = make_python(tmp_path / "env" / "bin" / "python")
    assert find_engine_python(str(tmp_path / "env"), {}, tmp_path) == python


@pytest.mark.parametrize(
    ("setting", "environ", "said"),
    [
        ("", {}, "No Python for the engine was found"),
        ("nowhere/python", {}, "chosen under Advanced, nowhere/python, does not exist"),
        ("", {"SCALESCAPE_PYTHON": "nowhere/python"}, "SCALESCAPE_PYTHON, nowhere/python, does not exist"),
    ],
)
def test_what_is_missing_is_named(tmp_path, setting, environ, said):
    with pytest.raises(EngineError) as caught:
        find_engine_python(setting, environ, tmp_path)
    assert said in caught.value.message
    assert caught.value.remedy


def test_a_folder_without_python_and_a_file_that_can_not_run(tmp_path):
    with pytest.raises(EngineError, match="a folder without a Python"):
        find_engine_python(str(tmp_path), {}, tmp_path)
    plain = tmp_path / "notes.txt"
    plain.write_text("")
    plain.chmod(0o644)
    if os.access(plain, os.X_OK):
        pytest.skip("this file system lets everything run")
    with pytest.raises(EngineError, match="no program that can be run"):
        find_engine_python(str(plain), {}, tmp_path)


def test_the_engine_is_started_by_its_file_path(tmp_path):
    launch = engine_launch(sys.executable, {"PYTHONPATH": "x"}, tmp_path)
    assert launch.command == (sys.executable, str(tmp_path / "engine" / "__main__.py"), "serve")
    assert "PYTHONPATH" not in launch.environment
