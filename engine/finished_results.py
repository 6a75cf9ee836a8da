"""What the jobs on finished maps answer; the keys of their JSON. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class AreasResult:
    """What an areas job found: the files, and the rows of areas.csv."""

    files: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
