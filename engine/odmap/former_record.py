"""The record that stands in a folder already: what its author wrote there, to be kept when it is made again."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..running.errors import InputError
from .answers import Key
from .elements import ELEMENTS, Element
from .odmap_files import COLUMNS, CSV, PAGE

FILLED = "odmap.json"  # what was filled in last, so that what was changed since is known
SEPARATORS = ",;\t"
Row = tuple[str, str, str]  # section, subsection and element


@dataclass(frozen=True)
class FormerRecord:
    """A record of before.

    Attributes
    ----------
    written
        The author's answers, by element; those that Scalescape filled in and nobody changed are not among them.
    aside
        Files that hold more than can be kept in the new record, so that they must not be replaced.
    """

    written: Mapping[Element, str]
    aside: tuple[str, ...]


def former_record(folder: Path, answers: Mapping[Key, str]) -> FormerRecord:
    """Read the record in a folder.

    A text of its CSV is the author's where it is not what was filled in last; where that is not known any more,
    where it is not what would be filled in now (``answers``).

    Raises
    ------
    InputError
        A file of it can't be read.
    """
    filled, page = _filled(folder / FILLED)
    aside = [] if _page_digest(folder) in ("", page) else [PAGE]
    rows = _rows(folder / CSV)
    if rows is None:
        return FormerRecord({}, (CSV, *aside))
    known = {_row(one): one for one in ELEMENTS}
    written: dict[Element, str] = {}
    for row, text in rows.items():
        element = known.get(row) or Element(*row, optional=True)
        ours = answers.get(element.key, "") if filled is None else filled.get(row, "")
        if text and text != _plain(ours):
            written[element] = text
    return FormerRecord(written, tuple(aside))


def filled_in(answers: Mapping[Key, str], page: bytes) -> str:
    """Return as JSON what must be known to make a record again: what was filled in, and the page's digest."""
    rows = [[*_row(one), answers[one.key]] for one in ELEMENTS if answers.get(one.key)]
    return json.dumps({"filled_in": rows, "page_sha256": hashlib.sha256(page).hexdigest()}, indent=1)


def _row(element: Element) -> Row:
    return element.section, element.subsection, element.name.strip()


def _filled(file: Path) -> tuple[dict[Row, str] | None, str]:
    """Return what was filled in last, None where that is not known, and the digest of the page."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        rows = {(str(a), str(b), str(c)): str(text) for a, b, c, text in found["filled_in"]}
        return rows, str(found["page_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, ""


def _page_digest(folder: Path) -> str:
    """Return the digest of the page in a folder, empty without one."""
    file = folder / PAGE
    return hashlib.sha256(_content(file)).hexdigest() if file.is_file() else ""


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise InputError(
            f"The file {file} can't be read ({reason}); close it where it is open, or move it away."
        ) from error


def _rows(file: Path) -> dict[Row, str] | None:
    """Return the texts of a CSV; None where it is not such a record, or holds more than one."""
    if not file.is_file():
        return {}
    content = _content(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # as a spreadsheet on Windows saves it
    head = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=head.count)
    try:
        table = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(row)]
    except csv.Error:  # a cell too long for it
        return None
    width = len(COLUMNS)
    if not table or tuple(one.strip().lower() for one in table[0][:width]) != tuple(map(str.lower, COLUMNS)):
        return None
    if any(any(row[width:]) for row in table):
        return None
    found: dict[Row, str] = {}
    for row in table[1:]:
        section, subsection, name, value = (_plain(one) for one in [*row[:width], *[""] * (width - len(row))])
        if found.setdefault((section, subsection, name), value) != value:
            return None
    return found


def _plain(text: str) -> str:
    """Return a text without what spreadsheets change: ends of lines, and UTF-8 read as if it were cp1252."""
    text = "\n".join(text.splitlines()).strip()
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
