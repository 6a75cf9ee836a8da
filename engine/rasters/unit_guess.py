"""What values far from a network's training may be: another unit, another order of bands, or nobody knows.

A reading is judged by how well it brings all bands to the means of the training, in its standard deviations. It
is said only where it brings every band close, and no other reading does nearly as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from ...models.card import Band
from .raster import Values

Floats = npt.NDArray[np.float64]

CLOSE = 3.0  # training standard deviations within which a reading explains a band
WIDEST = 5.0  # times the training's spread that the values of an area may have
CLEARLY = 1.0  # sum of squared deviations by which the best reading must beat the next
CELSIUS = ("°c", "degc", "deg c", "c", "celsius", "degree celsius", "degrees celsius")
PLAIN = ("", "1", "-", "reflectance", "dn", "digital number", "ten-thousandths", "0-1", "0-255")


@dataclass(frozen=True)
class Conversion:
    """What values may be, and how they become those that the network knows.

    ``fits`` tells for a band and a sample whether the question has any sense.
    """

    name: str
    convert: Callable[[Floats], Floats]
    fits: Callable[[Band, Floats], bool] = lambda band, values: True


def _unit(band: Band) -> str:
    return band.unit.strip().lower()


def _linear(name: str, factor: float, offset: float = 0.0) -> Conversion:
    return Conversion(name, lambda values: values * factor + offset)


def _temperature(name: str, factor: float, offset: float) -> Conversion:
    return Conversion(
        name, lambda values: values * factor + offset, lambda band, values: _unit(band) in (*CELSIUS, "")
    )


def _brightness(most: float, wanted: float) -> Conversion:
    """Return numbers from 0 to ``most`` where the network knows some from 0 to ``wanted``."""

    def fits(band: Band, values: Floats) -> bool:
        known = band.quantiles[-1] if band.quantiles else band.mean + CLOSE * band.std
        least = band.quantiles[0] if band.quantiles else 0.0
        within = least >= -wanted / 10 and wanted / 50 <= known <= 1.5 * wanted
        lowest, highest = float(values.min()), float(values.max())
        return _unit(band) in PLAIN and within and lowest >= -most / 10 and most / 50 <= highest <= 1.5 * most

    name = f"numbers from 0 to {most:,.0f} in place of 0 to {wanted:,.0f}"
    return Conversion(name, lambda values: values * (wanted / most), fits)


def _logarithms(name: str, convert: Callable[[Floats], Floats]) -> Conversion:
    def fits(band: Band, values: Floats) -> bool:
        return _unit(band) not in CELSIUS and float(convert(values).std()) >= band.std / WIDEST

    return Conversion(name, convert, fits)


CONVERSIONS = (
    _linear("ten times too large", 0.1),
    _linear("a hundred times too large", 0.01),
    _linear("a thousand times too large", 0.001),
    _linear("ten thousand times too large", 0.0001),
    _linear("ten times too small", 10.0),
    _linear("a hundred times too small", 100.0),
    _linear("a thousand times too small", 1000.0),
    _linear("ten thousand times too small", 10000.0),
    _brightness(255, 1),
    _brightness(1, 255),
    _brightness(255, 10_000),
    _brightness(10_000, 255),
    _logarithms("logarithms", np.exp),
    _logarithms("logarithms to base 10", lambda values: np.power(10.0, values)),
    _logarithms(
        "no logarithms, which the model has", lambda values: np.log(np.where(values > 0, values, np.nan))
    ),
    _logarithms(
        "no logarithms to base 10, which the model has",
        lambda values: np.log10(np.where(values > 0, values, np.nan)),
    ),
    _temperature("Kelvin", 1.0, -273.15),
    _temperature("Kelvin tenths", 0.1, -273.15),
    _temperature("Kelvin hundredths", 0.01, -273.15),
    _temperature("Kelvin in steps of 0.02, as MODIS has them", 0.02, -273.15),
    _temperature("degrees Fahrenheit", 1 / 1.8, -32 / 1.8),
)


@dataclass(frozen=True)
class _Reading:
    """What values may be, and the sum of squared deviations that it leaves."""

    said: str
    cost: float


def guess(bands: Sequence[Band], values: Sequence[Values], far: Sequence[int]) -> str:
    """Return a question about what values may be, such as ``are these Kelvin?``; empty where nothing is clear.

    Parameters
    ----------
    bands
        Continuous bands of one modality.
    values
        Samples of each, without NoData.
    far
        Which of them are far from the training.
    """
    samples = [np.asarray(one, np.float64) for one in values]
    readings = sorted((*_units(bands, samples, far), *_orders(bands, samples)), key=lambda one: one.cost)
    if not readings or (len(readings) > 1 and readings[1].cost - readings[0].cost < CLEARLY):
        return ""
    return readings[0].said


def _units(bands: Sequence[Band], samples: Sequence[Floats], far: Sequence[int]) -> Iterator[_Reading]:
    """Yield the units in which the far bands may be, all in the same; the others are as they should be."""
    near = [_cost(bands[i], samples[i]) for i in range(len(bands)) if i not in far]
    celsius = all(_unit(bands[i]) in CELSIUS for i in far)
    for one in CONVERSIONS:
        with np.errstate(over="ignore", invalid="ignore"):
            if not all(one.fits(bands[i], samples[i]) for i in far):
                continue
            costs = [_cost(bands[i], one.convert(samples[i])) for i in far] + near
        if max(costs) <= CLOSE**2:
            name = "tenths of a degree" if one.name == "ten times too large" and celsius else one.name
            yield _Reading(f"are these {name}?", sum(costs))


def _orders(bands: Sequence[Band], samples: Sequence[Floats]) -> Iterator[_Reading]:
    """Yield that the bands may be in another order, where one order brings all of them close."""
    if len(bands) < 2:
        return
    costs = np.array([[_cost(band, sample) for sample in samples] for band in bands])
    costs = np.where(np.isfinite(costs), costs, 1e12)
    order = linear_sum_assignment(costs)[1]
    moved = [i for i, place in enumerate(order) if place != i]
    left = costs[np.arange(len(bands)), order]
    if not moved or left.max() > CLOSE**2:
        return
    said = "are the bands in another order?"
    if len(moved) == 2 and not _is_told_otherwise(costs, order, left.sum()):
        said = f"are {bands[moved[0]].name} and {bands[moved[1]].name} swapped?"
    yield _Reading(said, float(left.sum()))


def _is_told_otherwise(costs: Floats, order: npt.NDArray[np.intp], best: float) -> bool:
    """Tell whether another order but that of the file does nearly as well."""
    for i, place in enumerate(order):
        without = costs.copy()
        without[i, place] = 1e12
        other = linear_sum_assignment(without)[1]
        if list(other) != list(range(len(other))) and without[range(len(other)), other].sum() < best + CLEARLY:
            return True
    return False


def _cost(band: Band, sample: Floats) -> float:
    """Return the square of a sample's deviation from the training, infinite where it spreads far too much."""
    mean, spread = float(sample.mean()), float(sample.std())
    if not (np.isfinite(mean) and spread <= WIDEST * band.std):
        return float("inf")
    return ((mean - band.mean) / band.std) ** 2
