"""Window sums agree with counting."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.demo.windows import WindowSums


def test_box_and_ring_means_agree_with_counting() -> None:
    counts = np.random.default_rng(0).integers(0, 3, (20, 23)).astype(np.uint8)
    sums = WindowSums(counts, margin=4)
    box, ring = sums.box_mean(5), sums.ring_mean(3, 9)
    assert box.shape == ring.shape == (12, 15)
    for row in range(12):
        for column in range(15):
            y, x = row + 4, column + 4
            small, middle, large = (
                counts[y - r : y + r + 1, x - r : x + r + 1].astype(float) for r in (1, 2, 4)
            )
            assert box[row, column] == pytest.approx(middle.mean())
            assert ring[row, column] == pytest.approx((large.sum() - small.sum()) / (81 - 9))


@pytest.mark.parametrize("side", [4, 11])
def test_a_window_that_is_even_or_too_wide_is_refused(side: int) -> None:
    with pytest.raises(ValueError, match=f"window of {side} px"):
        WindowSums(np.zeros((20, 20), np.uint8), margin=4).box_mean(side)
