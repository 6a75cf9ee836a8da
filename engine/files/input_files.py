"""The files that a job reads, and whether they are still as they were when it began."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..running.errors import InputError
from .raster_files import is_note, local_files, said_beside, with_sources

DATABASES = (".gpkg", ".sqlite")
LARGEST_DATABASE = 256 * 1024**2  # bytes; of a larger one size and time count
MAGIC = b"SQLite format 3\0"
# Bytes of a database's header that change when a program merely opens or closes it, as QGIS does with a layer:
# how it keeps its journal, and counters. See https://www.sqlite.org/fileformat.html
VOLATILE = (slice(18, 20), slice(24, 28), slice(92, 100))

Stamp = tuple[int, int] | bytes | None


class InputFiles:
    """Files by their sizes and times of change, each as it was when it was first added.

    Of the notes that GDAL and QGIS leave beside a raster when it is looked at, what they say of its values
    counts. What does not lie on this computer, such as a web address, can't be known to be unchanged.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._stamps: dict[Path, Stamp] = {}
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Take note of what some paths, or names of GDAL's, stand for."""
        for name in names:
            for file in local_files(name):
                if file not in self._stamps:
                    self._stamps[file] = _stamp(file)

    def add_raster(self, parts: Sequence[str]) -> None:
        """Take note of the files that GDAL reads a raster from; of virtual ones also their sources."""
        try:
            self.add(with_sources(parts))
        except InputError:  # a source that can't be opened, and may never be read
            self.add(parts)

    def join(self, other: InputFiles) -> None:
        """Take over what another one knows; of a file that both know the stamp of before stays."""
        self._stamps = {**other._stamps, **self._stamps}

    @property
    def changed(self) -> Path | None:
        """The first file that is not as it was, None where all are."""
        return next((file for file, stamp in self._stamps.items() if _stamp(file) != stamp), None)

    def demand_unchanged(self) -> None:
        """Raise InputError where a file is not as it was."""
        if (file := self.changed) is not None:
            raise changed(file)


def changed(file: Path) -> InputError:
    """Return the sentence for a file that is not as it was."""
    return InputError(
        f"The file {file} was changed while it was in use, so its values can't be trusted; start again once it "
        "no longer changes."
    )


def _stamp(file: Path) -> Stamp:
    """Return what changes when a file does, None where it is gone."""
    try:
        if is_note(file.name):
            return said_beside(file)
        found = file.stat()
        if file.suffix.lower() in DATABASES and found.st_size <= LARGEST_DATABASE:
            return _content(file)
    except (OSError, InputError):
        return None
    return found.st_size, found.st_mtime_ns


def _content(file: Path) -> bytes:
    """Return a digest of what a database holds."""
    content = bytearray(file.read_bytes())
    if content.startswith(MAGIC):
        for part in VOLATILE:
            content[part] = bytes(part.stop - part.start)
    return hashlib.sha256(content).digest()
