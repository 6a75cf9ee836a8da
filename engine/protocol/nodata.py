"""What means NoData in a file beside what it says itself: numbers and ranges. Standard library alone."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from typing import Any, Union

Range = tuple[float, float]
NoData = Union[float, tuple[Union[float, Range], ...]]
"""A number, or several numbers and ranges (both ends belong to a range); as the file stores them."""

_RANGE = re.compile(r"(.+?)\.\.(.+)")
_MOST = sys.float_info.max  # stands for infinity, which JSON does not know


def ranges_of(nodata: NoData) -> tuple[Range, ...]:
    """Return the ranges that mean NoData, each number as a range of its own, in order and without repeats."""
    parts = nodata if isinstance(nodata, tuple) else (nodata,)
    return tuple(sorted({part if isinstance(part, tuple) else (part, part) for part in parts}))


def joined_nodata(several: Iterable[NoData]) -> NoData:
    """Return as one what several values mean together; a single number stays one."""
    parts = tuple(low if low == high else (low, high) for low, high in ranges_of(tuple(
        part for one in several for part in (one if isinstance(one, tuple) else (one,))
    )))  # fmt: skip
    return parts[0] if len(parts) == 1 and not isinstance(parts[0], tuple) else parts


def nodata_of_text(text: str) -> NoData:
    """Return what ``-9999``, ``249..255`` or several of them with blanks between mean.

    Raises
    ------
    ValueError
        It is no number, not finite (NaN is NoData anyway), or a range whose first end is the larger one.
    """
    found = [_part(one) for one in text.replace(";", " ").split()]
    if not found:
        raise ValueError("no number")
    return joined_nodata(found)


def nodata_of_json(value: Any) -> NoData:
    """Return what a JSON value means: a number, or a list of numbers and pairs. Raise ValueError for others."""
    if not isinstance(value, (list, tuple)):
        return _number(value)
    return joined_nodata([_pair(one) if isinstance(one, (list, tuple)) else _number(one) for one in value])


def nodata_text(nodata: NoData) -> str:
    """Return NoData as ``nodata_of_text`` reads it."""
    return " ".join(
        f"{low:.17g}" if low == high else f"{low:.17g}..{high:.17g}" for low, high in ranges_of(nodata)
    )


def _part(text: str) -> NoData:
    match = _RANGE.fullmatch(text)
    if match is None:
        return _number(float(text))
    return _pair([max(-_MOST, min(_MOST, float(end))) for end in match.groups()])


def _pair(value: Any) -> NoData:
    low, high = (_number(end) for end in value)
    if low > high:
        raise ValueError(f"{low:g} is larger than {high:g}")
    return ((low, high),)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)
