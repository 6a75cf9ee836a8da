"""The rows of one table of records: where, and which species were found there, not found, or not surveyed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from scipy import sparse

from ..tables.cells import Rows
from .site_table import Floats


@dataclass(frozen=True)
class Predictors:
    """Columns of the site tables that hold predictor values: all, and those that are categories."""

    names: tuple[str, ...] = ()
    categorical: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Observations:
    """Rows of a table.

    Attributes
    ----------
    table, kind
        The file's name, for messages, and ``po``, ``pa`` or ``pa-balanced``.
    row
        (rows,) number in the file.
    x, y, crs
        (rows,) coordinates, NaN where there are none.
    species
        Those that the table names.
    found, holes
        (rows, species) of bool, sparse: where a species was found, and where it was not surveyed.
    one_each
        Whether a row is a record of one species.
    patch, day
        (rows,) patch and day of the year, where the table has them.
    columns
        Predictor values, (rows,) by name: numbers, or text for categories.
    uncertainty
        (rows,) of the coordinates in metres, NaN where not known; None where the table does not say.
    stand_in
        (rows,) whether the uncertainty is a number that stands for a centroid or a missing value.
    unfit
        By reason, (rows,) which records are not to be used for what the table itself says of them.
    """

    table: str
    kind: str
    row: npt.NDArray[np.int64]
    x: Floats
    y: Floats
    crs: CRS
    species: tuple[str, ...]
    found: sparse.csr_array
    holes: sparse.csr_array
    one_each: bool
    patch: npt.NDArray[np.str_] | None = None
    day: npt.NDArray[np.int64] | None = None
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    uncertainty: Floats | None = None
    stand_in: Rows | None = None
    unfit: Mapping[str, Rows] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.x)

    def kept(self, keep: Rows) -> Observations:
        """Return the rows where ``keep`` is True."""
        if keep.all():
            return self
        return replace(
            self,
            row=self.row[keep],
            x=self.x[keep],
            y=self.y[keep],
            found=self.found[keep],
            holes=self.holes[keep],
            patch=None if self.patch is None else self.patch[keep],
            day=None if self.day is None else self.day[keep],
            columns={name: values[keep] for name, values in self.columns.items()},
            uncertainty=None if self.uncertainty is None else self.uncertainty[keep],
            stand_in=None if self.stand_in is None else self.stand_in[keep],
            unfit={reason: rows[keep] for reason, rows in self.unfit.items()},
        )

    def example(self, where: Rows) -> str:
        """Return the first row of several, for a person; nothing where there is none."""
        if not where.any():
            return ""
        first = int(np.argmax(where))
        if np.isnan(self.x[first]) and np.isnan(self.y[first]):
            return f"for example row {self.row[first]}"
        return f"for example row {self.row[first]}: {self.x[first]:.10g}, {self.y[first]:.10g}"
