"""How the values of a map stand in its file: as they are, or as bytes with a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..rasters.raster import Valid, Values


@dataclass(frozen=True)
class Encoding:
    """A value is ``scale`` times the number in the file; ``nodata`` is that number where there is no value."""

    dtype: str
    nodata: float
    scale: float = 1.0

    def encoded(self, values: npt.NDArray[Any], valid: Valid) -> npt.NDArray[Any]:
        """Return what stands in the file for values (layers, rows, columns); ``valid`` is (rows, columns)."""
        if self.scale != 1:
            values = np.rint(values / np.float32(self.scale))
        with np.errstate(invalid="ignore"):  # where not valid there may be anything
            numbers = values.astype(self.dtype)
        numbers[:, ~valid] = self.nodata
        return numbers

    def decoded(self, numbers: npt.NDArray[Any]) -> tuple[Values, Valid]:
        """Return values and where there are any."""
        valid = numbers != self.nodata
        return np.where(valid, numbers * np.float32(self.scale), 0).astype(np.float32), valid

    @property
    def bytes(self) -> int:
        """Bytes of a number."""
        return int(np.dtype(self.dtype).itemsize)


FLOAT = Encoding("float32", -9999.0)
SHARE_IN_BYTES = Encoding("uint8", 255, 0.004)  # of a share from 0 to 1: off by at most 0.002
FLAG = Encoding("uint8", 255)  # 0 or 1

ENCODINGS = {"float32": FLOAT, "uint8": SHARE_IN_BYTES}  # of probability and occurrence, as people name it
