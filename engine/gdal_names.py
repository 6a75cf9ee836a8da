"""Names of files that only GDAL can look up."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9_+]+:")  # one letter before the colon is a Windows drive


def is_gdal_name(text: str) -> bool:
    """Tell whether a text is GDAL's own name of something, such as ``/vsizip/…`` or ``GPKG:…``, and no path."""
    return _PREFIX.match(text) is not None
