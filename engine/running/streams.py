"""Files that may never end: pipes, sockets, devices."""

from __future__ import annotations

import stat
from pathlib import Path

from .errors import InputError

STREAMS = ("/vsistdin", "/vsistdout")


def demand_no_stream(file: str, role: str) -> None:
    """Raise InputError where a file is a pipe, a socket or a device, which might never end."""
    try:
        kind = Path(file).stat().st_mode
    except (OSError, ValueError):
        kind = stat.S_IFREG  # no path of this machine: GDAL knows whether it is anything
    if file.startswith(STREAMS) or not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise InputError(f"The {role} {file} is a pipe or a device and no file; save it as a file first.")
