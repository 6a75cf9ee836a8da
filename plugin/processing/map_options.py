"""The text parameters of the map algorithm, read and checked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ...engine.protocol import NoData, RasterInput, Scenario, joined_nodata, nodata_of_text
from ...models.card import Card
from ..core.translation import tr
from .text_options import OptionError, entries, named_files, named_scales


def inputs(value: Any, card: Card) -> tuple[RasterInput, ...]:
    """Read ``MODALITY=FILE`` or ``MODALITY=FILE#2,3`` for modalities of the card."""
    found = named_files(value)
    for one in found:
        _modality(one.modality, card)
    return tuple(found)


def species(value: Any, card: Card) -> tuple[str, ...]:
    """Read names of species of the card; none means all."""
    known = [one.name for one in card.species]
    names = entries(value)
    for name in names:
        if name not in known:
            said = tr("The model does not know the species “{}”; it knows {}.")
            raise OptionError(said.format(name, _some(known)))
    return tuple(dict.fromkeys(names))


def scales(value: Any, card: Card) -> dict[str, tuple[int, ...]]:
    """Read ``MODALITY=25,59`` or ``MODALITY=none`` for modalities and scales of the card."""
    found = named_scales(value)
    for name, on in found.items():
        modality = _modality(name, card)
        unknown = [scale for scale in on if scale not in modality.scales]
        if unknown:
            have = ", ".join(str(scale) for scale in modality.scales)
            raise OptionError(tr("{} has no scale {}; it has {}.").format(name, unknown[0], have))
    if found and all(not found.get(one.name, one.scales) for one in card.modalities):
        raise OptionError(tr("All scales are off; switch on at least one."))
    return found


def nodata(value: Any) -> dict[str, NoData]:
    """Read ``FILE=VALUE`` or ``FILE=LOW..HIGH``; what is said of one file adds up."""
    found: dict[str, NoData] = {}
    for entry in entries(value):
        file, _, number = entry.rpartition("=")
        file = file.strip()
        try:
            if not file:
                raise ValueError("no file")
            new = nodata_of_text(number)
        except ValueError as error:
            said = tr("“{}” is no NoData value; write FILE=VALUE or FILE=249..255.")
            raise OptionError(said.format(entry)) from error
        found[file] = joined_nodata([found[file], new]) if file in found else new
    return found


def file_crs(value: Any) -> dict[str, str]:
    """Read ``FILE=CRS``."""
    found: dict[str, str] = {}
    for entry in value if isinstance(value, (list, tuple)) else str(value or "").splitlines():
        file, _, crs = (part.strip() for part in str(entry).rpartition("="))
        if not str(entry).strip():
            continue
        if not file or not crs or found.setdefault(file, crs) != crs:
            said = tr("“{}” is no CRS of a file; write FILE=EPSG:4326, each file once.")
            raise OptionError(said.format(str(entry).strip()))
    return found


def scenarios(value: Any, card: Card) -> tuple[Scenario, ...]:
    """Read ``NAME[@DATE]:MODALITY=FILE;MODALITY=FILE``, one a line, for modalities of the card."""
    lines = value if isinstance(value, (list, tuple)) else str(value or "").splitlines()
    found = [_scenario(str(line), card) for line in lines if str(line).strip()]
    if not found:
        raise OptionError(tr("Name at least one scenario; write NAME@DATE:MODALITY=FILE."))
    names = [one.name for one in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise OptionError(tr("Two scenarios are called “{}”; rename one.").format(twice))
    return tuple(found)


def _scenario(line: str, card: Card) -> Scenario:
    head, _, files = line.partition(":")
    name, _, date = (part.strip() for part in head.partition("@"))
    if not name or not files.strip():
        said = tr("“{}” is no scenario; write NAME:MODALITY=FILE or NAME@2050-01-01:MODALITY=FILE.")
        raise OptionError(said.format(line.strip()))
    if date:
        try:
            datetime.fromisoformat(date)
        except ValueError as error:
            said = tr("“{}” is no date of the scenario {}; write for example 2050-01-01.")
            raise OptionError(said.format(date, name)) from error
    return Scenario(name, inputs(files, card), date)


def _modality(name: str, card: Card) -> Any:
    try:
        return card.modality(name)
    except KeyError as error:
        have = ", ".join(one.name for one in card.modalities)
        raise OptionError(tr("The model has no modality “{}”; it has {}.").format(name, have)) from error


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (tr(" and {} more").format(more) if more > 0 else "")
