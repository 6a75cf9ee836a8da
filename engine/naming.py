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
    """Return one slug a name, all different: the second of a kind gets ``_2``."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        base = slug(name)
        taken[base] = taken.get(base, 0) + 1
        found.append(base if taken[base] == 1 else f"{base}_{taken[base]}")
    return found
