"""The text parameters of the map algorithm, read and checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...engine.protocol import RasterInput
from ...models.card import Card
from ..core.translation import tr


class OptionError(ValueError):
    """A parameter that can't be used; the message is one sentence."""


def entries(value: Any) -> list[str]:
    """Return the entries of a parameter: a list, or text with one a line or separated by semicolons."""
    if value is None:
        return []
    parts = value if isinstance(value, (list, tuple)) else [value]
    found = [piece.strip() for part in parts for piece in re.split(r"[;\n]", str(part))]
    return [piece for piece in found if piece]


def inputs(value: Any, card: Card) -> tuple[RasterInput, ...]:
    """Read ``MODALITY=FILE`` or ``MODALITY=FILE#2,3``."""
    found = []
    for entry in entries(value):
        modality, equals, rest = entry.partition("=")
        modality, rest = modality.strip(), rest.strip()
        if not equals or not rest:
            said = tr("“{}” is no input; write MODALITY=FILE or MODALITY=FILE#2,3.")
            raise OptionError(said.format(entry))
        _modality(modality, card)
        file, bands = rest, ()
        match = re.fullmatch(r"(.+)#(\d+(?:\s*,\s*\d+)*)", rest)
        if match:
            file, bands = match.group(1), tuple(int(number) for number in match.group(2).split(","))
        if not file.startswith("/vsi") and ":" not in file[2:] and not Path(file).exists():
            raise OptionError(tr("The input {} does not exist.").format(file))
        found.append(RasterInput(modality, file, bands))
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
    """Read ``MODALITY=25,59`` or ``MODALITY=none``."""
    found: dict[str, tuple[int, ...]] = {}
    for entry in entries(value):
        name, equals, rest = (part.strip() for part in entry.partition("="))
        modality = _modality(name, card)
        if rest.lower() == "none":
            found[name] = ()
            continue
        try:
            on = tuple(sorted({int(number) for number in rest.split(",")}))
        except ValueError as error:
            said = tr("“{}” names no scales; write MODALITY=25,59 or MODALITY=none.")
            raise OptionError(said.format(entry)) from error
        unknown = [scale for scale in on if scale not in modality.scales]
        if unknown or not equals:
            have = ", ".join(str(scale) for scale in modality.scales)
            raise OptionError(tr("{} has no scale {}; it has {}.").format(name, unknown[0], have))
        found[name] = on
    if found and all(not found.get(one.name, one.scales) for one in card.modalities):
        raise OptionError(tr("All scales are off; switch on at least one."))
    return found


def nodata(value: Any) -> dict[str, float]:
    """Read ``FILE=VALUE``."""
    found: dict[str, float] = {}
    for entry in entries(value):
        file, _, number = entry.rpartition("=")
        try:
            found[file.strip()] = float(number)
        except ValueError as error:
            raise OptionError(tr("“{}” is no NoData value; write FILE=VALUE.").format(entry)) from error
        if not file.strip():
            raise OptionError(tr("“{}” is no NoData value; write FILE=VALUE.").format(entry))
    return found


def _modality(name: str, card: Card) -> Any:
    try:
        return card.modality(name)
    except KeyError as error:
        have = ", ".join(one.name for one in card.modalities)
        raise OptionError(tr("The model has no modality “{}”; it has {}.").format(name, have)) from error


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (tr(" and {} more").format(more) if more > 0 else "")
