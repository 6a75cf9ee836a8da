"""Scalescape knows its own version."""

from __future__ import annotations

import re
from pathlib import Path

from scalescape.engine.running.version import scalescape_version, software

METADATA = Path(__file__).resolve().parents[3] / "metadata.txt"


def test_the_version_is_that_of_the_plugin() -> None:
    (line,) = re.findall(r"^version=(.+)$", METADATA.read_text(encoding="utf-8"), re.MULTILINE)
    assert scalescape_version() == line.strip()
    assert set(software()) == {"scalescape", "torch", "numpy", "rasterio", "pyproj"}
