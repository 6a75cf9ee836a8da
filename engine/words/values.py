"""What people type on the command line, as values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from ..protocol import NoData, RasterInput, Scenario, joined_nodata, nodata_of_text
from ..running.errors import InputError, reason_of
from ..running.streams import demand_no_stream

UNITS = {"": 1, "B": 1, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3, "KB": 10**3, "MB": 10**6, "GB": 10**9}


def input_of(text: str) -> RasterInput:
    """Return the input that ``MODALITY=FILE`` or ``MODALITY=FILE#2,3`` names."""
    modality, equals, file = text.partition("=")
    if not equals or not modality or not file:
        raise InputError(f"The input {text!r} is not MODALITY=FILE; write for example satellite=scene.tif.")
    match = re.fullmatch(r"(?s)(.+)#(\d+(?:,\d+)*)", file)
    if match:
        return RasterInput(modality, match[1], tuple(int(band) for band in match[2].split(",")))
    return RasterInput(modality, file)


def extent_of(text: str | None) -> tuple[float, float, float, float] | None:
    """Return the box that ``XMIN,YMIN,XMAX,YMAX`` names, or None for None."""
    if text is None:
        return None
    try:
        left, bottom, right, top = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"The extent {text!r} is not XMIN,YMIN,XMAX,YMAX; write four numbers with commas between."
        ) from error
    return left, bottom, right, top


def scales_of(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return scales by modality from ``MODALITY=25,59`` or ``MODALITY=none``."""
    found: dict[str, tuple[int, ...]] = {}
    for text in texts:
        modality, equals, scales = text.partition("=")
        try:
            found[modality] = () if scales == "none" else tuple(int(s) for s in scales.split(","))
        except ValueError:
            equals = ""
        if not equals:
            raise InputError(
                f"The scales {text!r} are not MODALITY=SCALES; write for example satellite=25,59 or "
                "bioclim=none."
            )
    return found


def nodata_of(texts: Sequence[str]) -> dict[str, NoData]:
    """Return what means NoData by file from ``FILE=VALUE`` or ``FILE=LOW..HIGH``; a file's values add up."""
    found: dict[str, list[NoData]] = {}
    for text in texts:
        file, _, value = text.rpartition("=")
        try:
            if not file:
                raise ValueError("no file")
            found.setdefault(file, []).append(nodata_of_text(value))
        except ValueError as error:
            raise InputError(
                f"The NoData value {text!r} is not FILE=VALUE or FILE=LOW..HIGH with finite numbers; write for "
                "example bio1.tif=0 or modis.tif=249..255 (NaN is NoData anyway)."
            ) from error
    return {file: joined_nodata(values) for file, values in found.items()}


def file_crs_of(texts: Sequence[str]) -> dict[str, str]:
    """Return the CRS by file from ``FILE=CRS``."""
    found: dict[str, str] = {}
    for text in texts:
        spelt = re.fullmatch(r"(?s)(.+?)=(\+[a-z]+=.+|[A-Z]+\[.+)", text)  # PROJ and WKT, which may hold "="
        file, _, crs = (spelt[1], "=", spelt[2]) if spelt else text.rpartition("=")
        if not file or not crs:
            raise InputError(f"The CRS {text!r} is not FILE=CRS; write for example bio1.tif=EPSG:4326.")
        if found.setdefault(file, crs) != crs:
            raise InputError(f"{file} is given two CRSs, {found[file]} and {crs}; give it one.")
    return found


def products_of(text: str) -> tuple[str, ...]:
    """Return the products that ``probability,binary`` names, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def scenario_of(text: str) -> Scenario:
    """Return the scenario that ``NAME[@DATE]:MODALITY=FILE;MODALITY=FILE`` names."""
    head, colon, files = text.partition(":")
    name, _, date = head.partition("@")
    if not colon or not name.strip() or not files.strip():
        raise InputError(
            f"The scenario {text!r} is not NAME[@DATE]:MODALITY=FILE; write for example "
            "2050@2050-01-01:bioclim=bioclim_2050.tif, with semicolons between files."
        )
    if date:
        try:
            datetime.fromisoformat(date)
        except ValueError as error:
            raise InputError(
                f"The date {date!r} of scenario {name} is none; write for example 2050-01-01."
            ) from error
    return Scenario(name.strip(), tuple(input_of(one.strip()) for one in files.split(";")), date)


def memory_of(text: str) -> int:
    """Return bytes from ``2GiB``, ``500 MiB`` or a number of bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", text)
    if match is None or match[2].upper() not in UNITS:
        raise InputError(f"The memory budget {text!r} isn't a valid size; write for example 2GiB or 500MiB.")
    return int(float(match[1]) * UNITS[match[2].upper()])


def species_in(file: Path | None) -> list[str]:
    """Return the names in a file, one a line; empty lines and those that start with # do not count."""
    if file is None:
        return []
    demand_no_stream(str(file), "species file")
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The species file {file} can't be read ({reason_of(error)}); give a text file."
        ) from error
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise InputError(f"The species file {file} names no species; write one name a line.")
    return names
