"""Writes TOML (https://toml.io/en/v1.0.0), which Python reads but does not write. Standard library alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')


def toml_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return tables as TOML.

    Parameters
    ----------
    tables
        By their dotted names (``modality.bioclim``), in order. Values are text, numbers, booleans, or lists of
        these; None is left out.

    Raises
    ------
    TypeError
        A value is nothing that TOML has.
    """
    blocks = []
    for name, values in tables.items():
        head = ".".join(_key(part) for part in name.split("."))
        lines = [f"{_key(key)} = {_value(value)}" for key, value in values.items() if value is not None]
        blocks.append("\n".join((f"[{head}]", *lines)) + "\n")
    return "\n".join(blocks)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{value} is no number for a config")
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_value(one) for one in value)}]"
    raise TypeError(f"{value!r} can't be written as TOML")


def _text(text: str) -> str:
    """Return a basic string: in quotes, with quotes, backslashes and control characters escaped."""
    return (
        '"'
        + _ESCAPED.sub(lambda found: _SHORT.get(found.group()) or f"\\u{ord(found.group()):04X}", text)
        + '"'
    )
