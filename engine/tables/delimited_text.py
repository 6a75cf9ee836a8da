"""Delimited text, row by row: which delimiter, which names, and which rows have a field for every name."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import IO

from ..running.errors import InputError
from ..words.listing import counted
from ..words.species_names import spelt
from .cells import Cells
from .field_rows import FieldRows
from .text_blocks import blocks, count_of_whole_lines, in_quotes, lines_of, without_quotes

DELIMITERS = ("\t", ";", ",", "|")
SAMPLE = 50  # lines by which the delimiter is found
LONGEST_CELL = 2**24  # characters; a quote that is never closed would swallow the file
SEPARATOR = "sep="  # a first line that Excel writes and reads
OUT_OF_LINE = 0.02  # of rows: more are no slips
COUNTING = {
    "", "id", "fid", "gid", "oid", "objectid", "nr", "no", "n", "number", "row", "rownames", "index", "key",
}  # fmt: skip
BOM = b"\xef\xbb\xbf"
UTF_16, UTF_16_MARKS = "utf-16", (b"\xff\xfe", b"\xfe\xff")
PACKED = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\x1f\x8b": "a gzip file",
    b"\xd0\xcf\x11\xe0": "an Excel file",
}
Shapes = dict[tuple[int, bool], FieldRows]


class DelimitedText:
    """A table of delimited text; its header is read at once.

    Quotes are those of CSV, and a cell may run over several lines. Text between tabs has no quotes (as GBIF
    writes it), unless all names of the header are in quotes; a cell's own pair of quotes is taken off all the
    same.

    Parameters
    ----------
    name
        The file's name, for messages.
    opened
        Opens the file for reading bytes, unpacked.

    Attributes
    ----------
    columns
        The names of the columns, spelt.

    Raises
    ------
    InputError
        The file is empty, is no text, or a quote in it is not closed.
    OSError, ValueError, EOFError, zipfile.BadZipFile
        The file can't be read.
    """

    def __init__(self, name: str, opened: Callable[[], AbstractContextManager[IO[bytes]]]) -> None:
        self.name = name
        self._opened = opened
        self._encoding = self._found_encoding()
        with self._lines() as lines:
            sample = list(itertools.islice(lines, SAMPLE))
        self._given = _separator(sample)
        self._delimiter = self._given or _likeliest(sample)
        self._quotes = self._delimiter != "\t" or _all_in_quotes(sample[1 if self._given else 0 :])
        with self._lines() as lines:
            header = next((fields for _, fields in self._records(lines)), None)
        if header is None:
            raise InputError(f"{name} is empty; choose another file.")
        self.columns = [spelt(one) for one in header]

    def read(self, texts: Sequence[str], numbers: Sequence[str]) -> Cells:
        """Return columns, those of ``texts`` as text and those of ``numbers`` as what may be numbers.

        A row counts if it has as many fields as the header. Where nearly all rows end in one and the same
        number of empty fields too many, or lack fields whose columns have no name, these do.

        Raises
        ------
        InputError
            Most rows have another number of fields than the header, or a quote is not closed.
        OSError, ValueError, EOFError, zipfile.BadZipFile
            The file can't be read.
        """
        shapes = self._shapes(texts, numbers, in_blocks=self._encoding != UTF_16)
        if any(one.is_mixed or one.has_commas for one in shapes.values()):
            shapes = self._shapes(texts, numbers, in_blocks=False)
        return self._chosen(shapes, texts, numbers)

    def _shapes(self, texts: Sequence[str], numbers: Sequence[str], in_blocks: bool) -> Shapes:
        """Return the rows by how many fields they have, and whether those too many are empty."""
        width = len(self.columns)
        picked = [self.columns.index(name) for name in (*texts, *numbers)]
        shapes: Shapes = {(width, True): FieldRows(picked, len(texts))}

        def add(records: Iterator[tuple[int, list[str]]]) -> None:
            for row, fields in records:
                shape = len(fields), len(fields) == width or not any(one.strip() for one in fields[width:])
                if shape not in shapes:
                    shapes[shape] = FieldRows(picked, len(texts))
                shapes[shape].add(row, fields)

        numeric = picked[len(texts) :]
        if in_blocks and len(set(picked)) == len(picked):
            with self._opened() as stream:
                self._read_blocks(stream, shapes[width, True], add, numeric)
        else:
            with self._lines() as lines:
                records = self._records(lines, numeric)
                next(records)  # the header
                add(records)
        return shapes

    def _read_blocks(
        self,
        stream: IO[bytes],
        whole: FieldRows,
        add: Callable[[Iterator[tuple[int, list[str]]]], None],
        numeric: Sequence[int],
    ) -> None:
        """Read the rows block by block, and row by row where something in a block is out of order."""
        every = blocks(stream)
        first = next(every, b"").removeprefix(BOM)
        row, rest = self._behind_header(first)
        for block in itertools.chain([rest], every):
            if not block:
                continue
            count = count_of_whole_lines(block, self._delimiter, len(self.columns), self._quotes)
            if count is not None and whole.add_block(row, count, block, self._delimiter):
                row += count
            elif (self._quotes and b'"' in block) or block.count(b"\r") != block.count(b"\r\n"):
                lines = itertools.chain.from_iterable(map(lines_of, itertools.chain([block], every)))
                add(self._records(lines, numeric, row))
                return
            else:
                add(self._records(lines_of(block), numeric, row))
                row += block.count(b"\n")

    def _behind_header(self, block: bytes) -> tuple[int, bytes]:
        """Return the number of the row behind the header, and what the first block holds from there on."""
        consumed = 0

        def lines() -> Iterator[str]:
            nonlocal consumed
            for line in lines_of(block):
                consumed += len(line.encode())
                yield line

        row, _ = next(self._records(lines()))
        return row + 1, block[consumed:]

    def _chosen(self, shapes: Shapes, texts: Sequence[str], numbers: Sequence[str]) -> Cells:
        """Return the rows of the shape that most rows have; the others are counted."""
        width = len(self.columns)
        most, rows = max(shapes.items(), key=lambda one: one[1].count)  # of equals the first, the header's
        unnamed = not any(self.columns[most[0] :])
        if not (most[1] and unnamed):
            raise InputError(
                f"Most rows of {self.name} have {most[0]} fields and its header has {width} (row {rows.first} "
                "is the first of them), so names and columns do not match; save it again with a name for each "
                "column (in R with row.names = FALSE)."
            )
        notes = []
        if most[0] > width:
            self._demand_surplus_at_the_end(most[0], rows, shapes.get((most[0], False)))
            notes.append(
                f"{self.name}: {counted(rows.count, 'row')} with {counted(most[0] - width, 'delimiter')} too "
                f"many at the end, where fields are empty, read without (for example row {rows.first})."
            )
        others = [
            (one.first, shape[0], one.count) for shape, one in shapes.items() if shape != most and one.count
        ]
        example = ""
        if others:
            first, fields, _ = min(others)
            example = f"for example row {first}: {fields} in place of {most[0]}"
        columns = rows.columns()
        return Cells(
            rows.numbers(),
            dict(zip(texts, columns, strict=False)),
            dict(zip(numbers, columns[len(texts) :], strict=True)),
            sum(count for _, _, count in others),
            example,
            tuple(notes),
        )

    def _demand_surplus_at_the_end(self, fields: int, rows: FieldRows, filled: FieldRows | None) -> None:
        """Refuse rows of more fields than the header, the last of them empty, where the first may be too many.

        Names of rows without a name of their column, as R writes them, move all fields by one. They are given
        away by rows whose last field is filled, or count the rows.
        """
        why = ""
        if filled is not None and filled.count > OUT_OF_LINE * rows.count:
            why = f"the last of them filled in row {filled.first}, so the field too many is not at the end"
        elif rows.counts_up and rows.count > 1 and self.columns[0].casefold() not in COUNTING:
            why = f"the first of them counts the rows though its name is {self.columns[0]!r}"
        if why:
            raise InputError(
                f"Rows of {self.name} have {fields} fields and its header has {len(self.columns)} (row "
                f"{rows.first} is the first of them), {why}: names and columns may not match; save it again "
                "with a name for each column (in R with row.names = FALSE)."
            )

    def _check_quotes(self, row: int, fields: list[str], numeric: Sequence[int]) -> None:
        """Refuse a cell over lines of which the first and the last would be rows if quotes meant nothing."""
        for place, cell in enumerate(fields):
            lines = cell.splitlines()
            if len(lines) < 2:
                continue
            before = [*fields[:place], *lines[0].split(self._delimiter)]
            after = [*lines[-1].split(self._delimiter), *fields[place + 1 :]]
            if len(before) == len(after) == len(self.columns) and all(_is_number(before[i]) for i in numeric):
                raise InputError(
                    f"Row {row} of {self.name} has a quotation mark that is closed only lines later, so it may "
                    "be one row or several; remove the mark, or write it twice inside quotes."
                )

    def _records(
        self, lines: Iterator[str], numeric: Sequence[int] | None = None, first: int = 1
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of each row that is not blank, and its fields; ``numeric`` may be numbers."""
        delimiter, quotes = self._delimiter, self._quotes
        nothing = f'{delimiter}\r\n\t "'
        for row in itertools.count(first):
            line = next(lines, None)
            if line is None:
                return
            if (row == 1 and self._given) or not line.strip(nothing):
                continue
            if '"' not in line:
                yield row, line.rstrip("\r\n").split(delimiter)
            elif quotes:
                reader = csv.reader(
                    itertools.chain([line], lines), delimiter=delimiter, strict=True, skipinitialspace=True
                )
                try:
                    fields = next(reader)
                except csv.Error as error:
                    raise InputError(
                        f"A quotation mark in row {row} of {self.name} is not closed, or not where a cell ends "
                        "(inside a cell it must be written twice); fix that row."
                    ) from error
                if reader.line_num > 1 and numeric is not None:
                    self._check_quotes(row, fields, numeric)
                yield row, fields
            else:
                yield row, [without_quotes(one) for one in line.rstrip("\r\n").split(delimiter)]

    @contextmanager
    def _lines(self) -> Iterator[Iterator[str]]:
        before = csv.field_size_limit(LONGEST_CELL)  # of the whole process
        try:
            with self._opened() as stream, io.TextIOWrapper(stream, self._encoding, newline="") as text:
                yield iter(text)
        finally:
            csv.field_size_limit(before)

    def _found_encoding(self) -> str:
        with self._opened() as stream:
            start = stream.read(4)
        for mark, what in PACKED.items():
            if start.startswith(mark):
                raise InputError(
                    f"{self.name} is {what} by what it holds, and no text; give it its own suffix."
                )
        return UTF_16 if start[:2] in UTF_16_MARKS else "utf-8-sig"


def _separator(sample: Sequence[str]) -> str:
    """Return the delimiter that a line for Excel names, if the file begins with one."""
    first = sample[0].strip("\r\n\"' ") if sample else ""
    named = first[len(SEPARATOR) :] if first.lower().startswith(SEPARATOR) else ""
    return named if named in DELIMITERS else ""


def _likeliest(sample: Sequence[str]) -> str:
    """Return the delimiter by which most lines have as many fields as the header."""
    lines = [one.rstrip("\r\n") for one in sample if one.strip()]

    def fit(delimiter: str) -> tuple[int, int, int]:
        counts = [_count(line, delimiter) for line in lines]
        if not counts or counts[0] < 2:
            return 0, 0, 0
        exact = sum(one == counts[0] for one in counts[1:])
        near = sum(abs(one - counts[0]) <= 1 for one in counts[1:])
        return exact, near, counts[0]

    best = max(DELIMITERS, key=fit)
    return best if fit(best)[2] else ","


def _count(line: str, delimiter: str) -> int:
    if delimiter == "\t" or '"' not in line:
        return line.count(delimiter) + 1
    return len(next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), []))


def _all_in_quotes(sample: Sequence[str]) -> bool:
    """Tell whether all names of a header between tabs are in quotes."""
    names = next((one for one in sample if one.strip()), "").rstrip("\r\n").split("\t")
    return len(names) > 1 and all(in_quotes(one) for one in names)


def _is_number(cell: str) -> bool:
    try:
        return not cell.strip() or float(cell.replace(",", ".")) is not None
    except ValueError:
        return False
