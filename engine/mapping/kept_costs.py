"""What mapping costs, counted once for each shape of a network and kept on disk.

Counting loads a good part of torch that mapping does not need, and takes seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch

from ...models import cost
from ...models.architecture import Architecture
from ...models.cost import ColumnCost, ColumnCosts, Cost
from ..files.cache_folder import cache_folder
from ..files.kept_values import KeptValues

FILE = "costs.json"
One = TypeVar("One", Cost, ColumnCost)


@cache
def column_costs(
    architecture: Architecture, name: str, step: int, scales: tuple[int, ...], frozen: bool = True
) -> ColumnCosts:
    """Return the costs of columns of one modality at a step, as ``models.cost.column_costs`` counts them."""
    counted = cost.column_costs(architecture, name, step, scales, frozen)

    def count(columns: int, strip: int) -> ColumnCost:
        what = (asdict(architecture), name, step, scales, frozen, columns, strip)
        return _kept(what, ColumnCost, lambda: counted.count(columns, strip))

    return ColumnCosts(count)


@cache
def patch_cost(architecture: Architecture, name: str, scales: tuple[int, ...]) -> Cost:
    """Return the cost of one window of one modality, as ``models.cost.patch_cost`` counts it."""
    what = (asdict(architecture), name, scales)
    return _kept(what, Cost, lambda: cost.patch_cost(architecture, name, scales))


def _kept(what: Any, kind: type[One], count: Callable[[], One]) -> One:
    """Return what is kept of ``what``, else count and keep it."""
    values = KeptValues(cache_folder() / FILE)
    key = hashlib.sha256(json.dumps(what).encode() + _counting()).hexdigest()[:32]
    try:
        return kind(**values.get(key))
    except TypeError:  # none there, or of other fields
        found = count()
        values.keep(key, asdict(found))
        return found


@cache
def _counting() -> bytes:
    """Return what stands for the way of counting, torch's version and our layers: no count outlives it."""
    files = sorted(Path(cost.__file__).parent.glob("*.py"))
    return torch.__version__.encode() + b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)
