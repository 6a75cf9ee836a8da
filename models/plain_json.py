"""JSON of strangers, taken only where every reader would take it alike. Standard library alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

DEEPEST = 32  # lists and objects in each other
MOST_DIGITS = 18  # of a whole number; more do not fit 64 bits


def plain_json(text: str) -> Any:
    """Return the values of a JSON text.

    Raises
    ------
    ValueError
        It is no JSON, or it holds what another reader may not take, or takes for something else: NaN or
        Infinity, numbers that no double or 64-bit integer holds, a name twice in one object, half of a
        surrogate pair, or values nested deeper than ``DEEPEST``.
    """
    try:
        values = json.loads(
            text,
            parse_constant=_refused,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_object,
        )
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"it is nested deeper than {DEEPEST} levels, or too large") from error
    _check(values)
    return values


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {shortened(digits)} is too large")
    return number


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"the number {shortened(digits)} is too large")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{shortened(twice)!r} stands twice in one object")
    return found


def _check(values: Any) -> None:
    """Raise ValueError where values are nested too deep, or a text is none in UTF-8."""
    level = [values]
    for _ in range(DEEPEST):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, str):
                if not one.isascii():
                    one.encode("utf-8")  # UnicodeEncodeError is a ValueError
            elif isinstance(one, dict):
                deeper += one.keys()
                deeper += one.values()
            elif isinstance(one, list):
                deeper += one
        if not deeper:
            return
        level = deeper
    raise ValueError(f"it is nested deeper than {DEEPEST} levels")


def shortened(text: str, most: int = 60) -> str:
    """Return a text that fits into a sentence."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
