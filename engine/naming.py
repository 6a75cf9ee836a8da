"""File names of species."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def slug(name: str) -> str:
    """Return ``name`` in lower-case ASCII letters and digits, joined by ``_``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "_".join(re.findall(r"[a-z0-9]+", plain.lower())) or "species"


def slugs(names: Sequence[str]) -> list[str]:
    """Return one slug a name, all different: where one is taken already, ``_2`` and so on is added."""
    found: dict[str, None] = {}  # ordered, and quick to look up
    for name in names:
        base = unused = slug(name)
        number = 1
        while unused in found:
            number += 1
            unused = f"{base}_{number}"
        found[unused] = None
    return list(found)
