"""How the engine is started: its command line and a clean environment. Standard library alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Variables of QGIS's own Python, GDAL and Qt that would break another Python and another GDAL.
_FOREIGN_PREFIXES = ("PIP_", "QGIS_", "PROJ_", "GDAL_", "DYLD_")
_FOREIGN = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True)
class EngineLaunch:
    """The command that starts the engine, and the environment that it gets."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, compare=False)


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` without what belongs to QGIS's own Python and libraries."""
    kept = {
        name: value
        for name, value in environ.items()
        if name.upper() not in _FOREIGN and not name.upper().startswith(_FOREIGN_PREFIXES)
    }
    kept["PYTHONIOENCODING"] = "utf-8"
    kept["PYTHONSAFEPATH"] = "1"
    return kept


def serve_command(python: Path, root: Path) -> tuple[str, ...]:
    """Return the command line that starts the engine of the package in ``root`` as a server."""
    return (str(python), str(root / "engine" / "__main__.py"), "serve")
