"""The rows of one table of records, read from its file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from ..recipes.config import SourceConfig
from ..running.errors import InputError
from ..tables.cell_numbers import Floats, numbers_of
from ..tables.cells import Cells, Rows
from ..tables.condition import Condition
from ..tables.decimal_signs import demand_one_decimal_sign
from ..tables.known_columns import UNCERTAINTIES
from ..tables.table_file import TableFile
from ..words.listing import counted
from ..words.species_names import is_missing, species_name, spelt
from .cleaning import Cleaning
from .geodetic_datum import in_one_datum, say_not_followed
from .observed_rows import Observations, Predictors
from .reasons import ABSENCE, RAGGED, UNKNOWN_DATUM, UNNAMED, UNSURVEYED
from .remarks import RemarkColumns, Remarks
from .species_found import found_in, species_columns, species_of_records

PATCH, DAY = "patchID", "dayOfYear"  # of GeoLifeCLEF: a site is a place, a patch and a day
LARGEST_LONGITUDE = 360.0

Species = tuple[tuple[str, ...], sparse.csr_array, sparse.csr_array]


def read_observations(source: SourceConfig, predictors: Predictors, cleaning: Cleaning) -> Observations:
    """Read a table of records: only the columns that are needed.

    Rows whose fields do not match the header, that do not meet the table's condition, that name no species, or
    that say in a table of presences that nothing was found, are left out and counted in ``cleaning``.

    Raises
    ------
    InputError
        The file, a column, the coordinate system or a value can't be used.
    """
    return _Reading(source, predictors, cleaning).observations()


class _Reading:
    """A table on its way from cells to observations."""

    def __init__(self, source: SourceConfig, predictors: Predictors, cleaning: Cleaning) -> None:
        self.source = source
        self.predictors = predictors
        self.cleaning = cleaning
        self.file = TableFile(source.file)
        self.name = self.file.name
        self.place = self.file.coordinates(source.x, source.y, source.crs)
        self.condition = Condition(source.where) if source.where else None
        self.species = self._column(source.species)
        self.presence = self._column(source.presence)
        self.each = species_columns(self.file, source.species_columns)
        self.remarks = RemarkColumns(self.file)

    def observations(self) -> Observations:
        """Return the rows that can be used as far as the table itself says."""
        cells = self._cells()
        counts = not (self.presence or self.each)
        remarks = self.remarks.read(cells, self.cleaning, counts, self._used())
        x, y, unknown = self._coordinates(cells, remarks)
        species, found, holes = self._found(cells)
        if remarks.absent.any():
            self._demand_agreed(cells, found, remarks.absent)
            found = sparse.csr_array(found.multiply(~remarks.absent[:, None]))
            found.eliminate_zeros()
        demand_one_decimal_sign(cells, UNCERTAINTIES, self.name)
        rows = Observations(
            table=self.name,
            kind=self.source.kind or "po",
            row=cells.row,
            x=x,
            y=y,
            crs=self.place.crs,
            species=species,
            found=found,
            holes=holes,
            one_each=not self.each,
            patch=cells.texts[PATCH].mapped(species_name, np.str_) if PATCH in cells.texts else None,
            day=self._day(cells),
            columns={name: self._predictor(cells, name) for name in self.predictors.names},
            uncertainty=remarks.uncertainty,
            stand_in=remarks.stand_in,
            unfit={**remarks.unfit, UNKNOWN_DATUM: unknown},
        )
        return self._with_species(rows, cells)

    def _demand_agreed(self, cells: Cells, found: sparse.csr_array, absent: Rows) -> None:
        """Raise InputError where rows say by one column that a species was found, and by another not."""
        if not (self.each or self.presence):
            return
        both = absent & (np.asarray(found.sum(axis=1)).ravel() > 0)
        if both.any():
            column = self.presence or "the columns of species"
            raise InputError(
                f"{counted(int(both.sum()), 'row')} of {self.name} {'say' if both.sum() > 1 else 'says'} by "
                f"{column} that a species was found, and by occurrenceStatus that it was absent (for example "
                f"row {cells.row[int(np.argmax(both))]}); remove one of the columns, or leave these rows out "
                "with where."
            )

    def _column(self, name: str | None) -> str | None:
        """Return a column as the file has it. Raise InputError where it is missing."""
        if name is None:
            return None
        found = self.file.find(name)
        if found is None:
            raise self.file.lacks(name)
        return found

    def _used(self) -> set[str]:
        """Return the columns that the config names, and in a survey all: there 0 counts as it stands."""
        named = {self.presence, self.species, *self.each, *(self.condition.columns if self.condition else ())}
        return set(self.file.columns) if self.source.kind != "po" else {one for one in named if one}

    def _cells(self) -> Cells:
        """Return the rows that are whole and meet the condition."""
        categories = self.predictors.categorical & set(self.predictors.names)
        patch = [PATCH] if PATCH in self.file.columns else []
        day = [DAY] if patch and DAY in self.file.columns else []
        asked = self.condition.texts if self.condition else ()
        asked_numbers = self.condition.numbers if self.condition else ()
        texts = [*self.remarks.texts, *patch, *sorted(categories), *sorted(asked)]
        numbers = [self.place.x, self.place.y, *day, *self.each, *sorted(asked_numbers)]
        numbers += [name for name in self.predictors.names if name not in categories]
        cells = self.file.read(
            [*texts, *([self.species] if self.species else ())],
            [*numbers, *([self.presence] if self.presence else ())],
        )
        self.cleaning.read[self.name] = self.cleaning.read.get(self.name, 0) + len(cells) + cells.ragged
        self.cleaning.drop(self.name, RAGGED, cells.ragged, cells.example)
        self.cleaning.warnings += [*cells.notes, *self.place.notes]
        return cells if self.condition is None else self._meeting(self.condition, cells)

    def _meeting(self, condition: Condition, cells: Cells) -> Cells:
        for name in sorted(condition.texts):
            self._note_marks(cells, name, condition.literals[name])
        numbers = {name: self._numbers(cells, name, said=True) for name in sorted(condition.numbers)}
        met = condition.holds({**numbers, **{name: cells.texts[name] for name in condition.texts}}, numbers)
        example = "" if met.all() else f"for example row {cells.row[int(np.argmin(met))]}"
        self.cleaning.drop(self.name, f"not meeting {condition.text}", int((~met).sum()), example)
        if not met.any():
            raise InputError(f"No row of {self.name} meets {condition.text}; fix the condition.")
        return cells.kept(met)

    def _day(self, cells: Cells) -> npt.NDArray[np.int64] | None:
        if DAY not in cells.numbers or PATCH not in cells.texts:
            return None
        return np.nan_to_num(self._numbers(cells, DAY), nan=-1).astype(np.int64)

    def _coordinates(self, cells: Cells, remarks: Remarks) -> tuple[Floats, Floats, Rows]:
        """Return coordinates in the table's system, and which rows are in a datum that nobody knows."""
        crs = self.place.crs
        largest = LARGEST_LONGITUDE if crs.geographic else np.inf
        x, y = (self._numbers(cells, name, largest) for name in (self.place.x, self.place.y))
        if remarks.datum is None or not crs.geographic:
            return x, y, np.zeros(len(cells), np.bool_)
        if self.file.points:
            say_not_followed(crs, cells.row, remarks.datum, self.name, self.cleaning)
            return x, y, np.zeros(len(cells), np.bool_)
        return in_one_datum(x, y, crs, cells.row, remarks.datum, self.place.named, self.name, self.cleaning)

    def _found(self, cells: Cells) -> Species:
        """Return species, where they were found and where they were not surveyed, each (rows, species)."""
        if self.each:
            names = [species_name(one) for one in self.each]
            twice = [one for one in names if names.count(one) > 1]
            if twice:
                raise InputError(f"Two columns of {self.name} name the species {twice[0]!r}; rename one.")
            values = np.stack(
                [found_in(cells.numbers[one], cells.row, one, self.name) for one in self.each], axis=1
            )
            return tuple(names), sparse.csr_array(values == 1), sparse.csr_array(values < 0)
        if self.species:
            species, found = species_of_records(cells.texts[self.species], cells.row, self.name, self.cleaning)
            return species, found, sparse.csr_array(found.shape, dtype=np.bool_)
        values = np.ones((len(cells), 1), np.int8)
        if self.presence:
            values = found_in(cells.numbers[self.presence], cells.row, self.presence, self.name)[:, None]
        name = species_name(str(self.source.species_name))
        return (name,), sparse.csr_array(values == 1), sparse.csr_array(values < 0)

    def _with_species(self, rows: Observations, cells: Cells) -> Observations:
        """Return rows that name a species, and in a table of presences those that say that it was found."""
        if self.species:
            texts = cells.texts[self.species]
            marked = texts.where(lambda text: is_missing(spelt(text)))
            if marked.any():
                first = int(np.argmax(marked))
                mark = texts.values[texts.codes[first]].strip()
                self.cleaning.warnings.append(
                    f"{self.name}: {mark} in {self.species} is no name of a species, in "
                    f"{counted(int(marked.sum()), 'row')} (for example row {cells.row[first]})."
                )
            rows = self._without(rows, UNNAMED, texts.where(lambda text: not spelt(text)) | marked)
        if rows.kind == "po":
            empty = np.asarray(rows.holes.sum(axis=1)).ravel() == len(rows.species)
            rows = self._without(rows, UNSURVEYED, empty & (len(rows.species) > 0))
            rows = self._without(rows, ABSENCE, np.asarray(rows.found.sum(axis=1)).ravel() == 0)
        return rows

    def _without(self, rows: Observations, reason: str, wrong: Rows) -> Observations:
        self.cleaning.drop(self.name, reason, int(wrong.sum()), rows.example(wrong))
        return rows.kept(~wrong)

    def _numbers(self, cells: Cells, name: str, largest: float = np.inf, said: bool = False) -> Floats:
        """Return a column as numbers; what is none is NaN, and ``said`` where it is not left out anyway."""
        read = numbers_of(cells.numbers[name], cells.row, name, self.name, largest)
        if said and read.odd.any():
            self.cleaning.warnings.append(
                f"{self.name}: {counted(int(read.odd.sum()), 'cell')} of {name} without a number, which meet "
                f"no comparison with one (for example row {cells.row[int(np.argmax(read.odd))]}: {read.shown})."
            )
        return read.values

    def _predictor(self, cells: Cells, name: str) -> npt.NDArray[Any]:
        """Return the values of a predictor: numbers, or text for categories, empty where empty.

        A mark such as NA is empty among numbers; among names it is one (NA is Namibia, and the Nearctic), and
        said.
        """
        if name not in self.predictors.categorical:
            return self._numbers(cells, name)
        texts = cells.texts[name]
        used = [texts.values[code] for code in np.unique(texts.codes)]
        if all(_is_number(one) or is_missing(spelt(one)) for one in used if one.strip()):
            return texts.mapped(lambda text: "" if is_missing(spelt(text)) else category(text), np.str_)
        self._note_marks(cells, name, set())
        return texts.mapped(category, np.str_)

    def _note_marks(self, cells: Cells, name: str, meant: Collection[str]) -> None:
        """Say where text may be a mark of a missing value, unless the condition names that text."""
        texts = cells.texts[name]
        marked = texts.where(lambda text: is_missing(spelt(text)) and spelt(text) not in meant)
        if marked.any():
            first = int(np.argmax(marked))
            self.cleaning.warnings.append(
                f"{self.name}: {texts.values[texts.codes[first]].strip()} in {name} is read as text, not as an "
                f"empty cell, in {counted(int(marked.sum()), 'row')} (for example row {cells.row[first]})."
            )


def category(text: str) -> str:
    """Return a category as it is compared: 2, 2.0 and "2" are one; empty where empty."""
    try:
        number = float(text)
    except ValueError:
        return spelt(text)
    return str(int(number)) if number.is_integer() else str(number)


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


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
