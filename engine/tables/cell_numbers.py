"""Numbers as people write them: with a decimal comma, with separated thousands, or with a word for nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..running.errors import InputError
from .cells import Raw, Row, Rows

Floats = npt.NDArray[np.float64]

NOTHING = {"", "na", "n/a", "#n/a", "nan", "null", "none", r"\n"}
TRUTH = {"true": 1.0, "false": 0.0}
BLANKS = "[ \u00a0\u2009\u202f'’]"  # between thousands, in Swiss and French tables
SPACED = re.compile(rf"[+-]?\d{{1,3}}({BLANKS}\d{{3}})+(?=[.,]|$)")
SIGNS = str.maketrans({"−": "-", "–": "-"})
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
COMMA_THREE = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # 25,000: of two readings
DOT_THREE = re.compile(
    r"[+-]?[1-9]\d{0,2}\.\d{3}"
)  # 25.000: a decimal point unless the column has commas for it
COMMA_DECIMAL = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?|[+-]?[1-9]\d{0,2}(\.\d{3})+,\d*|[+-]?\d+,", re.IGNORECASE)
DOTS = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3}){2,}")  # 1.234.567
COMMA_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3}){2,}|[+-]?[1-9]\d{0,2}(,\d{3})+\.\d*")


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes
    ----------
    values
        (rows,) float64, NaN where a cell is empty or no number.
    odd
        (rows,) whether a cell is neither empty nor a number.
    shown
        The first cell that is odd, as it stands in the file.
    """

    values: Floats
    odd: Rows
    shown: str = ""


def numbers_of(raw: Raw, row: Row, column: str, table: str, largest: float = np.inf) -> Numbers:
    """Return what cells say as numbers; ``true`` and ``false`` are 1 and 0.

    A comma is a decimal comma or separates thousands, whichever the column's cells allow: ``0,25`` is the one,
    ``1,234.5`` the other.

    Parameters
    ----------
    raw
        (rows,) text, or numbers already.
    row
        (rows,) numbers in the file, for messages.
    column, table
        Their names, for messages.
    largest
        What no value exceeds in amount, such as 180 of a longitude: a reading beyond it is none.

    Raises
    ------
    InputError
        The column may be read in two ways (``25,000``), or in none (``0,25`` beside ``1,234.5``).
    """
    if raw.dtype.kind in "iufb":
        return Numbers(np.asarray(raw, np.float64), np.zeros(len(raw), np.bool_))
    filled = np.where(raw == "", "nan", raw)
    try:
        return Numbers(filled.astype(np.float64), np.zeros(len(raw), np.bool_))
    except ValueError:
        return _read_singly([str(one) for one in raw.tolist()], row, column, table, largest)


def _read_singly(cells: list[str], row: Row, column: str, table: str, largest: float) -> Numbers:
    values = np.full(len(cells), np.nan)
    left: dict[str, list[int]] = {}  # cells that are no plain number, by what they hold
    for place, cell in enumerate(cells):
        try:
            values[place] = float(cell)
        except ValueError:
            left.setdefault(cell, []).append(place)
    plainer = {cell: _plainer(cell) for cell in left}
    commas = {cell: text for cell, text in plainer.items() if _has_separators(text)}
    is_decimal = _is_decimal_comma(commas, left, cells, row, column, table, largest)
    odd = np.zeros(len(cells), np.bool_)
    for cell, places in left.items():
        text = plainer[cell]
        if text.lower() in NOTHING:
            continue
        if cell in commas:
            text = text.replace(".", "").replace(",", ".") if is_decimal else text.replace(",", "")
        if text.lower() in TRUTH:
            values[places] = TRUTH[text.lower()]
        elif PLAIN.fullmatch(text):
            values[places] = float(text)
        else:
            odd[places] = True
    return Numbers(values, odd, cells[int(np.argmax(odd))] if odd.any() else "")


def _plainer(cell: str) -> str:
    """Return a cell without blanks between thousands, and with a plain minus."""
    text = cell.strip().translate(SIGNS)
    if SPACED.match(text):
        text = re.sub(BLANKS, "", text)
    return text


def _is_decimal_comma(
    commas: dict[str, str],
    left: dict[str, list[int]],
    cells: list[str],
    row: Row,
    column: str,
    table: str,
    largest: float,
) -> bool:
    """Tell whether commas are decimal ones; refuse a column that does not say so, or contradicts itself."""

    def refused(cell: str, why: str) -> InputError:
        return InputError(
            f"The column {column!r} of {table} holds {cell!r} in row {row[left[cell][0]]}, {why}; write it "
            "with a decimal point and without separators of thousands."
        )

    decimal = {c for c, text in commas.items() if not COMMA_THREE.fullmatch(text) and _tells_decimal(text)}
    thousands = {c for c, text in commas.items() if COMMA_THOUSANDS.fullmatch(text)}
    unclear = [c for c, text in commas.items() if COMMA_THREE.fullmatch(text)]
    if decimal and thousands:
        cell = min(thousands, key=lambda one: left[one][0])
        other = min(decimal, key=lambda one: left[one][0])
        raise refused(cell, f"and {other!r} in row {row[left[other][0]]}, where a comma means something else")
    if unclear and not decimal and not thousands:
        plain = [one for one in cells if "." in one and one not in left]
        if any(not DOT_THREE.fullmatch(one.strip()) for one in plain):
            return False  # points are the decimal sign
        if any(abs(float(commas[one].replace(",", ""))) > largest for one in unclear):
            return True
        raise refused(unclear[0], "which may be read with a decimal comma or as thousands")
    if decimal:
        dotted = next((place for place, one in enumerate(cells) if DOT_THREE.fullmatch(one.strip())), None)
        if dotted is not None:
            other = min(decimal, key=lambda one: left[one][0])
            raise InputError(
                f"The column {column!r} of {table} holds {cells[dotted]!r} in row {row[dotted]}, which may be "
                f"thousands beside the decimal comma of {other!r} in row {row[left[other][0]]}; write both "
                "with a decimal point and without separators of thousands."
            )
    return bool(decimal)


def is_decimal_comma(text: str) -> bool:
    """Tell whether a cell can only be read with a decimal comma."""
    plain = _plainer(text)
    return bool(COMMA_DECIMAL.fullmatch(plain)) and not COMMA_THREE.fullmatch(plain)


def is_point_and_three(text: str) -> bool:
    """Tell whether a cell is a number like 25.000: thousands, where a comma is the decimal sign."""
    return bool(DOT_THREE.fullmatch(text.strip()))


def _has_separators(text: str) -> bool:
    return bool(COMMA_THREE.fullmatch(text) or COMMA_THOUSANDS.fullmatch(text) or _tells_decimal(text))


def _tells_decimal(text: str) -> bool:
    return bool(COMMA_DECIMAL.fullmatch(text) or DOTS.fullmatch(text))
