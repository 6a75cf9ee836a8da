"""The files that hold a judgement: species.csv, figures.csv, summary.json and report.html."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from ...models.whole_file import write_whole
from .judgement import COLUMNS, Judgement
from .report import report_html
from .resampling import Estimate
from .species_figures import FIGURES, Figures

FILES = ("species.csv", "figures.csv", "summary.json", "report.html")
LONG_COLUMNS = ("species", "figure", "value", "low", "high", "sensitivity", "specificity")


def write_judgement(judgement: Judgement, folder: Path, distance_note: str = "", judged: str = "") -> None:
    """Write species.csv, summary.json, report.html, and figures.csv with every interval and threshold.

    ``distance_note`` is a sentence on how far the map's places are from the data, compared with the test's;
    ``judged`` says what is judged where it is no network of a card. Raises OSError where the folder can't be
    written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    species = pd.DataFrame(list(judgement.species), columns=list(COLUMNS))
    long = pd.DataFrame(_long_rows(judgement.figures), columns=list(LONG_COLUMNS))
    summary = json.dumps(judgement.summary, indent=2, ensure_ascii=False, allow_nan=False)
    texts = (species.to_csv(index=False), long.to_csv(index=False), f"{summary}\n")
    for name, text in zip(FILES, (*texts, report_html(judgement, distance_note, judged)), strict=True):
        write_whole(folder / name, text)


def _long_rows(figures: Figures) -> list[tuple[Any, ...]]:
    """Return one row a species and figure: value and interval; for thresholds sensitivity and specificity."""
    rows: list[tuple[Any, ...]] = []
    for one in figures.species:
        for name in FIGURES:
            estimate: Estimate = getattr(one, name)
            rows.append((one.name, name, estimate.value, estimate.low, estimate.high, None, None))
        for rule, at in one.thresholds.items():
            rows.append((one.name, f"threshold: {rule}", at.value, None, None, at.sensitivity, at.specificity))
    return rows
