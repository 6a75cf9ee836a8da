"""The land-cover mosaic: each pixel belongs to the class whose random field is largest there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .fields import gaussian_field

ClassMap = npt.NDArray[np.uint8]

# Correlation length of each class's field, in pixels. They differ, so that windows of different size are not
# copies of each other: a lake fills every window, a field of crop only the smallest.
CORRELATION_LENGTHS = {
    "water": 85.0,
    "conifer": 50.0,
    "broadleaf": 34.0,
    "grass": 16.0,
    "crop": 9.0,
    "urban": 24.0,
}
CLASSES = tuple(CORRELATION_LENGTHS)


def draw_land_cover(rng: np.random.Generator, side: int) -> ClassMap:
    """Draws a mosaic of the six classes, each on about a sixth of the pixels.

    Returns:
        Shape ``(side, side)``, uint8: indices into ``CLASSES``.
    """
    cover = np.zeros((side, side), dtype=np.uint8)
    largest = np.full((side, side), -np.inf, dtype=np.float32)
    for index, length in enumerate(CORRELATION_LENGTHS.values()):
        field = gaussian_field(rng, side, length)
        cover[field > largest] = index
        np.maximum(largest, field, out=largest)
    return cover


def edges(cover: ClassMap) -> npt.NDArray[np.uint8]:
    """Counts, at each pixel, the borders between classes towards its northern and western neighbour.

    Returns:
        Shape of ``cover``, uint8: 0, 1 or 2 (the first row and column know one neighbour only).
    """
    count = np.zeros(cover.shape, dtype=np.uint8)
    count[1:] += cover[1:] != cover[:-1]
    count[:, 1:] += cover[:, 1:] != cover[:, :-1]
    return count
