"""What is remembered: per user in QGIS's settings, per project in the project file."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import QgsProject, QgsSettings

PREFIX = "scalescape"
_PROJECT_KEY = "last_run"
N_RECENT = 8


def value(key: str, default: str = "") -> str:
    """Return the user's setting ``key`` as text."""
    found = QgsSettings().value(f"{PREFIX}/{key}", default)
    return default if found is None else str(found)


def set_value(key: str, new: str) -> None:
    """Remember the user's setting ``key``."""
    QgsSettings().setValue(f"{PREFIX}/{key}", new)


def engine_python() -> str:
    """Return the engine's Python that the user chose; empty where none."""
    return value("engine_python")


def recent_models() -> list[str]:
    """Return the model files used last, newest first."""
    try:
        found = json.loads(value("recent_models", "[]"))
    except ValueError:
        return []
    return [str(path) for path in found] if isinstance(found, list) else []


def remember_model(path: str) -> None:
    """Put ``path`` first among the recent models."""
    others = [known for known in recent_models() if known != path]
    set_value("recent_models", json.dumps([path, *others][:N_RECENT]))


def project_run(project: QgsProject) -> dict[str, Any]:
    """Return the settings of the project's last run; empty where it had none."""
    text, _ = project.readEntry(PREFIX, _PROJECT_KEY, "")
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def set_project_run(project: QgsProject, run: dict[str, Any]) -> None:
    """Remember the settings of a run in the project."""
    project.writeEntry(PREFIX, _PROJECT_KEY, json.dumps(run))
