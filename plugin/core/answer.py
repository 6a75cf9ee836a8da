"""An answer of the engine, from JSON values back to a dataclass."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

T = TypeVar("T")


def made(cls: type[T], raw: dict[str, Any], /, **parts: Any) -> T:
    """Return a ``cls`` of ``raw`` values, of which ``parts`` are made already; unknown ones are ignored.

    Raises
    ------
    TypeError
        A value is missing.
    """
    known = {one.name for one in fields(cls)}  # type: ignore[arg-type]
    plain = {name: _frozen(value) for name, value in raw.items() if name in known and name not in parts}
    return cls(**plain, **parts)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
