"""The versions of Scalescape and of what its numbers depend on."""

from __future__ import annotations

import configparser
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("torch", "numpy", "rasterio", "pyproj")


@cache
def scalescape_version() -> str:
    """Return the version that ``metadata.txt`` names; QGIS shows the same."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(Path(__file__).resolve().parents[2] / "metadata.txt", encoding="utf-8")
    return metadata.get("general", "version", fallback="unknown")


def software() -> dict[str, str]:
    """Return name and version of Scalescape and the packages that compute."""
    return {"scalescape": scalescape_version(), **{name: version(name) for name in PACKAGES}}
