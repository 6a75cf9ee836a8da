"""The study's page."""

from __future__ import annotations

from pathlib import Path

from .findings import Findings
from .workshop import Workshop


def write_page(findings: Findings, workshop: Workshop, folder: Path) -> str:
    return str(folder / "study.html")
