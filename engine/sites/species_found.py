"""Which species a table names, and where each was found, not found, or not surveyed."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ..running.errors import InputError
from ..tables.cell_numbers import NOTHING, numbers_of
from ..tables.cells import Raw, Row, Texts
from ..tables.table_file import TableFile
from ..words.listing import counted
from ..words.species_names import is_missing, species_name, spelt
from .cleaning import Cleaning


def species_columns(file: TableFile, patterns: Sequence[str]) -> list[str]:
    """Return the columns that patterns name, in the order of the file.

    Raises
    ------
    InputError
        A pattern names no column.
    """
    taken: set[str] = set()
    for pattern in map(spelt, patterns):
        matched = {pattern} if pattern in file.columns else set(fnmatch.filter(file.columns, pattern))
        if not matched:
            raise InputError(f"No column of {file.name} is called {pattern!r}; fix species_columns.")
        taken |= matched
    return [name for name in dict.fromkeys(file.columns) if name in taken]


def species_of_records(
    column: Texts, row: Row, table: str, cleaning: Cleaning
) -> tuple[tuple[str, ...], sparse.csr_array]:
    """Return the species that a column names, in alphabetical order, and where each stands: (rows, species).

    A row without a name, or with a mark such as NA in its place, has no entry. Names that differ in blanks, in
    the form of their letters, or as 12 and 12.0 do, are one; ``cleaning`` learns how many.
    """
    names = [species_name(one) for one in column.values]
    _note_spellings(column, names, row, table, cleaning)
    used = np.unique(column.codes).tolist()
    held = sorted({names[code] for code in used if names[code] and not is_missing(names[code])})
    place = {name: number for number, name in enumerate(held)}
    number = column.mapped(lambda text: place.get(species_name(text), -1), np.int32)
    named = number >= 0
    pointers = np.concatenate([[0], np.cumsum(named)]).astype(np.int32)
    data = np.ones(int(named.sum()), np.bool_)
    return tuple(held), sparse.csr_array((data, number[named], pointers), shape=(len(column), len(held)))


def found_in(raw: Raw, row: Row, column: str, table: str) -> npt.NDArray[np.int8]:
    """Return 1 where found (1, true or a count), 0 where not (0, false), -1 where empty: (rows,).

    Raises
    ------
    InputError
        A cell holds something other than a whole number from 0 on.
    """
    read = numbers_of(raw, row, column, table)
    values = read.values
    empty = np.isnan(values) & ~read.odd
    wrong = ~empty & ~((values >= 0) & (values == np.floor(values)))
    if wrong.any():
        first = int(np.argmax(wrong))
        shown = repr(read.shown) if read.odd[first] else f"{values[first]:.10g}"
        raise InputError(
            f"The column {column!r} of {table} holds {shown} in row {row[first]}; it must be 1 (or a count, "
            "or TRUE) where the species was found, 0 (or FALSE) where not, empty (or NA) where it was not "
            "surveyed; choose another column, or fix it."
        )
    return np.where(empty, -1, values > 0).astype(np.int8)


def _note_spellings(column: Texts, names: Sequence[str], row: Row, table: str, cleaning: Cleaning) -> None:
    """Tell ``cleaning`` how many names are written in another way than the plain one."""
    ways: dict[str, list[int]] = defaultdict(list)
    for code, name in enumerate(names):
        if name and column.values[code].strip(" ").lower() not in NOTHING:
            ways[name].append(code)
    changed = [c for name, codes in ways.items() for c in codes if column.values[c].strip(" ") != name]
    rows = np.isin(column.codes, changed)
    if not rows.any():
        return
    first = int(np.argmax(rows))
    code = column.codes[first]
    cleaning.warnings.append(
        f"{table}: {counted(int(rows.sum()), 'name')} of species in another than the plain spelling, which "
        f"counts (for example row {row[first]}: {column.values[code]!r} as {names[code]})."
    )
