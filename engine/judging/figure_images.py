"""Figures of a report as images that stand in the page itself: their style, and what all of them share."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by the colour-blind
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#7F6A00", "#444444")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
NETWORK, NULL, FAINT = "#0072B2", "#D55E00", "#8a8a8a"
STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "svg.hashsalt": "scalescape",
    "svg.fonttype": "path",
}
WIDTH = 8.6  # inches
DOTS_PER_INCH = 190  # of a PNG
MEDIA = {"svg": "svg+xml", "png": "png"}
NAME_LENGTH = 34


@contextmanager
def figure_of(width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure in the reports' style; sizes in inches."""
    with mpl.rc_context(STYLE):
        yield Figure(figsize=(width, height), layout="constrained")


def data_uri(figure: Figure, kind: str = "svg") -> str:
    """Return the figure as a data URI, ``svg`` or (for clouds of points) ``png``."""
    buffer = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {}
    figure.savefig(buffer, format=kind, dpi=DOTS_PER_INCH, metadata=metadata)
    return f"data:image/{MEDIA[kind]};base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def legend_above(figure: Figure) -> None:
    """Put one legend over all panels, each label once."""
    entries: dict[str, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="outside upper left", ncols=3, handletextpad=0.4)


def short_label(name: str, length: int = NAME_LENGTH) -> str:
    """Return a name that fits, with no mathematics read into it."""
    short = name if len(name) <= length else name[: length - 1] + "…"
    return short.replace("$", r"\$")
