"""The engine's answers about scales, from JSON values back to dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from ...engine.scale_results import (
    BandValue,
    BranchProfile,
    Contribution,
    Dominant,
    EffectsResult,
    InspectResult,
    Patch,
    ProfileResult,
    Ranked,
    SpeciesProfile,
)

T = TypeVar("T")


def inspect_result(values: dict[str, Any]) -> InspectResult:
    """Return the answer at a point; raise KeyError or TypeError where it can't be understood."""
    return _made(
        InspectResult,
        values,
        contributions=_all(Contribution, values["contributions"]),
        top=_all(Ranked, values["top"]),
        patches=_all(Patch, values.get("patches", ())),
        values=_all(BandValue, values.get("values", ())),
    )


def effects_result(values: dict[str, Any]) -> EffectsResult:
    """Return what an effects job did; raise KeyError or TypeError where it can't be understood."""
    return _made(EffectsResult, values)


def profile_result(values: dict[str, Any]) -> ProfileResult:
    """Return what a profile job found; raise KeyError or TypeError where it can't be understood."""
    species = tuple(
        _made(
            SpeciesProfile,
            one,
            dominant=_made(Dominant, one["dominant"]),
            branches=_all(BranchProfile, one["branches"]),
        )
        for one in values["species"]
    )
    return _made(ProfileResult, values, species=species)


def _all(cls: type[T], items: Sequence[dict[str, Any]]) -> tuple[T, ...]:
    return tuple(_made(cls, item) for item in items)


def _made(cls: type[T], raw: dict[str, Any], /, **made: Any) -> T:
    """Return a ``cls`` of ``raw`` values, of which ``made`` are made already; unknown ones are ignored."""
    known = {one.name for one in fields(cls)}  # type: ignore[arg-type]
    plain = {name: _frozen(value) for name, value in raw.items() if name in known and name not in made}
    return cls(**plain, **made)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
