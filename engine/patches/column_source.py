"""Patches of one pixel that came with the sites: predictor columns of their table (samples with data)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values
from ..running.errors import InputError
from .source import chunk_length


class ColumnSource:
    """Columns of a table, one band each.

    Parameters
    ----------
    columns
        (sites,) values by name of column.
    names
        Which are bands, in order.
    categorical
        Which of them hold categories: whole numbers.

    Raises
    ------
    InputError
        A column is missing, holds text, or lacks a value.
    """

    side = 1
    notes: tuple[str, ...] = ()
    dtype = np.dtype(np.float32)

    def __init__(
        self,
        columns: Mapping[str, npt.NDArray[np.generic]],
        names: Sequence[str],
        categorical: Collection[str] = (),
    ) -> None:
        unknown = sorted(set(categorical) - set(names))
        if unknown:
            raise InputError(f"The categorical column {unknown[0]!r} is no predictor; name it in columns too.")
        self.bands = tuple(names)
        self.units = ("",) * len(self.bands)
        self.categorical = tuple(name in categorical for name in names)
        self._values = np.stack([_numbers(columns, name) for name in names], axis=1)
        self.count = len(self._values)
        self.places = np.arange(self.count, dtype=np.int64)

    @cached_property
    def digest(self) -> str:
        """A digest of names and values."""
        found = hashlib.sha256(repr((self.bands, self.categorical)).encode())
        found.update(self._values.tobytes())
        return found.hexdigest()

    def demand_unchanged(self) -> None:
        """Do nothing: the table was read as a whole."""

    def chunks(self, between: Callable[[], None]) -> Iterator[tuple[Values, Valid]]:
        """Yield the rows in order."""
        longest = chunk_length(len(self.bands), self.side)
        for start in range(0, self.count, longest):
            between()
            values = self._values[start : start + longest, :, None, None]
            yield values, np.ones(values.shape, np.bool_)


def _numbers(columns: Mapping[str, npt.NDArray[np.generic]], name: str) -> Values:
    """Return a column as float32."""
    if name not in columns:
        raise InputError(f"The sites have no column {name!r}; they have {', '.join(columns) or 'none'}.")
    column = columns[name]
    try:
        numbers = column.astype(np.float64)  # codes of categories may come as text
    except ValueError as error:
        raise InputError(
            f"The column {name} holds text ({error}); give numbers, codes for categories."
        ) from error
    empty = int((~np.isfinite(numbers)).sum())
    if empty:
        raise InputError(
            f"The column {name} has no value at {empty} of {len(numbers)} sites; leave out the column or those "
            "sites."
        )
    return numbers.astype(np.float32)
