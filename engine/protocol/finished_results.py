"""What the jobs on finished maps answer; the keys of their JSON. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScenarioMaps:
    """The maps of one scenario: where they are, and which modalities were held at today."""

    name: str
    date: str
    folder: str
    held: tuple[str, ...]
    files: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ScenariosResult:
    """What a scenarios job made, in the order asked for."""

    scenarios: tuple[ScenarioMaps, ...]


@dataclass(frozen=True)
class AreasResult:
    """What an areas job found: the files, and the rows of areas.csv."""

    files: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ProductsResult:
    """What a products job made."""

    files: tuple[str, ...]
    width: int
    height: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class OdmapResult:
    """What an odmap job wrote: how many elements have an answer, and how many the author must still give."""

    files: tuple[str, ...]
    answered: int
    left: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class AssessResult:
    """What surveyed points say about a map.

    ``figures`` gives ``auc``, ``average_precision``, ``tss`` (at ``threshold``), ``boyce`` and ``brier``, each
    with ``value``, ``low`` and ``high`` of its 95 % interval, None where there is none. ``rule`` says where
    the threshold comes from. ``outcomes`` counts hits, misses, false alarms and correct rejections at it.
    ``calibration_error`` is the mean absolute difference between found and predicted shares, None where the
    map claims no probability of presence.
    """

    files: tuple[str, ...]
    species: str
    n_presence: int
    n_absence: int
    n_blocks: int
    figures: dict[str, dict[str, float | None]]
    threshold: float
    rule: str
    outcomes: dict[str, int]
    calibration_error: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class CompareResult:
    """What a compare job found.

    ``km2`` gives the area of ``stable present``, ``loss``, ``gain`` and ``stable absent`` at the thresholds of
    ``rule``; ``only_one_km2`` that of pixels with a value in one map alone, which count nowhere else.
    ``mean_difference`` is that of the values (second minus first), weighed by area.
    """

    files: tuple[str, ...]
    species: str
    rule: str
    threshold_before: float
    threshold_after: float
    km2: dict[str, float]
    only_one_km2: float
    mean_difference: float
    warnings: tuple[str, ...]
