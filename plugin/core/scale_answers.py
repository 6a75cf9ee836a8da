"""The engine's answers about scales, from JSON values back to dataclasses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ...engine.protocol.scale_results import (
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
from .answer import made

T = TypeVar("T")


def inspect_result(values: dict[str, Any]) -> InspectResult:
    """Return the answer at a point; raise KeyError or TypeError where it can't be understood."""
    return made(
        InspectResult,
        values,
        contributions=_all(Contribution, values["contributions"]),
        top=_all(Ranked, values["top"]),
        patches=_all(Patch, values.get("patches", ())),
        values=_all(BandValue, values.get("values", ())),
    )


def effects_result(values: dict[str, Any]) -> EffectsResult:
    """Return what an effects job did; raise KeyError or TypeError where it can't be understood."""
    return made(EffectsResult, values)


def profile_result(values: dict[str, Any]) -> ProfileResult:
    """Return what a profile job found; raise KeyError or TypeError where it can't be understood."""
    species = tuple(
        made(
            SpeciesProfile,
            one,
            dominant=made(Dominant, one["dominant"]),
            branches=_all(BranchProfile, one["branches"]),
        )
        for one in values["species"]
    )
    return made(ProfileResult, values, species=species)


def _all(cls: type[T], items: Sequence[dict[str, Any]]) -> tuple[T, ...]:
    return tuple(made(cls, item) for item in items)
