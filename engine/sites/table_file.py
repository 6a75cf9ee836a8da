"""Tables of records as they come: CSV, TSV and semicolons, zipped or not, and anything that pyogrio reads."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, reason_of
from ..listing import listed

if TYPE_CHECKING:
    from pandas import DataFrame

DELIMITED = {".csv", ".tsv", ".txt", ".tab"}
DELIMITERS = ("\t", ";", ",")
MOST_COLUMNS = 12  # that a message names
EMPTY = ("", "NA", "N/A", "NaN", "nan", "NULL", "null", r"\N")
LONGITUDE, LATITUDE = "decimalLongitude", "decimalLatitude"  # of Darwin Core, in WGS84
GEOMETRY = ("x of the point", "y of the point")  # columns that stand for the geometry of a vector file


class TableFile:
    """A table of records on disk; its header is read at once, its columns when they are asked for.

    Parameters
    ----------
    file
        A delimited text file (``.csv``, ``.tsv``, ``.txt``, ``.tab``, also ``.gz`` or in a ``.zip``, as GBIF
        sends it), else whatever pyogrio reads, with ``|layername=NAME`` after it where there are several
        layers.
    options
        Whether messages name the options of a command (``--crs``) in place of a config's keys (``crs``).

    Attributes
    ----------
    name
        The file's name without its folder, for messages.
    columns
        The names of its columns.
    crs
        The coordinate system that the file itself states, or None.
    points
        Whether coordinates are in the geometry.

    Raises
    ------
    InputError
        The file can't be read.
    """

    def __init__(self, file: str, options: bool = False) -> None:
        self.file = file
        self._options = options
        self.path, _, layer = file.partition("|layername=")
        self.layer = layer or None
        self.name = Path(self.path).name
        self.points = not _is_delimited(self.path)
        self.crs: str | None = None
        if self.points:
            self.columns = self._vector_columns()
        else:
            self._delimiter, self.columns = self._header()

    def coordinates(self, x: str | None, y: str | None, crs: str | None) -> tuple[str, str, str]:
        """Return the columns of x and y and the coordinate system, by what is told and what is there.

        Raises
        ------
        InputError
            There is no such column, or no coordinate system.
        """
        if self.points:
            known = crs or self.crs
            if not known:
                remedy = self._named_by("set crs", "name it (--crs EPSG:4326)")
                raise InputError(f"{self.name} has no coordinate system; assign one, or {remedy}.")
            return (*GEOMETRY, self.crs or known)
        if x and y and x in self.columns and y in self.columns:
            if not crs and (x, y) != (LONGITUDE, LATITUDE):
                remedy = self._named_by('set crs, for example crs = "EPSG:4326"', "name it (--crs EPSG:4326)")
                raise InputError(f"The coordinate system of {x}, {y} in {self.name} is not told; {remedy}.")
            return x, y, crs or "EPSG:4326"
        if LONGITUDE in self.columns and LATITUDE in self.columns:
            return LONGITUDE, LATITUDE, "EPSG:4326"
        if not x or not y:
            remedy = self._named_by("with x, y and crs", "(--x, --y, --crs)")
            raise InputError(
                f"{self.name} has no columns {LONGITUDE} and {LATITUDE}; name those of its coordinates "
                f"{remedy}; it has {listed(self.columns, MOST_COLUMNS)}."
            )
        raise self.lacks(x if x not in self.columns else y)

    def _named_by(self, key: str, option: str) -> str:
        return option if self._options else key

    def lacks(self, column: str) -> InputError:
        """Return the error that a column is missing."""
        return InputError(f"{self.name} has no column {column!r}; it has {listed(self.columns, MOST_COLUMNS)}.")

    def read(
        self, wanted: Collection[str], texts: Collection[str] = (), codes: Collection[str] = ()
    ) -> DataFrame:
        """Return the columns ``wanted``, row by row in the file's order.

        Parameters
        ----------
        wanted
            Names of columns, or those of ``GEOMETRY``.
        texts
            Those of them that are text, whatever they look like; empty cells are NaN.
        codes
            Those of them that are text with many repeats; they come as categories.

        Returns
        -------
        pandas.DataFrame
            Its index is the row in the file, the first under a header being 2.

        Raises
        ------
        InputError
            A column is missing, the file is no table, or holds something other than points.
        """
        missing = [one for one in wanted if one not in self.columns and one not in GEOMETRY]
        if missing:
            raise self.lacks(missing[0])
        twice = [one for one in wanted if self.columns.count(one) > 1]
        if twice:
            raise InputError(f"{self.name} has two columns {twice[0]!r}; rename one.")
        types = dict.fromkeys(texts, "str") | dict.fromkeys(codes, "category")
        table = self._vector(wanted, types) if self.points else self._delimited(wanted, types)
        if table.empty:
            raise InputError(f"{self.name} holds no record; choose another file.")
        table.index = np.arange(2, len(table) + 2)
        return table

    def _delimited(self, wanted: Collection[str], types: dict[str, str]) -> DataFrame:
        import pandas

        try:
            with _opened(self.path) as stream:
                return pandas.read_csv(
                    stream,
                    sep=self._delimiter,
                    usecols=list(wanted),
                    dtype=types,
                    keep_default_na=False,
                    na_values=list(EMPTY),
                    encoding="utf-8-sig",
                    quoting=csv.QUOTE_NONE if self._delimiter == "\t" else csv.QUOTE_MINIMAL,
                    engine="c",
                    low_memory=False,
                )
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:  # ParserError is a ValueError
            raise self._unreadable(error) from error

    def _header(self) -> tuple[str, list[str]]:
        """Return delimiter and column names from the first line."""
        try:
            with _opened(self.path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline=None) as text:
                line = text.readline().rstrip("\r\n")
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise self._unreadable(error) from error
        delimiter = max(DELIMITERS, key=line.count) if any(map(line.count, DELIMITERS)) else ","
        names = line.split("\t") if delimiter == "\t" else next(csv.reader([line], delimiter=delimiter), [])
        if not names:
            raise InputError(f"{self.name} is empty; choose another file.")
        return delimiter, names

    def _vector_columns(self) -> list[str]:
        import pyogrio

        try:
            about = pyogrio.read_info(self.path, layer=self.layer)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unreadable(error) from error
        self.crs = about["crs"]
        return [str(name) for name in about["fields"]]

    def _vector(self, wanted: Collection[str], types: dict[str, str]) -> DataFrame:
        import pandas
        import pyogrio
        import shapely

        fields = [name for name in wanted if name not in GEOMETRY]
        try:
            meta, _, geometries, values = pyogrio.raw.read(self.path, layer=self.layer, columns=fields)
        except (OSError, ValueError, RuntimeError) as error:
            raise self._unreadable(error) from error
        shapes = shapely.from_wkb(geometries)
        single = shapely.get_num_geometries(shapes) == 1
        shapes = np.where(single, shapely.get_geometry(shapes, 0), shapes)
        kinds = set(np.unique(shapely.get_type_id(shapes)).tolist())
        if not kinds <= {-1, int(shapely.GeometryType.POINT)}:
            raise InputError(f"{self.name} holds more than single points; choose a layer of points.")
        table = pandas.DataFrame(dict(zip(meta["fields"], values, strict=True)))
        for name, as_type in types.items():
            table[name] = _as_text(table[name]).astype(as_type)
        table[GEOMETRY[0]], table[GEOMETRY[1]] = shapely.get_x(shapes), shapely.get_y(shapes)
        return table

    def _unreadable(self, error: Exception) -> InputError:
        if isinstance(error, UnicodeDecodeError):
            return InputError(f"{self.name} is not in UTF-8; save it as CSV UTF-8.")
        lines = reason_of(error).strip().splitlines()
        first = lines[0] if lines else type(error).__name__
        return InputError(f"The table {self.file} can't be read ({first}); choose a CSV, TSV or vector file.")


def _as_text(column: Any) -> Any:
    """Return values of a vector file's field as text: whole numbers without a point, empty ones as NaN."""
    text = column.map(lambda one: str(int(one)) if isinstance(one, float) and one.is_integer() else str(one))
    return text.where(column.notna() & ~text.isin(EMPTY))


def _is_delimited(path: str) -> bool:
    suffixes = [one.lower() for one in PurePosixPath(path).suffixes]
    if suffixes and suffixes[-1] == ".zip":
        return _member(path) is not None
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in DELIMITED


def _member(path: str) -> str | None:
    """Return the table in a zip: ``occurrence.txt`` of a Darwin Core archive, else its only delimited file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if PurePosixPath(n).suffix.lower() in DELIMITED]
    except (OSError, zipfile.BadZipFile):
        return None
    if "occurrence.txt" in names:
        return "occurrence.txt"
    return names[0] if len(names) == 1 else None


@contextmanager
def _opened(path: str) -> Iterator[IO[bytes]]:
    """Open a delimited file for reading bytes, unpacked."""
    if path.lower().endswith(".gz"):
        with gzip.open(path) as stream:
            yield stream  # type: ignore[misc]
    elif path.lower().endswith(".zip"):
        with zipfile.ZipFile(path) as archive, archive.open(_member(path) or "") as stream:
            yield stream
    else:
        with open(path, "rb") as stream:
            yield stream
