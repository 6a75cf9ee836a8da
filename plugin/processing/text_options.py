"""What several algorithms read from text: entries, files by modality, scales by modality."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ...engine.protocol import RasterInput
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


def named_files(value: Any) -> list[RasterInput]:
    """Read ``MODALITY=FILE`` or ``MODALITY=FILE#2,3``."""
    found = []
    for entry in entries(value):
        modality, equals, rest = (part.strip() for part in entry.partition("="))
        if not equals or not modality or not rest:
            said = tr("“{}” is no input; write MODALITY=FILE or MODALITY=FILE#2,3.")
            raise OptionError(said.format(entry))
        file, bands = rest, ()
        match = re.fullmatch(r"(.+)#(\d+(?:\s*,\s*\d+)*)", rest)
        if match:
            file, bands = match.group(1), tuple(int(number) for number in match.group(2).split(","))
        if not file.startswith("/vsi") and ":" not in file[2:] and not Path(file).exists():
            raise OptionError(tr("The input {} does not exist.").format(file))
        found.append(RasterInput(modality, file, bands))
    return found


def named_scales(value: Any) -> dict[str, tuple[int, ...]]:
    """Read ``MODALITY=25,59`` or ``MODALITY=none``; each modality's scales are sorted."""
    found: dict[str, tuple[int, ...]] = {}
    for entry in entries(value):
        name, equals, rest = (part.strip() for part in entry.partition("="))
        if equals and rest.lower() == "none":
            found[name] = ()
            continue
        try:
            found[name] = tuple(sorted({int(number) for number in rest.split(",")}))
        except ValueError as error:
            said = tr("“{}” names no scales; write MODALITY=25,59 or MODALITY=none.")
            raise OptionError(said.format(entry)) from error
    return found
