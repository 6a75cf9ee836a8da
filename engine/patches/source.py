"""Where the patches of one modality come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values

Places = npt.NDArray[np.int64]

CHUNK_BYTES = 32 * 1024**2  # of patches that are read and handed on together
VALUE_BYTES = 5  # a float32 and whether it holds


class PatchSource(Protocol):
    """The patches of some sites, in files' units; sites may share a patch.

    Attributes
    ----------
    bands
        Names, in the order of the card to be.
    units
        Unit of each band, or an empty string.
    categorical
        By band, whether it holds categories.
    side
        Side of a patch in pixels, odd; the site lies in the pixel at its centre.
    dtype
        The smallest type that holds all values exactly as they are read.
    places
        (sites,) which patch each site has, -1 where it has none: off the raster, or no image.
    count
        How many different patches there are.
    notes
        What there is to say of how the values are read.
    digest
        A text that differs where any patch may differ, or where there are other patches.
    """

    @property
    def bands(self) -> tuple[str, ...]: ...

    @property
    def units(self) -> tuple[str, ...]: ...

    @property
    def categorical(self) -> tuple[bool, ...]: ...

    @property
    def side(self) -> int: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def places(self) -> Places: ...

    @property
    def count(self) -> int: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def digest(self) -> str: ...

    def demand_unchanged(self) -> None:
        """Raise InputError where a file is not as it was when the source was opened."""
        ...

    def chunks(self, between: Callable[[], None]) -> Iterator[tuple[Values, Valid]]:
        """Yield all patches in order, some at a time, as values and validity (k, bands, side, side).

        ``between`` is called between operations; it raises to stop.
        """
        ...


def chunk_length(bands: int, side: int) -> int:
    """Return how many patches are read and handed on together."""
    return max(1, CHUNK_BYTES // (VALUE_BYTES * bands * side**2))
