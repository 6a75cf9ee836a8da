"""Whether values read from JSON have the types that a dataclass declares. Standard library alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Optional


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no double holds
        return False


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(key, str) for key in value)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(fits(item) for item in value)


def _mapping_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: _is_mapping(value) and all(fits(item) for item in value.values())


# By the annotation as it is written; what is not listed here is not checked.
_FITS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "str": (_is_text, "text"),
    "int": (_is_whole, "a whole number"),
    "float": (_is_number, "a finite number"),
    "bool": (_is_flag, "true or false"),
    "tuple[str, ...]": (_list_of(_is_text), "a list of texts"),
    "tuple[int, ...]": (_list_of(_is_whole), "a list of whole numbers"),
    "tuple[float, ...]": (_list_of(_is_number), "a list of finite numbers"),
    "tuple[float, float]": (
        lambda value: _list_of(_is_number)(value) and len(value) == 2,
        "two finite numbers",
    ),
    "tuple[float, float, float, float]": (
        lambda value: _list_of(_is_number)(value) and len(value) == 4,
        "four finite numbers",
    ),
    "dict[str, Any]": (_is_mapping, "an object"),
    "dict[str, str]": (_mapping_of(_is_text), "an object of texts"),
    "dict[str, float]": (_mapping_of(_is_number), "an object of finite numbers"),
    "dict[str, tuple[int, ...]]": (_mapping_of(_list_of(_is_whole)), "an object of lists of whole numbers"),
}


def misfit(cls: type, values: dict[str, Any]) -> Optional[str]:
    """Return in words the first of ``values`` that is not of the type that ``cls`` declares, or None."""
    for one in fields(cls):
        if one.name not in values:
            continue
        annotation, value = str(one.type), values[one.name]
        if annotation.startswith("Optional["):
            if value is None:
                continue
            annotation = annotation[len("Optional[") : -1]
        if annotation in _FITS and not _FITS[annotation][0](value):
            return f"{one.name} is not {_FITS[annotation][1]}"
    return None
