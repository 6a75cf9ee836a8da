"""What HTML pages that stand alone share: escaped templates, and figures as a person writes them."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from ..words.lengths import length_text
from .resampling import Estimate

SHARED = Path(__file__).parent / "templates"
DASH = "–"


def page_template(folder: Path, name: str) -> Template:
    """Return a template of a folder, or of the shared ones; names are escaped, and nothing may be undefined.

    Its filters are ``number``, ``signed``, ``interval``, ``count`` and ``on_ground``.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=number_text,
        interval=interval_text,
        count=count_text,
        signed=signed_text,
        on_ground=length_text,
    )
    return environment.get_template(name)


def number_text(value: float | None, digits: int = 2) -> str:
    """Return a figure for a person, with a true minus sign; a dash where there is none."""
    return DASH if value is None else f"{value:.{digits}f}".replace("-", "−")


def signed_text(value: float | None, digits: int = 3) -> str:
    """Return a difference for a person, with its sign; a dash where there is none."""
    return DASH if value is None else f"{value:+.{digits}f}".replace("-", "−")


def interval_text(estimate: Estimate, digits: int = 2) -> str:
    """Return an interval as ``0.71 to 0.79``; nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{number_text(estimate.low, digits)} to {number_text(estimate.high, digits)}"


def count_text(value: int) -> str:
    """Return a number of things with thin gaps between thousands."""
    return f"{value:,}".replace(",", "\u202f")
