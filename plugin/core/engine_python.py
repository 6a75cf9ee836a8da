"""Where the engine's Python is: a setting, an environment variable, or the environment in the folder.

Standard library alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from .engine_error import EngineError
from .engine_launch import EngineLaunch, clean_environment, serve_command

ENVIRONMENT_VARIABLE = "SCALESCAPE_PYTHON"
ROOT = Path(__file__).resolve().parent.parent.parent
_IN_ENVIRONMENT = (Path("bin", "python"), Path("bin", "python3"), Path("Scripts", "python.exe"))


def find_engine_python(setting: str, environ: Mapping[str, str], root: Path = ROOT) -> Path:
    """Return the Python that runs the engine.

    Parameters
    ----------
    setting
        What the user chose: a Python, or the folder of a virtual environment; empty where nothing.
    environ
        The environment, where ``SCALESCAPE_PYTHON`` may name one.
    root
        The plugin folder, whose ``.venv`` is what ``make setup`` builds.

    Raises
    ------
    EngineError
        None was found, or the one that is named can't be run.
    """
    if setting.strip():
        return _named(setting.strip(), "the engine Python chosen under Advanced")
    from_variable = environ.get(ENVIRONMENT_VARIABLE, "").strip()
    if from_variable:
        return _named(from_variable, f"the engine Python named by {ENVIRONMENT_VARIABLE}")
    built = root / ".venv"
    python = _inside(built)
    if python is None:
        raise EngineError(
            f"No Python for the engine was found (looked for {built}).",
            remedy="Run “make setup” in the plugin folder, or choose a Python under Advanced.",
        )
    return python


def engine_launch(setting: str, environ: Mapping[str, str], root: Path = ROOT) -> EngineLaunch:
    """Return how to start the engine; raise EngineError where its Python can't be found."""
    python = find_engine_python(setting, environ, root)
    return EngineLaunch(serve_command(python, root), clean_environment(environ))


def _inside(folder: Path) -> Optional[Path]:
    for relative in _IN_ENVIRONMENT:
        if (folder / relative).is_file():
            return folder / relative
    return None


def _named(text: str, what: str) -> Path:
    path = Path(os.path.expandvars(text)).expanduser()
    sentence = what[0].upper() + what[1:]
    choose = "Choose another, or leave it empty to use the plugin's own environment."
    if path.is_dir():
        python = _inside(path)
        if python is None:
            raise EngineError(f"{sentence}, {path}, is a folder without a Python in it.", remedy=choose)
        return python
    if not path.is_file():
        raise EngineError(f"{sentence}, {path}, does not exist.", remedy=choose)
    if not os.access(path, os.X_OK):
        raise EngineError(f"{sentence}, {path}, is no program that can be run.", remedy=choose)
    return path
