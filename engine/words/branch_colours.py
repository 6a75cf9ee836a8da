"""One colour a branch, the same on the canvas, in charts and in the dominant map.

A hue a modality (blue and orange first, which the colour-blind tell apart), lighter for its smaller scales, so
that the scales also differ in lightness.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...models.architecture import BranchKey

Colour = tuple[int, int, int]

# Lightest and darkest of each hue.
HUES: tuple[tuple[Colour, Colour], ...] = (
    ((158, 202, 225), (8, 69, 148)),  # blue
    ((253, 190, 133), (140, 45, 4)),  # orange
    ((178, 223, 208), (0, 88, 65)),  # green
    ((240, 230, 140), (60, 50, 20)),  # khaki; purple would be blue to the colour-blind
)
ONLY = 0.5  # where a modality has a single scale: how far from light to dark


def branch_colours(keys: Sequence[BranchKey]) -> dict[BranchKey, Colour]:
    """Return the colour (red, green, blue of 255) of each branch of a network."""
    scales: dict[str, list[int]] = {}
    for modality, scale in keys:
        scales.setdefault(modality, []).append(scale)
    found = {}
    for place, (modality, mine) in enumerate(scales.items()):
        for scale, colour in zip(sorted(mine), shades(place, len(mine)), strict=True):
            found[modality, scale] = colour
    return found


def shades(place: int, count: int) -> list[Colour]:
    """Return ``count`` shades of the hue of the modality at ``place``, from light to dark."""
    light, dark = HUES[place % len(HUES)]
    found = []
    for rank in range(count):
        share = rank / (count - 1) if count > 1 else ONLY
        red, green, blue = (round(a + share * (b - a)) for a, b in zip(light, dark, strict=True))
        found.append((red, green, blue))
    return found


def hexadecimal(colour: Colour) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
