"""The files on this computer behind a name that GDAL opens, and what they say beside pixels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import rasterio
from rasterio.errors import RasterioError

from ..running.errors import InputError, reason_of
from .aside import BESIDE

VIRTUAL = ".vrt"
ARCHIVES = re.compile(r"/vsi(?:zip|tar|gzip|7z|rar|subfile|sparse)/(?:\d+_\d+,)?")
QUOTED = re.compile(r'"([^"]+)"')
SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")
MOST = 10_000  # files of a folder that is opened as one
# What GDAL and QGIS note there when a raster is merely looked at, and elements that are empty without it.
NOTES = re.compile(
    rb"<MDI key=\"STATISTICS_[^\"]*\">[^<]*</MDI>|<Histograms>.*?</Histograms>|\s+"
    rb"|<(Metadata|PAMRasterBand|PAMDataset)[^>]*></\1>",
    re.DOTALL,
)


def local_files(name: str) -> list[Path]:
    """Return the files that a path or a name of GDAL's stands for; none for what lies elsewhere.

    That of an archive is the archive, that of a folder (a file geodatabase) are those in it, and a shapefile is
    several.
    """
    path = Path(name)
    if not name:
        return []
    if name.startswith("/vsi"):
        inner = ARCHIVES.sub("", name).replace("{", "").replace("}", "")
        path = Path(inner)
        found = next((one for one in (path, *path.parents) if _is_file(one)), None)
        return [] if found is None else [found]
    if _is_file(path):
        if path.suffix.lower() != SHAPEFILE[0]:
            return [path]
        return [path, *(one for end in SHAPEFILE[1:] if _is_file(one := path.with_suffix(end)))]
    if _is_folder(path):
        return [one for one in islice(path.rglob("*"), MOST) if one.is_file()]
    parts = [*QUOTED.findall(name), *name.split(":")[1:]]
    return [one for one in map(Path, parts) if _is_file(one)][:1]


def with_sources(parts: Iterable[str]) -> list[str]:
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
                raise InputError(f"The raster {part} can't be opened ({error}); repair it.") from error
    return list(found)


def said_beside(file: Path) -> bytes:
    """Return what GDAL's notes beside a raster say of its values, such as NoData: all but statistics."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(f"The file {file} can't be read ({reason_of(error)}); choose another.") from error
    while (shorter := NOTES.sub(b"", text)) != text:
        text = shorter
    return text


def is_note(file: str) -> bool:
    """Tell whether a file holds GDAL's notes beside a raster."""
    return file.endswith(BESIDE)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or none at all
        return False
