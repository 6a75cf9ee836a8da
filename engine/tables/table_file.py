"""Tables of records as they come: CSV, TSV and semicolons, zipped or not, spreadsheets, and vector files."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, TypeVar

from odc.geo.crs import CRS
from pyproj.exceptions import CRSError

from ..rasters.ground import crs_name
from ..rasters.same_system import is_same_system
from ..running.errors import InputError, reason_of
from ..running.streams import demand_no_stream
from ..words.listing import listed
from ..words.species_names import spelt
from .cells import Cells
from .delimited_text import DelimitedText
from .known_columns import DATUM, EAST, LATITUDE, LONGITUDE, NORTH, SCIENTIFIC_NAME, columns_of, is_inaturalist
from .packed_file import is_delimited, is_zip, member, unpacked
from .vector_table import GEOMETRY, SHEETS, VectorTable

T = TypeVar("T")

MOST_COLUMNS = 12  # that a message names
WGS84 = "EPSG:4326"
OLD_EXCEL = ".xls"


@dataclass(frozen=True)
class Coordinates:
    """Where a table says that its records are.

    Attributes
    ----------
    x, y
        Columns, or those of ``GEOMETRY``.
    crs
        Their system.
    named
        Whether the user named it.
    notes
        What was not followed, a sentence each.
    """

    x: str
    y: str
    crs: CRS
    named: bool = False
    notes: tuple[str, ...] = ()


class TableFile:
    """A table of records on disk; its header is read at once, its columns when they are asked for.

    Parameters
    ----------
    file
        A delimited text file (``.csv``, ``.tsv``, ``.txt``, ``.tab``, also ``.gz``), a spreadsheet (``.xlsx``,
        ``.ods``), or whatever else pyogrio reads; any of these in a ``.zip`` (as GBIF and iNaturalist send it),
        in whatever folder of it. ``|layername=NAME`` after it names a layer, a sheet or a file of the zip where
        there are several.
    options
        Whether messages name the options of a command (``--crs``) in place of a config's keys (``crs``).

    Attributes
    ----------
    name
        The file's name without its folder, for messages.
    columns
        The names of its columns, spelt.
    points
        Whether coordinates are in the geometry.
    cut
        Whether its format cuts names of columns to 10 characters.
    text_columns
        Of a vector file: the columns that hold text.

    Raises
    ------
    InputError
        The file can't be read.
    """

    def __init__(self, file: str, options: bool = False) -> None:
        self.file = file
        self._options = options
        path, _, layer = file.partition("|layername=")
        demand_no_stream(path, "table")
        self.name = Path(path).name
        self._table = self._orderly(partial(self._open, path, layer or None))
        self.columns = self._table.columns
        vector = self._table if isinstance(self._table, VectorTable) else None
        self.points = vector is not None and vector.points
        self.cut = vector is not None and vector.cut
        self.text_columns = [] if vector is None else vector.text_columns
        self._own_crs = None if vector is None else vector.crs

    def coordinates(self, x: str | None, y: str | None, crs: str | None) -> Coordinates:
        """Return the columns of x and y and the coordinate system, by what is named and what is there.

        Points of a vector file have their own system. Else columns that are named are taken, with the system
        that is named; else Darwin Core's or iNaturalist's, in WGS84 or the geographic system that is named.

        Raises
        ------
        InputError
            There is no such column, no coordinate system, or it is not the one that the file says.
        """
        wanted = None if crs is None else self._known(crs)
        if self.points:
            return self._points(x, y, wanted)
        named = [None if one is None else self.find(one) for one in (x, y)]
        found = self._known_pair()
        if named[0] and named[1]:
            if wanted is not None and named == found and not wanted.geographic:
                self._refuse_degrees(named[0], named[1], wanted)
            if wanted is None and named != found and not columns_of(DATUM, self.columns):
                remedy = self._named_by('set crs, for example crs = "EPSG:4326"', "name it (--crs EPSG:4326)")
                raise InputError(f"The CRS of {x}, {y} in {self.name} is not specified; {remedy}.")
            return Coordinates(named[0], named[1], wanted or CRS(WGS84), named=wanted is not None)
        if found and not any(named):
            return self._found(found, x is not None or y is not None, wanted)
        if not x or not y:
            remedy = self._named_by("with x, y and crs", "(--x, --y, --crs)")
            raise InputError(
                f"{self.name} has no columns {LONGITUDE} and {LATITUDE}; name those of its coordinates "
                f"{remedy}; it has {listed(self.columns, MOST_COLUMNS)}."
            )
        raise self.lacks(y if named[0] else x)

    def find(self, column: str) -> str | None:
        """Return the column of that name, however it is typed (blanks, Unicode); None where there is none."""
        name = spelt(column)
        return name if name in self.columns else None

    def lacks(self, column: str) -> InputError:
        """Return the error that a column is missing."""
        near = [one for one in self.columns if one.casefold() == spelt(column).casefold()]
        if not near and is_inaturalist(self.columns):
            near = columns_of(SCIENTIFIC_NAME, self.columns)[:1]
        hint = f" (did you mean {near[0]}?)" if near else ""
        held = listed([one or "(a column without a name)" for one in self.columns], MOST_COLUMNS)
        return InputError(f"{self.name} has no column {column!r}{hint}; it has {held}.")

    def read(self, texts: Collection[str], numbers: Collection[str]) -> Cells:
        """Return columns, those of ``texts`` as text and those of ``numbers`` as what may be numbers.

        Raises
        ------
        InputError
            A column is missing or there are two of its name, the file is no table, holds no record, or
            something other than points.
        """
        for one in (*texts, *numbers):
            if one not in self.columns and one not in GEOMETRY:
                raise self.lacks(one)
            if self.columns.count(one) > 1:
                raise InputError(f"{self.name} has two columns {one!r}; rename one.")
        cells: Cells = self._orderly(
            lambda: self._table.read(tuple(dict.fromkeys(texts)), tuple(dict.fromkeys(numbers)))
        )
        if not len(cells):
            raise InputError(f"{self.name} holds no record; choose another file.")
        return cells

    def _open(self, path: str, layer: str | None) -> DelimitedText | VectorTable:
        inside = member(path, layer) if is_zip(path) else None
        if is_delimited(inside or path):
            opened: Callable[[], AbstractContextManager[IO[bytes]]] = partial(unpacked, path, inside)
            return DelimitedText(self.name, opened)
        if path.lower().endswith(OLD_EXCEL):
            raise InputError(f"{self.name} is a file of an old Excel; save it as .xlsx or CSV UTF-8.")
        if (
            inside is not None and PurePosixPath(inside).suffix.lower() in SHEETS
        ):  # GDAL reads none out of a zip
            folder = tempfile.TemporaryDirectory(prefix="scalescape-sheet-", ignore_cleanup_errors=True)
            file = Path(folder.name) / PurePosixPath(inside).name
            with unpacked(path, inside) as packed, file.open("wb") as stream:
                shutil.copyfileobj(packed, stream)
            return VectorTable(self.name, str(file), None, folder)
        if inside is not None:
            return VectorTable(self.name, f"/vsizip/{Path(path).absolute()}/{inside}", None)
        return VectorTable(self.name, path, layer)

    def _points(self, x: str | None, y: str | None, wanted: CRS | None) -> Coordinates:
        if not self._own_crs:
            if wanted is None:
                remedy = self._named_by("set crs", "name it (--crs EPSG:4326)")
                raise InputError(f"{self.name} has no coordinate system; assign one, or {remedy}.")
            return Coordinates(*GEOMETRY, wanted, named=True)
        own = self._known(self._own_crs)
        if wanted is not None and not (x and y) and not is_same_system(own, wanted):
            raise InputError(
                f"{self.name} is in {crs_name(own)} by what it says itself, and crs is {crs_name(wanted)}; "
                "leave crs out, or assign the right system to the file."
            )
        notes = []
        if x and y and self.find(x) and self.find(y):
            notes.append(f"{self.name}: the points of the file are taken, not its columns {x} and {y}.")
        return Coordinates(*GEOMETRY, own, notes=tuple(notes))

    def _known_pair(self) -> list[str]:
        """Return the columns of longitude and latitude that are known by their names; none where there are
        none."""
        for east, north in ((LONGITUDE, LATITUDE), (EAST, NORTH)):
            pair = [*columns_of(east, self.columns)[:1], *columns_of(north, self.columns)[:1]]
            if len(pair) == 2 and (east == LONGITUDE or is_inaturalist(self.columns)):
                return pair
        return []

    def _found(self, pair: list[str], others_named: bool, wanted: CRS | None) -> Coordinates:
        """Return coordinates in columns that are known by their names; a system goes with columns that are
        named."""
        if not others_named:
            if wanted is not None and not wanted.geographic:
                self._refuse_degrees(pair[0], pair[1], wanted)
            return Coordinates(pair[0], pair[1], wanted or CRS(WGS84), named=wanted is not None)
        if wanted is not None and wanted.geographic and not is_same_system(wanted, CRS(WGS84)):
            raise InputError(
                f"{self.name} lacks the columns x and y that are named, and has {pair[0]} and {pair[1]}, which "
                f"may be in {crs_name(wanted)} or in WGS84; name x, y and crs for this table."
            )
        note = (
            f"{self.name}: {pair[0]} and {pair[1]} are taken, in WGS84, since it lacks the columns x and y "
            "that are named."
        )
        return Coordinates(pair[0], pair[1], CRS(WGS84), notes=(note,))

    def _refuse_degrees(self, x: str, y: str, wanted: CRS) -> NoReturn:
        remedy = self._named_by("leave crs out, or name", "leave --crs out, or name")
        raise InputError(
            f"{x} and {y} of {self.name} are degrees, and the crs that is named, {crs_name(wanted)}, is not in "
            f"degrees; {remedy} the columns x and y that it is for."
        )

    def _known(self, crs: str) -> CRS:
        try:
            return CRS(crs)
        except CRSError as error:
            raise InputError(
                f"The coordinate system {crs!r} of {self.name} is unknown; write for example EPSG:4326."
            ) from error

    def _named_by(self, key: str, option: str) -> str:
        return option if self._options else key

    def _orderly(self, read: Callable[[], T]) -> T:
        """Return what ``read`` reads. Raise InputError where the file can't be read."""
        try:
            return read()
        except InputError:
            raise
        except UnicodeDecodeError as error:
            raise InputError(f"{self.name} is not in UTF-8; save it as CSV UTF-8.") from error
        except (OSError, ValueError, RuntimeError, EOFError, zipfile.BadZipFile) as error:
            lines = reason_of(error).strip().splitlines()
            first = (lines[0] if lines else type(error).__name__).partition(";")[0].rstrip(".")  # GDAL's advice
            raise InputError(
                f"The table {self.file} can't be read ({first}); choose a CSV, TSV, Excel (.xlsx) or vector "
                "file."
            ) from error
