"""Lengths on the ground, for a person."""

from __future__ import annotations


def length_text(length: float, unit: str) -> str:
    """Return a length without digits that say nothing, ``9,450 m``; ``unit`` is a card's, metre or degree."""
    short = "m" if unit == "metre" else "°"
    return f"{length:,.0f} {short}" if length >= 100 else f"{length:.4g} {short}"
