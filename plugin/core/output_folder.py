"""A folder for a run's maps that holds no other run: what was written before stays."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProject

from . import settings

RUN_FILE = "run.json"
DEFAULT_NAME = "scalescape maps"


def fresh_folder(chosen: str) -> str:
    """Return ``chosen``, or the first of ``chosen-2``, ``chosen-3`` ... where it already holds a run."""
    if not chosen.strip():
        return ""
    path = Path(chosen.strip()).expanduser()
    candidate, number = path, 1
    while (candidate / RUN_FILE).exists():
        number += 1
        candidate = path.with_name(f"{path.name}-{number}")
    return str(candidate)


def suggested_folder(project: QgsProject) -> str:
    """Return the folder used last, else one beside the project file, else one in the user's home."""
    used = settings.value("out")
    if used:
        return used
    home = project.homePath()
    return str(Path(home or Path.home()) / DEFAULT_NAME)
