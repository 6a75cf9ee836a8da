"""Names and numbers in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, one: str, several: str = "") -> str:
    """Return a number and what it counts: ``1 row``, ``1,200 rows``; ``several`` where no s makes the
    plural."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def listed(names: Sequence[str], most: int, between: str = ", ") -> str:
    """Return at most so many of the names, and how many more there are: ``a, b and 3 more``."""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more} more" if more > 0 else "")
