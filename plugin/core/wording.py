"""Engine sentences in the words of the dock: no command-line options, no long paths, scales as widths."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ...models.card import Card, Modality
from .grid_facts import window
from .translation import tr


@dataclass(frozen=True)
class Said:
    """A sentence for the dock, and a tooltip with what was left out of it (empty where nothing was)."""

    text: str
    tip: str = ""


def _instead() -> tuple[tuple[str, str], ...]:
    """Return what the engine writes for the command line, and what is to be done in QGIS instead."""
    return (
        ("(--edge fill)", tr("(Advanced › At the edge)")),
        ("(--memory)", tr("(Advanced › Memory)")),
        ("choose bands (FILE#1,2)", tr("choose bands (Inputs › bands)")),
        ("use --method patch", tr("map with it in Processing (Method: patch)")),
        (
            "assign one (gdal_translate -a_srs, or Layer > Set CRS and export), or say which it is "
            "(--file-crs)",
            tr("set it for the layer (Layer › Set CRS of Layer)"),
        ),
        (
            "assign one (gdal_translate -a_srs, or Layer > Set CRS and export)",
            tr("assign one (Raster › Projections › Assign Projection)"),
        ),
        ("(gdalwarp)", tr("(Raster › Projections › Warp)")),
        ("(gdalwarp -t_srs)", tr("(Raster › Projections › Warp)")),
        ("(gdal_translate -a_ullr)", tr("(Raster › Georeferencer)")),
    )


_OPTION = re.compile(r" \(--[a-z][^()]*\)")  # an option that the table does not know: better unsaid


def in_the_dock(sentence: str, files: Iterable[str] = (), card: Optional[Card] = None) -> Said:
    """Return an engine's sentence for a reader of the dock.

    Parameters
    ----------
    sentence
        As the engine says it.
    files
        Paths that are said by their names; the tooltip then has them in full.
    card
        Says how wide windows of so many pixels are; without it they stay pixels.
    """
    for option, place in _instead():
        sentence = sentence.replace(option, place)
    sentence = _OPTION.sub("", sentence)
    for modality in card.modalities if card is not None else ():
        sentence = _widths(sentence, modality)
    files = set(files)
    tips = []
    for file in sorted(files, key=len, reverse=True):  # a path may begin with another one
        if file and file in sentence:
            sentence = sentence.replace(file, short_name(file, files))
            tips.append(file)
    return Said(sentence, "\n".join(sorted(tips)))


def short_name(file: str, files: Iterable[str]) -> str:
    """Return the file's name, with its folder where another one of ``files`` has the same name."""
    path = Path(file)
    twins = [other for other in files if other != file and Path(other).name == path.name]
    return f"{path.parent.name}/{path.name}" if twins else path.name


def _widths(sentence: str, modality: Modality) -> str:
    """Write ``satellite 590 m, 1.15 km`` for ``satellite 59, 115 px``."""

    def widths(found: re.Match[str]) -> str:
        scales = (int(number) for number in found.group(1).split(", "))
        return f"{modality.name} {', '.join(window(modality, scale) for scale in scales)}"

    return re.sub(rf"\b{re.escape(modality.name)} (\d+(?:, \d+)*) px\b", widths, sentence)
