"""Lengths on the ground, for a person."""

from __future__ import annotations


def distance_text(metres: float) -> str:
    """Return a length in metres: ``250 m``, ``1.15 km``, ``5 km``."""
    return f"{metres:.3g} m" if metres < 999.5 else f"{metres / 1000:.3g} km"


def length_text(length: float, unit: str) -> str:
    """Return a length in a card's unit, metre or degree: ``9.45 km``, ``0.0417 °``."""
    return distance_text(length) if unit == "metre" else f"{length:.3g} °"
