"""The user's folder for what can be made again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "SCALESCAPE_CACHE"


def cache_folder() -> Path:
    """Return the folder that ``SCALESCAPE_CACHE`` names, else the platform's own place for caches."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "scalescape"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "scalescape"
