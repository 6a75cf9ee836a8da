"""The rows of one table of records: where, and which species were found there, not found, or not surveyed."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas
from odc.geo.crs import CRS
from pyproj.exceptions import CRSError
from scipy import sparse

from ..errors import InputError
from ..training.config import SourceConfig
from .cleaning import Cleaning
from .condition import Condition
from .site_table import Floats
from .table_file import TableFile

Rows = npt.NDArray[np.bool_]

PATCH, DAY = "patchID", "dayOfYear"  # of GeoLifeCLEF: a site is a place, a patch and a day
UNCERTAINTY = ("coordinateUncertaintyInMeters", "geoUncertaintyInM")
ISSUE, STATUS, BASIS = "issue", "occurrenceStatus", "basisOfRecord"  # of GBIF
ABSENT = "ABSENT"


@dataclass(frozen=True)
class Predictors:
    """Columns of the site tables that hold predictor values: all, and those that are categories."""

    names: tuple[str, ...] = ()
    categorical: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Observations:
    """Rows of a table.

    Attributes
    ----------
    table, kind
        The file's name, for messages, and ``po``, ``pa`` or ``pa-balanced``.
    row
        (rows,) number in the file.
    x, y, crs
        (rows,) coordinates, NaN where there are none.
    species
        Those that the table names.
    found, holes
        (rows, species) of bool, sparse: where a species was found, and where it was not surveyed.
    one_each
        Whether a row is a record of one species.
    patch, day
        (rows,) patch and day of the year, where the table has them.
    columns
        Predictor values, (rows,) by name: numbers, or text for categories.
    notes
        What other columns say of each row (uncertainty in metres, GBIF's issue, status and basis), by name.
    """

    table: str
    kind: str
    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    species: tuple[str, ...]
    found: sparse.csr_array
    holes: sparse.csr_array
    one_each: bool
    patch: npt.NDArray[np.str_] | None = None
    day: npt.NDArray[np.int64] | None = None
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def kept(self, keep: Rows) -> Observations:
        """Return the rows where ``keep`` is True."""
        if keep.all():
            return self
        return replace(
            self,
            row=self.row[keep],
            x=self.x[keep],
            y=self.y[keep],
            found=self.found[keep],
            holes=self.holes[keep],
            patch=None if self.patch is None else self.patch[keep],
            day=None if self.day is None else self.day[keep],
            columns={name: values[keep] for name, values in self.columns.items()},
            notes={name: values[keep] for name, values in self.notes.items()},
        )

    def example(self, where: Rows) -> str:
        """Return the first row of several, for a person."""
        first = int(np.argmax(where))
        return f"for example row {self.row[first]}: {self.x[first]:.10g}, {self.y[first]:.10g}"


def read_observations(source: SourceConfig, predictors: Predictors, cleaning: Cleaning) -> Observations:
    """Read a table of records: only the columns that are needed.

    Rows that do not meet the table's condition, or name no species, are left out and counted in ``cleaning``.

    Raises
    ------
    InputError
        The file, a column, the coordinate system or a value can't be used.
    """
    file = TableFile(source.file)
    x, y, crs = file.coordinates(source.x, source.y, source.crs)
    condition = Condition(source.where) if source.where else None
    patch = [PATCH] if PATCH in file.columns else []
    day = [DAY] if patch and DAY in file.columns else []
    uncertainty = [one for one in UNCERTAINTY if one in file.columns][:1]
    remarks = [one for one in (ISSUE, STATUS, BASIS) if one in file.columns]
    cells = _species_columns(file, source.species_columns)
    categories = [name for name in predictors.names if name in predictors.categorical]
    texts = {*patch, *categories, *(condition.texts if condition else ())}
    codes = {*remarks, *([source.species] if source.species else ())} - texts
    wanted = {
        x, y, *day, *uncertainty, *cells, *predictors.names, *texts, *codes,
        *(condition.columns if condition else ()), *([source.presence] if source.presence else ()),
    }  # fmt: skip
    table = file.read(wanted, texts, codes)
    cleaning.read[file.name] = len(table)
    if condition is not None:
        met = _meets(condition, table)
        cleaning.drop(file.name, f"not meeting {condition.text}", int((~met).sum()), "")
        table = table[met]
        if table.empty:
            raise InputError(f"No row of {file.name} meets {condition.text}; mend the condition.")
    species, found, holes = _species(source, file.name, table, cells)
    rows = Observations(
        table=file.name,
        kind=source.kind or "po",
        row=table.index.to_numpy(np.int64),
        x=numbers(table[x]),
        y=numbers(table[y]),
        crs=known_crs(crs, file.name),
        species=species,
        found=found,
        holes=holes,
        one_each=not cells,
        patch=None if not patch else _texts(table[PATCH]),
        day=None if not day else np.nan_to_num(numbers(table[DAY]), nan=-1).astype(np.int64),
        notes={name: table[name].astype("category").array for name in remarks}
        | ({UNCERTAINTY[0]: numbers(table[uncertainty[0]])} if uncertainty else {}),
        columns={
            name: category_texts(table[name]) if name in predictors.categorical else numbers(table[name])
            for name in predictors.names
        },
    )
    if source.species:
        unnamed = np.diff(found.indptr) == 0
        cleaning.drop(file.name, "without the name of a species", unnamed.sum(), rows.example(unnamed))
        rows = rows.kept(~unnamed)
    if rows.one_each and rows.kind != "po" and STATUS in rows.notes:
        present = ~tells(rows.notes[STATUS], {ABSENT})
        rows = replace(rows, found=sparse.csr_array(rows.found.multiply(present[:, None])))
    return rows


def tells(values: Any, words: Set[str]) -> Rows:
    """Tell for each cell of a column of categories whether it holds one of ``words``, apart by semicolons."""
    held = [bool(words & set(str(one).strip().upper().split(";"))) for one in values.categories]
    return _looked_up(np.array([*held, False], np.bool_), values.codes)


def known_crs(crs: str, table: str) -> CRS:
    """Return a coordinate system. Raise InputError, which names the table, where it is unknown."""
    try:
        return CRS(crs)
    except CRSError as error:
        raise InputError(
            f"The coordinate system {crs!r} of {table} is unknown; write for example EPSG:4326."
        ) from error


def numbers(column: Any) -> Floats:
    """Return a column as float64, NaN where it is empty or no number; a decimal comma is understood."""
    if pandas.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(np.float64, na_value=np.nan))
    text = column.astype("str").str.replace(",", ".", regex=False)
    return np.asarray(pandas.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan))


def category_texts(column: Any) -> npt.NDArray[np.str_]:
    """Return categories as text: 2, 2.0 and "2" are one; empty where empty."""

    def plain(value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return value.strip()
        return str(int(number)) if number.is_integer() else str(number)

    codes, values = pandas.factorize(column)
    return _looked_up(np.array([*(plain(str(one)) for one in values), ""], np.str_), codes)


def _texts(column: Any) -> npt.NDArray[np.str_]:
    codes, values = pandas.factorize(column)
    return _looked_up(np.array([*(str(one).strip() for one in values), ""], np.str_), codes)


def _looked_up(of_code: npt.NDArray[Any], codes: npt.NDArray[np.integer]) -> npt.NDArray[Any]:
    """Return the value of each code; the last is that of an empty cell, whose code is -1."""
    found: npt.NDArray[Any] = of_code[codes]
    return found


def _meets(condition: Condition, table: pandas.DataFrame) -> Rows:
    columns = {
        name: _texts(table[name]) if name in condition.texts else numbers(table[name])
        for name in condition.columns
    }
    return condition.holds(columns)


def _species_columns(file: TableFile, patterns: Sequence[str]) -> list[str]:
    """Return the columns that patterns name, in the order of the file."""
    taken: set[str] = set()
    for pattern in patterns:
        matched = {pattern} if pattern in file.columns else set(fnmatch.filter(file.columns, pattern))
        if not matched:
            raise InputError(f"No column of {file.name} is called {pattern!r}; mend species_columns.")
        taken |= matched
    return [name for name in file.columns if name in taken]


def _species(
    source: SourceConfig, table_name: str, table: pandas.DataFrame, cells: Sequence[str]
) -> tuple[tuple[str, ...], sparse.csr_array, sparse.csr_array]:
    """Return species, where they were found and where they were not surveyed, each (rows, species)."""
    if cells:
        values = np.stack([_found(table[name], table_name) for name in cells], axis=1)
        return tuple(cells), sparse.csr_array(values == 1), sparse.csr_array(values < 0)
    if source.species:
        return _of_records(table[source.species])
    values = np.ones((len(table), 1), np.int8)
    if source.presence:
        values = _found(table[source.presence], table_name)[:, None]
    return (str(source.species_name),), sparse.csr_array(values == 1), sparse.csr_array(values < 0)


def _of_records(column: Any) -> tuple[tuple[str, ...], sparse.csr_array, sparse.csr_array]:
    """Return the species of a column with one name a row; a row without a name has no entry."""
    codes, raw = pandas.factorize(column)
    names, number = np.unique(np.array([str(one).strip() for one in raw], np.str_), return_inverse=True)
    named = codes >= 0
    indices = number[codes[named]].astype(np.int32) if len(names) else np.zeros(0, np.int32)
    if len(names) and not names[0]:  # names of blanks alone sort first
        blank = indices == 0
        named[named] = ~blank
        indices, names = indices[~blank] - 1, names[1:]
    shape = (len(codes), len(names))
    pointers = np.concatenate([[0], np.cumsum(named)]).astype(np.int32)
    found = sparse.csr_array((np.ones(len(indices), np.bool_), indices, pointers), shape=shape)
    return tuple(names.tolist()), found, sparse.csr_array(shape, dtype=np.bool_)


def _found(column: Any, table_name: str) -> npt.NDArray[np.int8]:
    """Return 1 where found (1 or a count), 0 where not, -1 where empty: (rows,).

    Raises
    ------
    InputError
        A cell holds something other than a whole number from 0 on.
    """
    values = numbers(column)
    empty = column.isna().to_numpy()
    wrong = ~empty & ~((values >= 0) & (values == np.floor(values)))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise InputError(
            f"The column {column.name!r} of {table_name} holds {column.iloc[[first]].tolist()[0]!r} in row "
            f"{column.index[first]}; it must be 1 (or a count) where the species was found, 0 where not, "
            "empty where it was not surveyed; choose another column, or mend it."
        )
    return np.where(empty, -1, values > 0).astype(np.int8)


def check_columns(rows: Observations, categorical: Collection[str]) -> None:
    """Raise InputError where a predictor column is empty or no number in a row that is kept."""
    for name, values in rows.columns.items():
        wrong = values == "" if name in categorical else ~np.isfinite(values)
        if wrong.any():
            first = rows.row[int(np.argmax(wrong))]
            raise InputError(
                f"The column {name!r} of {rows.table} is empty or no number in {int(wrong.sum()):,} rows, the "
                f"first of them row {first}; fill them, or leave these rows out with where."
            )
