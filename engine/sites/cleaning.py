"""What was left out of the tables, why, and how often: the report of cleaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..tables.cells import Rows
from .site_table import Floats


@dataclass(frozen=True)
class Dropped:
    """Records of ``table`` left out for ``reason``, how many, and one of them."""

    table: str
    reason: str
    count: int
    example: str


@dataclass
class Cleaning:
    """What cleaning did, in the order in which it was done.

    Attributes
    ----------
    dropped
        Records left out.
    read
        Records read, by table.
    thinned
        By species of presence-only tables: presences before and after thinning.
    left_out
        Species left out for too few records, and how many they had.
    warnings
        Sentences about what was kept all the same.
    """

    dropped: list[Dropped] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    thinned: dict[str, tuple[int, int]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def drop(self, table: str, reason: str, count: int, example: str) -> None:
        """Note that ``count`` records were left out; none is no news."""
        if count:
            self.dropped.append(Dropped(table, reason, int(count), example))

    def count(self, reason: str) -> int:
        """Return how many records were left out for a reason, over all tables."""
        return sum(one.count for one in self.dropped if one.reason == reason)

    def thinning(self) -> str:
        """Return in brackets how many presences thinning left, for a message; nothing where it left all."""
        before, after = self._thinned()
        return f" (thinning kept {after:,} of {before:,} presences)" if after < before else ""

    def _thinned(self) -> tuple[int, int]:
        """Return presences before and after thinning, of all species."""
        before, after = (sum(pair[i] for pair in self.thinned.values()) for i in (0, 1))
        return before, after

    def sentences(self) -> list[str]:
        """Return the report for a person, a sentence each."""
        said = [f"{table}: {number:,} records read." for table, number in self.read.items()]
        said += [
            f"{one.table}: {one.count:,} left out, {one.reason}"
            + (f" ({one.example})." if one.example else ".")
            for one in self.dropped
        ]
        if self.thinned:
            before, after = self._thinned()
            said.append(f"Thinning kept {after:,} of {before:,} presences of {len(self.thinned):,} species.")
        if self.left_out:
            said.append(f"{_named(self.left_out)} left out for too few records.")
        return said + self.warnings


def example_at(x: Floats, y: Floats, where: Rows) -> str:
    """Return the first of several places, for a person; nothing where there is none."""
    if not where.any():
        return ""
    first = int(np.argmax(where))
    return f"for example at {x[first]:.10g}, {y[first]:.10g}"


def _named(counts: dict[str, int], shown: int = 5) -> str:
    """Return the names of a few species with their counts, and how many more there are."""
    names = [f"{name} ({count})" for name, count in list(counts.items())[:shown]]
    more = len(counts) - len(names)
    verb = "was" if len(counts) == 1 else "were"
    return listed(names, more) + f" {verb}"


def listed(names: Sequence[str], more: int = 0) -> str:
    """Return names joined for a sentence, with the number of those not named."""
    return ", ".join(names) + (f" and {more:,} more" if more else "")
