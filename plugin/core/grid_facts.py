"""Sizes for a person: pixels, windows, margins, times."""

from __future__ import annotations

from ...models.card import Card, Modality

METRES_PER_DEGREE = 111_320.0  # along a meridian; good for a label, never for a computation
STEPS = (1, 2, 4, 8, 16, 32)


def pixel_m(modality: Modality) -> float:
    """Return the pixel size of ``modality`` in metres, roughly where the card has degrees."""
    return modality.pixel_size * (METRES_PER_DEGREE if modality.pixel_unit == "degree" else 1.0)


def finest(card: Card, on: set[str]) -> Modality:
    """Return the modality with the smallest pixels among those that are ``on`` (all if none is)."""
    candidates = [modality for modality in card.modalities if modality.name in on] or list(card.modalities)
    return min(candidates, key=pixel_m)


def distance(metres: float) -> str:
    """Return a length for a person: ``250 m``, ``1.15 km``, ``5 km``."""
    if metres < 1000:
        return f"{metres:.3g} m"
    return f"{metres / 1000:.3g} km"


def window(modality: Modality, scale: int) -> str:
    """Return the width of a window for a person; one measured in degrees is said to be about so wide."""
    about = "≈ " if modality.pixel_unit == "degree" else ""
    return about + distance(scale * pixel_m(modality))


def duration(seconds: float) -> str:
    """Return a time for a person: ``8 s``, ``3 min``, ``1 h 20 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def ordinal_step(step: int) -> str:
    """Return ``every pixel``, ``every 2nd pixel``, ``every 32nd pixel``."""
    if step == 1:
        return "every pixel"
    tail = step % 100
    ending = "th" if 10 < tail < 14 else {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
    return f"every {step}{ending} pixel"


def volume(size: float) -> str:
    """Return a number of bytes for a person: ``9 MB``, ``1.2 GB``."""
    return f"{size / 1e9:.2g} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"


def area(km2: float) -> str:
    """Return an area for a person: ``0.0342 km²``, ``12.3 km²``, ``1,234 km²``."""
    return f"{km2:,.0f} km²" if abs(km2) >= 100 else f"{km2:.3g} km²"
