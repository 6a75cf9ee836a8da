"""Rows with the same number of fields, gathered into the columns that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from .cells import TEXT, Raw, Texts
from .text_blocks import columns_of_block, without_quotes

BATCH = 2000  # rows put into columns at a time: few, so that Python's collector of garbage has little to visit


class FieldRows:
    """Rows with the same number of fields: of each its number and the fields that are wanted.

    Parameters
    ----------
    picked
        Places of the fields, those of text first.
    texts
        How many of them are text; the others may be numbers.
    """

    def __init__(self, picked: Sequence[int], texts: int) -> None:
        self._text_places, self._number_places = picked[:texts], picked[texts:]
        self._least = max(picked, default=-1) + 1
        pick: Callable[[list[str]], Any] = itemgetter(*picked) if picked else lambda fields: ()
        self._pick = (lambda fields: (pick(fields),)) if len(picked) == 1 else pick
        self._row: list[npt.NDArray[np.int64]] = []
        self._row_batch: list[int] = []
        self.count = 0
        self.counts_up = True  # whether the first fields of rows that were added one by one are 1, 2, 3
        self.first = 0
        self._batch: list[tuple[str, ...]] = []
        self._codes: list[list[npt.NDArray[np.int32]]] = [[] for _ in range(texts)]
        self._places: list[dict[str, int]] = [{} for _ in range(texts)]
        self._numbers: list[list[Raw]] = [[] for _ in picked[texts:]]

    @property
    def is_mixed(self) -> bool:
        """Whether a column that may hold numbers came as numbers in one block and as text in another."""
        self._flush()
        return any(len({part.dtype.kind for part in parts}) > 1 for parts in self._numbers)

    @property
    def has_commas(self) -> bool:
        """Whether a column that may hold numbers came as text with commas, and another as numbers."""
        self._flush()
        parts = [part for parts in self._numbers for part in parts]
        text = [part for part in parts if part.dtype.kind == "T"]
        return 0 < len(text) < len(parts) and any((np.strings.find(part, ",") >= 0).any() for part in text)

    def add(self, row: int, fields: list[str]) -> None:
        """Take a row; one that is too short for what is wanted only counts."""
        self.first = self.first or row
        self.count += 1
        if self.counts_up:
            self.counts_up = fields[0].strip(' "') == str(self.count)
        if len(fields) >= self._least:
            self._row_batch.append(row)
            self._batch.append(self._pick(fields))
            if len(self._batch) == BATCH:
                self._flush()

    def add_block(self, row: int, count: int, block: bytes, delimiter: str) -> bool:
        """Take ``count`` rows from number ``row`` on; return False where they have to be read one by one."""
        columns = columns_of_block(block, delimiter, self._text_places, self._number_places)
        if columns is None:
            return False
        self._flush()
        self.first = self.first or row
        self.count += count
        self._row.append(np.arange(row, row + count))
        for (codes, values), parts, places in zip(columns[0], self._codes, self._places, strict=True):
            values = [without_quotes(one) for one in values]
            mine = [places.setdefault(one, len(places)) for one in values]
            parts.append(np.array(mine or [0], np.int32)[codes])
        for numbers, held in zip(columns[1], self._numbers, strict=True):
            held.append(numbers)
        return True

    def numbers(self) -> npt.NDArray[np.int64]:
        """Return the numbers of the rows."""
        self._flush()
        return np.concatenate([np.zeros(0, np.int64), *self._row])

    def columns(self) -> list[Any]:
        """Return the columns wanted, text first."""
        self._flush()
        texts = [
            Texts(np.concatenate([np.zeros(0, np.int32), *codes]), tuple(places))
            for codes, places in zip(self._codes, self._places, strict=True)
        ]
        return [*texts, *(np.concatenate(parts) if parts else np.zeros(0, TEXT) for parts in self._numbers)]

    def _flush(self) -> None:
        if not self._batch:
            return
        columns = list(zip(*self._batch, strict=True))
        self._row.append(np.array(self._row_batch, np.int64))
        for cells, codes, places in zip(columns, self._codes, self._places, strict=False):
            for one in dict.fromkeys(cells):
                places.setdefault(one, len(places))
            codes.append(np.array(list(map(places.__getitem__, cells)), np.int32))
        for cells, parts in zip(columns[len(self._codes) :], self._numbers, strict=True):
            parts.append(np.array(cells, TEXT))
        self._batch, self._row_batch = [], []
