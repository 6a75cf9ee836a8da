"""Columns of a table as they stand in the file: text with its repeats held once, or what may be numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Row = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Raw = npt.NDArray[Any]  # cells that may be numbers: text (numpy's StringDType), or numbers of a vector file
Rows = npt.NDArray[np.bool_]

TEXT = np.dtypes.StringDType()


@dataclass(frozen=True)
class Texts:
    """A column of text.

    Attributes
    ----------
    codes
        (rows,) place in ``values``.
    values
        Each text that occurs, as in the file; an empty cell is an empty text.
    """

    codes: Codes
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Texts:
        return Texts(self.codes[rows], self.values)

    @classmethod
    def of(cls, cells: Iterable[str]) -> Texts:
        """Return a column of the texts given."""
        places: dict[str, int] = {}
        codes = np.array([places.setdefault(one, len(places)) for one in cells], np.int32)
        return cls(codes, tuple(places))

    def mapped(self, function: Callable[[str], Any], dtype: Any) -> npt.NDArray[Any]:
        """Return what ``function`` makes of each cell: (rows,)."""
        made = np.array([function(one) for one in self.values], dtype)
        return made[self.codes] if len(made) else np.zeros(len(self.codes), dtype)

    def where(self, function: Callable[[str], bool]) -> Rows:
        """Tell for each row whether ``function`` holds of its cell: (rows,)."""
        return np.asarray(self.mapped(function, np.bool_), np.bool_)


@dataclass(frozen=True)
class Cells:
    """The rows of a table that are whole, and the columns that were asked for.

    Attributes
    ----------
    row
        (rows,) number in the file; the first under a header is 2, and empty lines count.
    texts, numbers
        Columns by name, (rows,) each; one may stand in both.
    ragged, example
        How many rows have another number of fields than the header, and one of them, for a person.
    notes
        What was passed over or taken for something else, a sentence each.
    """

    row: Row
    texts: Mapping[str, Texts]
    numbers: Mapping[str, Raw]
    ragged: int = 0
    example: str = ""
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.row)

    def kept(self, keep: Rows) -> Cells:
        """Return the rows where ``keep`` is True."""
        if keep.all():
            return self
        return Cells(
            self.row[keep],
            {name: one[keep] for name, one in self.texts.items()},
            {name: one[keep] for name, one in self.numbers.items()},
            self.ragged,
            self.example,
            self.notes,
        )
