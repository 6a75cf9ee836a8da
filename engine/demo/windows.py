"""Sums over square windows and rings around every pixel, from one summed-area table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class WindowSums:
    """Exact sums of small integers over centred windows.

    Args:
        counts: shape ``(height, width)``, non-negative integers, with a margin around the pixels of interest.
        margin: width of that margin in pixels; no window may reach farther.
    """

    def __init__(self, counts: npt.NDArray[np.generic], margin: int) -> None:
        height, width = counts.shape
        self._table = np.zeros((height + 1, width + 1), dtype=np.int64)
        np.cumsum(counts, axis=0, dtype=np.int64, out=self._table[1:, 1:])
        np.cumsum(self._table[1:, 1:], axis=1, out=self._table[1:, 1:])
        self._margin = margin
        self._shape = (height - 2 * margin, width - 2 * margin)

    def box_mean(self, side: int) -> npt.NDArray[np.float32]:
        """Means over the centred window of ``side`` pixels (odd), for each pixel inside the margin."""
        return (self._box_sum(side) / side**2).astype(np.float32)

    def ring_mean(self, inner: int, outer: int) -> npt.NDArray[np.float32]:
        """Means over what the window of side ``outer`` holds beyond the window of side ``inner``."""
        return ((self._box_sum(outer) - self._box_sum(inner)) / (outer**2 - inner**2)).astype(np.float32)

    def _box_sum(self, side: int) -> npt.NDArray[np.int64]:
        reach = side // 2
        if side % 2 == 0 or reach > self._margin:
            raise ValueError(f"a window of {side} px is even or wider than the margin allows")
        height, width = self._shape
        first = self._margin - reach
        top, bottom = slice(first, first + height), slice(first + side, first + side + height)
        left, right = slice(first, first + width), slice(first + side, first + side + width)
        table = self._table
        sums: npt.NDArray[np.int64] = (
            table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
        )
        return sums
