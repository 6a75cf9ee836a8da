"""Names of files that only GDAL can look up."""

from __future__ import annotations

import re
from pathlib import Path

_PREFIX = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9_+]+:")  # one letter before the colon is a Windows drive


def is_gdal_name(text: str) -> bool:
    """Tell whether a text is GDAL's own name of something, such as ``/vsizip/…`` or ``GPKG:…``, and no path."""
    return _PREFIX.match(text) is not None


def stem_of(name: str) -> str:
    """Return what a file is called, without folder and ending; of a part of a file, what the part is called.

    ``NETCDF:"climate.nc":bio1`` and ``GPKG:climate.gpkg:bio1`` name the part ``bio1``.
    """
    parted = re.fullmatch(r"(?s)[A-Za-z][A-Za-z0-9_+]+:(?:\"[^\"]*\"|[^\"]*[^:\"/\\]):([^:/\\\"]+)", name)
    return parted[1] if parted else Path(name).stem
