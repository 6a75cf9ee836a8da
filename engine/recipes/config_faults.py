"""Pydantic's complaints about a config in plain words."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Key = tuple[str | int, ...]
Fault = tuple[Key, str]

WORDS = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list in square brackets",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Return every complaint with its key: what the value must be and what it is, for a person."""
    return [(tuple(one["loc"]), _in_words(one, model)) for one in error.errors()]


def suggestion(given: str, known: Sequence[str]) -> str:
    """Return ``did you mean X?`` where a known name is near, else the names there are."""
    near = difflib.get_close_matches(given, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def without(raw: Any, keys: Sequence[Key]) -> Any:
    """Return nested tables and lists without the values of ``keys``."""
    if isinstance(raw, dict):
        return {
            name: without(value, [key[1:] for key in keys if key[0] == name])
            for name, value in raw.items()
            if (name,) not in keys
        }
    if isinstance(raw, list):
        return [
            without(value, [key[1:] for key in keys if key[0] == place])
            for place, value in enumerate(raw)
            if (place,) not in keys
        ]
    return raw


def _in_words(one: ErrorDetails, model: type[BaseModel]) -> str:
    kind, given, context = one["type"], one["input"], one.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {suggestion(str(one['loc'][-1]), _fields_at(model, one['loc'][:-1]))}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        known = [part.strip().strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]
        near = difflib.get_close_matches(given, known, 1) if isinstance(given, str) else []
        return f"must be one of {', '.join(known)}, not {given!r}" + (
            f"; did you mean {near[0]}?" if near else ""
        )
    words = WORDS.get(kind, one["msg"])
    return f"{words.format(**context)}, not {_shown(given)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    return repr(value)


def _fields_at(model: type[BaseModel], key: Key) -> list[str]:
    """Return the names that the table at ``key`` may hold."""
    inside: Any = model
    for part in key:
        if isinstance(inside, type) and issubclass(inside, BaseModel):
            inside = inside.model_fields[str(part)].annotation
        else:  # the parameter of dict[str, X] or tuple[X, ...]
            inside = next(a for a in get_args(inside) if a is not str and a is not ...)
    return [name for name in inside.model_fields if name != "folder"]
