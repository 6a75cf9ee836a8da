"""What files hold, as digests; a file is read again only when its size or time has changed."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path

from ..files.cache_folder import cache_folder
from ..files.kept_values import KeptValues
from ..files.raster_files import is_note, said_beside, with_sources
from ..running.errors import InputError


class ContentDigests:
    """SHA-256 of files, kept from run to run by path, size and time of last change."""

    def __init__(self, folder: Path | None = None) -> None:
        self._kept = KeptValues((folder or cache_folder()) / "digests.json")

    def of_file(self, file: Path) -> str:
        """Return the digest of a file."""
        try:
            path, stat = str(file.resolve()), file.stat()
            stamp = [stat.st_size, stat.st_mtime_ns]
            kept = self._kept.get(path)
            if isinstance(kept, list) and kept[:-1] == stamp:
                return str(kept[-1])
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"The file {file} can't be read ({error}); choose another.") from error
        self._kept.keep(path, [*stamp, digest])
        return digest

    def of_parts(self, parts: list[str]) -> str:
        """Return one digest of all files that a raster is read from.

        What is no file of this computer (a web address, a database) can't be known to be unchanged: it has
        another digest each time.
        """
        found = hashlib.sha256()
        for part in with_sources(parts):
            if not is_note(part):
                known = self.of_file(Path(part)) if Path(part).is_file() else uuid.uuid4().hex
                found.update(known.encode())
            elif said := said_beside(Path(part)):
                found.update(hashlib.sha256(said).hexdigest().encode())
        return found.hexdigest() if parts else uuid.uuid4().hex
