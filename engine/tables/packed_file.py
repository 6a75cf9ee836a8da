"""A table inside a zip or gzip file."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO

from ..running.errors import InputError
from ..words.listing import listed

DELIMITED = {".csv", ".tsv", ".txt", ".tab"}
VECTOR = {".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".gml", ".gpx", ".xlsx", ".ods", ".sqlite"}
OCCURRENCES = "occurrence.txt"  # of a Darwin Core archive
# What is no table of records, by the beginning of its name.
BESIDE = ("readme", "citation", "rights", "license", "licence", "metadata", "verbatim", "multimedia")
HIDDEN = ("__MACOSX", ".")
MOST_NAMES = 5  # that a message lists


def is_delimited(path: str) -> bool:
    """Tell by its suffix whether an unzipped file is delimited text."""
    suffixes = [one.lower() for one in PurePosixPath(path).suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in DELIMITED


def is_zip(path: str) -> bool:
    """Tell by its suffix whether a file is a zip."""
    return PurePosixPath(path).suffix.lower() == ".zip"


def member(path: str, wanted: str | None = None) -> str:
    """Return the table in a zip, in whatever folder it lies.

    It is ``wanted``, else ``occurrence.txt`` of a Darwin Core archive, else the only table in there. What
    stands beside one (README, citations, licences, a system's hidden files) is none; CSV and TSV go before TXT.

    Raises
    ------
    InputError
        The file is no zip, holds no table, or several.
    OSError
        The file can't be read.
    """
    name = PurePosixPath(path).name
    try:
        with zipfile.ZipFile(path) as archive:
            every = [one for one in archive.namelist() if not one.endswith("/")]
    except zipfile.BadZipFile as error:
        raise InputError(f"{name} is no zip, or a damaged one; download it again.") from error
    if wanted is not None:
        if wanted in every:
            return wanted
        raise InputError(f"{name} holds no {wanted}; it holds {listed(every, MOST_NAMES) or 'nothing'}.")
    shown = [one for one in every if not any(part.startswith(HIDDEN) for part in PurePosixPath(one).parts)]
    tables = [one for one in shown if PurePosixPath(one).suffix.lower() in DELIMITED | VECTOR]
    records = [one for one in tables if PurePosixPath(one).name.lower() == OCCURRENCES]
    tables = records or [
        one for one in tables if not PurePosixPath(one).name.lower().startswith(BESIDE)
    ]  # fmt: skip
    plain = [one for one in tables if PurePosixPath(one).suffix.lower() != ".txt"]
    tables = plain or tables
    if len(tables) == 1:
        return tables[0]
    if not tables:
        held = listed(shown, MOST_NAMES) or "nothing"
        raise InputError(f"{name} holds no table of records; it holds {held}. Unpack the table and name it.")
    raise InputError(
        f"{name} holds {len(tables)} tables; name one as {name}|layername={tables[0]}; there are "
        f"{listed(tables, MOST_NAMES)}."
    )


@contextmanager
def unpacked(path: str, inside: str | None) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, out of its zip (where it is called ``inside``) or gzip."""
    if inside is not None:
        with zipfile.ZipFile(path) as archive, archive.open(inside) as stream:
            yield stream
    elif path.lower().endswith(".gz"):
        with gzip.open(path) as stream:
            yield stream  # type: ignore[misc]
    else:
        with open(path, "rb") as stream:
            yield stream
