"""What stops a pass over an area: no pixel with a value, no memory left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..running.errors import InputError

OUT_OF_MEMORY = (
    "The memory of this computer does not suffice; allow less (--memory), map fewer species, or close other "
    "programs."
)


def demand_values(valid_pixels: int) -> None:
    """Raise InputError where no pixel of an area has a value."""
    if valid_pixels == 0:
        raise InputError(
            "No pixel of the area has all its predictors (they are NoData there); choose another area, other "
            "rasters, or fewer scales."
        )


@contextmanager
def within_memory() -> Iterator[None]:
    """Turn what torch and numpy raise where memory ends into an InputError."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise InputError(OUT_OF_MEMORY) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):  # the processor's allocator has no exception of its own
            raise
        raise InputError(OUT_OF_MEMORY) from error
