"""Which cells of a coarse modality a tile's pixels take."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scalescape.engine.mapping.coarse import distinct_cells

CELLS = st.integers(-40, 3_000)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=60), st.integers(1, 400))
def test_each_pixel_finds_its_cell_and_each_cell_occurs_once(some: list[tuple[int, int]], narrow: int) -> None:
    """Also where cells lie so far apart that they are sorted, and not marked in the box around them."""
    taken = np.array(some, np.int64) % narrow
    cells, places = distinct_cells(taken[:, 0], taken[:, 1])
    np.testing.assert_array_equal(cells[places], taken)
    np.testing.assert_array_equal(cells, np.unique(taken, axis=0))
