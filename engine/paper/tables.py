"""The two tables that go with a checkpoint: its species, and how its bands were normalised."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...models.card import Band, Species
from ..running.errors import InputError, reason_of

SPECIES_COLUMNS = ("species", "speciesid", "species_id", "name")
BAND_COLUMNS = ("band", "name", "variable", "layer")
DEVIATION_COLUMNS = ("std", "std_dev", "sd", "deviation")
KEYS = {"bioclim": ("env", "env_model"), "environment": ("env", "env_model"), "satellite": ("sat", "sat_model")}
IMAGE_BANDS = ("red", "green", "blue", "nir")  # the order in which the authors' code stacks images
JUDGED = "the validation surveys of the network's authors"

Row = dict[str, str]


def read_species(path: Path, wanted: int) -> tuple[Species, ...]:
    """Return the species of a file in the order of the network's outputs.

    The file has a name a line, or columns with names, of which ``species`` counts (the authors'
    ``best_val_auc_species_auc.csv`` has ``n_occ`` and ``auc`` beside).

    Raises
    ------
    InputError
        There are not ``wanted`` species, or two have one name.
    """
    text = _text(path)
    first = text.partition("\n")[0]
    rows = _rows(text)
    column = next((one for one in SPECIES_COLUMNS if rows and one in rows[0]), None)
    listed = [line.strip() for line in text.splitlines() if line.strip()]
    if column is None and any(mark in first for mark in ",;\t") and len(listed) != wanted:
        raise InputError(f"{path} has no column species; give one, or a file of a name a line.")
    found = rows if column else [{"species": name} for name in listed]
    names = [row[column or "species"] for row in found]
    if len(names) != wanted:
        raise InputError(
            f"{path} names {len(names)} species where the network has {wanted} outputs; give the species in "
            "the order in which it was trained."
        )
    twice = next((name for name in names if not name or names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path} names the species {twice!r} twice, or leaves a name empty; fix the file.")
    return tuple(_species(row, name) for row, name in zip(found, names, strict=True))


def _species(row: Row, name: str) -> Species:
    presences, auc = _number(row.get("n_occ")), _number(row.get("auc"))
    return Species(
        name=name,
        presences=0 if presences is None else int(presences),
        kind="po",
        auc=auc,
        auc_against="" if auc is None else JUDGED,
    )


def read_bands(path: Path, wanted: Mapping[str, int]) -> dict[str, tuple[Band, ...]]:
    """Return the bands of each modality in the order of the network's channels.

    Parameters
    ----------
    path
        A table with the columns ``band``, ``mean`` and ``std``, a row a channel in the network's order, and
        with several modalities ``modality``; else all rows of the first come before those of the second. Images
        may go without ``band``: red, green, blue, nir.
    wanted
        How many bands each modality has.

    Raises
    ------
    InputError
        A column is missing, a number is none, or there are more or fewer bands than ``wanted``.
    """
    rows = _rows(_text(path))
    if not rows:
        raise InputError(f"{path} holds no row; give mean and std of each band.")
    for column in (("mean",), DEVIATION_COLUMNS):
        if not any(name in rows[0] for name in column):
            raise InputError(f"{path} has no column {column[0]}; give mean and std of each band.")
    by_modality = _dealt(path, rows, wanted)
    found = {}
    for modality, number in wanted.items():
        mine = by_modality[modality]
        if len(mine) != number:
            raise InputError(
                f"{path} describes {len(mine)} bands of {modality} where the network has {number}; give a row "
                "for each, in the network's order."
            )
        bands = tuple(_band(path, modality, place, row) for place, row in enumerate(mine))
        names = [band.name for band in bands]
        if len(set(names)) < len(names):
            raise InputError(f"{path} names a band of {modality} twice; name each of them once.")
        found[modality] = bands
    return found


def _dealt(path: Path, rows: Sequence[Row], wanted: Mapping[str, int]) -> dict[str, list[Row]]:
    """Return the rows of each modality."""
    found: dict[str, list[Row]] = {name: [] for name in wanted}
    if "modality" not in rows[0]:
        start = 0
        for place, (name, number) in enumerate(wanted.items()):
            last = place == len(wanted) - 1
            found[name] = list(rows[start:] if last else rows[start : start + number])
            start += number
        return found
    by_key = {key: name for name in wanted for key in (name, *KEYS[name])}
    for row in rows:
        mine = by_key.get(row["modality"].lower())
        if mine is None:
            raise InputError(
                f"{path} describes a band of {row['modality']!r}, which the network lacks; use "
                f"{', '.join(wanted)}."
            )
        found[mine].append(row)
    return found


def _band(path: Path, modality: str, place: int, row: Row) -> Band:
    name = next((row[column] for column in BAND_COLUMNS if row.get(column)), "")
    if not name and modality == "satellite" and place < len(IMAGE_BANDS):
        name = IMAGE_BANDS[place]
    if not name:
        raise InputError(
            f"{path} does not name band {place + 1} of {modality}; add a column band, in the order of the "
            "network's channels, so that rasters can be matched."
        )
    mean = _number(row["mean"])
    std = next((_number(row[column]) for column in DEVIATION_COLUMNS if column in row), None)
    if mean is None or std is None or std <= 0:
        raise InputError(f"{path} gives no mean or no positive std for {name} of {modality}; fix that row.")
    return Band(
        name=name,
        mean=mean,
        std=std,
        fill=mean,
        description=row.get("description", ""),
        unit=row.get("unit", ""),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} can't be read as text ({reason_of(error)}); choose another file.") from error


def _rows(text: str) -> list[Row]:
    """Return the rows of a table by its column names in lower case; commas, semicolons or tabs between."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=delimiter, restval=""))
    except csv.Error:
        return []
    return [{k.strip().lower(): str(v).strip() for k, v in row.items() if k is not None} for row in rows]


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
