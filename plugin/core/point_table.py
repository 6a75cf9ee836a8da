"""Points side by side, as a table: for the panel, the clipboard and a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from ...engine.protocol.scale_results import Contribution, InspectResult
from ...models.card import Card
from .explorer_desk import ExplorerState, Point
from .grid_facts import window
from .translation import tr

Row = tuple[str, tuple[str, ...]]
HERE = "→"  # heads the column of the point that is shown


def quantity_words(result: InspectResult) -> str:
    """Return what the number is, with a capital: ``Relative suitability``."""
    return result.quantity[:1].upper() + result.quantity[1:]


def branch_name(card: Card, modality: str, scale: int) -> str:
    """Return ``satellite 590 m``."""
    return f"{modality} {window(card.modality(modality), scale)}"


def answered(state: ExplorerState) -> list[tuple[str, Point, InspectResult]]:
    """Return heading, point and answer of the pins that have one, and of the point that is shown last."""
    found = [(str(pin.number), pin.point, pin.result) for pin in state.pins if pin.result is not None]
    shown = state.point
    if shown is not None and state.result is not None and shown not in [pin.point for pin in state.pins]:
        found.append((HERE, shown, state.result))
    return found


def comparison(state: ExplorerState) -> list[Row]:
    """Return the rows of the panel's table, each a title and a text a column; the first row holds headings."""
    columns = answered(state)
    card = state.card
    if card is None or not columns:
        return []
    results = [result for _, _, result in columns]
    rows: list[Row] = [
        ("", tuple(heading for heading, _, _ in columns)),
        (quantity_words(results[-1]), tuple(f"{one.probability:.3f}" for one in results)),
        (tr("average"), tuple(f"{one.bias:+.2f}" for one in results)),
    ]
    for place, part in enumerate(results[-1].contributions):
        values = tuple(_value(one.contributions[place]) for one in results)
        rows.append((branch_name(card, part.modality, part.scale), values))
    return rows


def records(state: ExplorerState) -> list[list[str]]:
    """Return a table of all points for a file, headings first: a line a branch, with no number rounded."""
    card = state.card
    table = [
        ["point", "x", "y", "crs", "species", "quantity", "probability", "logit", "bias",
         "modality", "scale_px", "width_m", "on", "contribution"]
    ]  # fmt: skip
    for heading, point, result in answered(state) if card is not None else []:
        name = "" if heading == HERE else heading
        head = [name, repr(point.x), repr(point.y), result.crs, result.species, result.quantity]
        head += [repr(result.probability), repr(result.logit), repr(result.bias)]
        for part in result.contributions:
            width = "" if part.width_m is None else f"{part.width_m[0]:.6g}"
            on = "yes" if part.on else "no"
            table.append([*head, part.modality, str(part.scale), width, on, repr(part.value)])
    return table


def as_text(table: Sequence[Sequence[str]]) -> str:
    """Return a table as text with tabs, as a spreadsheet takes it from the clipboard."""
    return "\n".join("\t".join(row) for row in table)


def write_csv(table: Sequence[Sequence[str]], file: Path) -> None:
    """Write a table as CSV; raise OSError where that can't be done."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)


def _value(part: Contribution) -> str:
    return f"{part.value:+.2f}" if part.on else f"({part.value:+.2f})"
