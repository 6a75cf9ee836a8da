"""What files hold, as digests; a file is read again only when its size or time has changed."""

from __future__ import annotations

import hashlib
import re
import uuid
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError

from ..aside import BESIDE
from ..cache_folder import cache_folder
from ..errors import InputError
from ..kept_values import KeptValues

VIRTUAL = ".vrt"
# What GDAL and QGIS note there when a raster is merely looked at, and elements that are empty without it.
NOTES = re.compile(
    rb"<MDI key=\"STATISTICS_[^\"]*\">[^<]*</MDI>|<Histograms>.*?</Histograms>|\s+"
    rb"|<(Metadata|PAMRasterBand|PAMDataset)[^>]*></\1>",
    re.DOTALL,
)


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
        for part in _with_sources(parts):
            if not part.endswith(BESIDE):
                known = self.of_file(Path(part)) if Path(part).is_file() else uuid.uuid4().hex
                found.update(known.encode())
            elif said := _said_beside(Path(part)):
                found.update(hashlib.sha256(said).hexdigest().encode())
        return found.hexdigest() if parts else uuid.uuid4().hex


def _said_beside(file: Path) -> bytes:
    """Return what GDAL's notes beside a raster say of its values, such as NoData: all but statistics."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(f"The file {file} can't be read ({error}); choose another.") from error
    while (shorter := NOTES.sub(b"", text)) != text:
        text = shorter
    return text


def _with_sources(parts: list[str]) -> list[str]:
    """Return files and the sources of virtual rasters among them, theirs too."""
    found: dict[str, None] = {}
    waiting = list(parts)
    while waiting:
        part = waiting.pop(0)
        if part in found:
            continue
        found[part] = None
        if part.lower().endswith(VIRTUAL):
            try:
                with rasterio.open(part) as virtual:
                    waiting += [str(file) for file in virtual.files]
            except RasterioError as error:
                raise InputError(f"The raster {part} can't be opened ({error}); mend it.") from error
    return list(found)
