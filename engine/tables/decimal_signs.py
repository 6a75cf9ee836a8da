"""Whether the columns of a table agree on what a point and a comma in a number mean."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from ..running.errors import InputError
from .cell_numbers import is_decimal_comma, is_point_and_three
from .cells import Cells


def demand_one_decimal_sign(cells: Cells, numeric_texts: Collection[str], table: str) -> None:
    """Raise InputError where one column has decimal commas, and another ``25.000``, which may be thousands.

    Parameters
    ----------
    cells
        The table.
    numeric_texts
        Columns that are read as text and hold numbers.
    table
        Its name, for messages.
    """
    comma = next((one for one in _holding(",", cells, numeric_texts) if is_decimal_comma(one[2])), None)
    if comma is None:
        return
    for column, row, text in _holding(".", cells, numeric_texts):
        if is_point_and_three(text):
            raise InputError(
                f"The column {column!r} of {table} holds {text!r} in row {row}, which may be thousands, since "
                f"{comma[0]!r} has a decimal comma ({comma[2]!r} in row {comma[1]}); write both with a decimal "
                "point and without separators of thousands."
            )


def _holding(sign: str, cells: Cells, numeric_texts: Collection[str]) -> Iterator[tuple[str, int, str]]:
    """Yield column, row and text of the cells that hold a sign in columns that came as text."""
    for column, raw in cells.numbers.items():
        if raw.dtype.kind == "T":
            for at in np.flatnonzero(np.strings.find(raw, sign) >= 0).tolist():
                yield column, int(cells.row[at]), str(raw[at])
    for column in numeric_texts:
        texts = cells.texts.get(column)
        if texts is not None:
            for at in np.flatnonzero(texts.where(lambda text: sign in text)).tolist():
                yield column, int(cells.row[at]), texts.values[texts.codes[at]]
