"""The demo climate: two variables on 1 km cells, smooth plus rough, so that one cell and five cells differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fields import gaussian_field


@dataclass(frozen=True)
class ClimateVariable:
    """One band of the climate raster and the values it takes on every landscape."""

    name: str
    description: str
    unit: str
    mean: float
    deviation: float
    lowest: float


VARIABLES = (
    ClimateVariable("bio1", "annual mean temperature", "°C", mean=11.0, deviation=3.0, lowest=-60.0),
    ClimateVariable("bio12", "annual precipitation", "mm", mean=900.0, deviation=200.0, lowest=0.0),
)
MARGIN_CELLS = 12  # the raster reaches so far beyond the satellite image on every side
SMOOTH_LENGTH_CELLS = 12.0
# With this part of the variance smooth and the rest white, a cell and the mean of the five by five cells
# around it correlate by about 0.55.
SMOOTH_VARIANCE = 0.28


def draw_climate(rng: np.random.Generator, coverage: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Draws both variables, each standardised over the landscape before it is given its unit.

    Args:
        rng: the source of randomness.
        coverage: shape ``(cells, cells)``, how much of each cell the landscape covers, as
            from ``cell_coverage``.

    Returns:
        Shape ``(2, cells, cells)``, float32, in the units of ``VARIABLES``.
    """
    side = coverage.shape[0]
    bands = []
    for variable in VARIABLES:
        smooth = _standardised(gaussian_field(rng, side, SMOOTH_LENGTH_CELLS), coverage)
        rough = _standardised(gaussian_field(rng, side, 0.0), coverage)
        score = _standardised(SMOOTH_VARIANCE**0.5 * smooth + (1 - SMOOTH_VARIANCE) ** 0.5 * rough, coverage)
        bands.append(np.maximum(variable.mean + variable.deviation * score, variable.lowest))
    return np.stack(bands).astype(np.float32)


def cell_coverage(size: int, pixels_per_cell: int) -> npt.NDArray[np.float64]:
    """How many of the landscape's pixels lie in each climate cell.

    Args:
        size: side of the landscape in pixels; its corner lies on a corner of a cell.
        pixels_per_cell: side of a cell in pixels.

    Returns:
        Shape ``(cells, cells)`` with ``MARGIN_CELLS`` empty cells on every side.
    """
    cells = -(-size // pixels_per_cell)
    pixels = np.full(cells, float(pixels_per_cell))
    pixels[-1] = size - pixels_per_cell * (cells - 1)
    padded = np.pad(pixels, MARGIN_CELLS)
    return np.outer(padded, padded)


def scores(bioclim: npt.NDArray[np.float32], name: str, cells: int) -> npt.NDArray[np.float64]:
    """The mean of a variable over the window of ``cells`` around each cell, in deviations from its usual mean.

    Args:
        bioclim: shape ``(2, height, width)``, in the units of ``VARIABLES``.
        name: the variable's name.
        cells: side of the window, odd.

    Returns:
        Shape ``(height, width)``; NaN where the window leaves the raster.
    """
    index = [variable.name for variable in VARIABLES].index(name)
    score = (bioclim[index].astype(np.float64) - VARIABLES[index].mean) / VARIABLES[index].deviation
    reach = cells // 2
    windows = np.lib.stride_tricks.sliding_window_view(score, (cells, cells))
    return np.pad(windows.mean(axis=(2, 3)), reach, constant_values=np.nan)


def _standardised(
    values: npt.NDArray[np.floating], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    centred = values.astype(np.float64) - np.average(values, weights=weights)
    standardised: npt.NDArray[np.float64] = centred / np.sqrt(np.average(centred**2, weights=weights))
    return standardised
