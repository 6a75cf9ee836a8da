"""A training config's file: TOML, read, resolved and checked, all faults named at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomllib
from pydantic import ValidationError

from ..files.gdal_names import is_gdal_name
from ..running.errors import InputError, reason_of
from ..running.streams import demand_no_stream
from .config import EVERY_FILE, TrainingConfig
from .config_checks import checked
from .config_faults import Fault, Key, faults_of, without


def read_config(path: Path) -> TrainingConfig:
    """Read and check a training config.

    Parameters
    ----------
    path
        A TOML file; the paths in it are relative to it.

    Raises
    ------
    InputError
        The file can't be read, is no TOML, or has faults: all are named, one a line, each with its dotted key.
    """
    raw = _toml(path)
    faults: list[Fault] = []
    if "folder" in raw:
        faults.append((("folder",), "unknown key"))
        del raw["folder"]
    raw["folder"] = path.resolve().parent
    try:
        config = TrainingConfig.model_validate(raw)
    except ValidationError as error:
        faults += faults_of(error, TrainingConfig)
        config = _what_is_sound(raw)
    config = _resolved(config)
    known = [key for key, _ in faults]
    faults += [fault for fault in checked(config, known) if not _within(fault[0], known)]
    if faults:
        count, them = ("a fault", "it") if len(faults) == 1 else (f"{len(faults)} faults", "them")
        lines = "\n".join(f"  {dotted(key)}: {text}" for key, text in faults)
        raise InputError(f"The config {path} has {count}; fix {them} first:\n{lines}")
    return config


def dotted(key: Key) -> str:
    """Return a key as one writes it: ``sites.source[2].file``, tables of a list counted from 1."""
    text = ""
    for part in key:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _toml(path: Path) -> dict[str, Any]:
    demand_no_stream(str(path), "config")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The config {path} can't be read ({reason_of(error)}); give a TOML file.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, where = str(error).rpartition(" (at ")
        place = where.rstrip(")").replace("end of document", f"line {text.count(chr(10)) + 1}, its end")
        raise InputError(
            f"The config {path} is not TOML at {place} ({what[:1].lower()}{what[1:]}); fix that line."
        ) from error


def _what_is_sound(raw: Mapping[str, Any]) -> TrainingConfig:
    """Return the config without the values that are no good, so that the rest can be checked too."""
    sound: Any = raw
    while True:
        try:
            return TrainingConfig.model_validate(sound)
        except ValidationError as error:
            sound = without(sound, [key for key, _ in faults_of(error, TrainingConfig)])


def _within(key: Key, faulty: list[Key]) -> bool:
    """Tell whether a key, or a table that holds it, is known to be faulty."""
    return any(key[: len(one)] == one for one in faulty)


def _resolved(config: TrainingConfig) -> TrainingConfig:
    """Return the config with absolute files."""

    def at(file: str | None) -> str | None:
        return absolute(file, config.folder) if file else None

    sites = config.sites
    sources = tuple(one.model_copy(update={"file": at(one.file) or ""}) for one in sites.source)
    files = {name: at(getattr(sites, name)) for name in ("train", "test", "background", "area", "bias")}
    modalities = {
        name: one.model_copy(
            update={
                "inputs": tuple(at(file) or "" for file in one.inputs),
                "patches": at(one.patches),
                "nodata": {at(file) or EVERY_FILE: value for file, value in one.nodata.items()},
                "crs": {at(file) or EVERY_FILE: value for file, value in one.crs.items()},
            }
        )
        for name, one in config.modality.items()
    }
    return config.model_copy(
        update={"sites": sites.model_copy(update={**files, "source": sources}), "modality": modalities}
    )


def absolute(file: str, folder: Path) -> str:
    """Return a file's name seen from ``folder``, with bands or a layer's name after it as they were."""
    return file if is_gdal_name(file) else str(folder / file)
