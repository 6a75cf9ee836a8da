"""The twelve virtual species of the demo: invented names, known responses.

A species' true logit is an intercept plus one or two drivers. Each driver belongs to a (modality, scale) of the
demo network, but its own window is smaller, because a branch sees little of the rim of its nominal window:
13 px for the nominal 25, 37 to 39 for 59, 91 for 115. A driver of a larger scale is a ring, an edge density or
a diversity: what the smaller windows cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np
import numpy.typing as npt

from ..words.naming import slug
from .drivers import Quantity

# Deviation of the bell-shaped response around an optimum, in scores.
OPTIMUM_BREADTH = 0.5


@dataclass(frozen=True)
class Driver:
    """One term of a species' true logit.

    Attributes:
        modality: ``bioclim`` or ``satellite``.
        scale: the nominal scale of the demo network that this driver belongs to.
        quantity: what is measured.
        amplitude: logits per typical deviation of the quantity, or height of the optimum in logits.
        optimum: the score (deviations from the typical mean) at which the species fares best; None for a
            response that is linear in the score.
    """

    modality: str
    scale: int
    quantity: Quantity
    amplitude: float
    optimum: Optional[float] = None

    def response(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The driver's term of the logit, where ``values`` are the quantity's: float32, of their shape."""
        mean, deviation = TYPICAL[self.quantity]
        score = (values - np.float32(mean)) / np.float32(deviation)
        if self.optimum is not None:
            distance = (score - np.float32(self.optimum)) / np.float32(OPTIMUM_BREADTH)
            score = np.exp(-0.5 * distance**2)
        return np.float32(self.amplitude) * score


@dataclass(frozen=True)
class VirtualSpecies:
    """A made-up species: its name, its intercept and its drivers, the strongest first."""

    name: str
    intercept: float
    drivers: tuple[Driver, ...]

    @property
    def slug(self) -> str:
        """The name as it stands in file names."""
        return slug(self.name)


_TEMPERATURE = Quantity("climate", "bio1", 1)
_PRECIPITATION = Quantity("climate", "bio12", 1)
_TEMPERATURE_AROUND = Quantity("climate", "bio1", 5)
_PRECIPITATION_AROUND = Quantity("climate", "bio12", 5)
_WATER = Quantity("share", "water", 13)
_CONIFER = Quantity("share", "conifer", 13)
_BROADLEAF = Quantity("share", "broadleaf", 13)
_GRASS = Quantity("share", "grass", 13)
_CROP_RING = Quantity("share", "crop", 39, inner=17)
_EDGES = Quantity("edge_density", "", 37)
_DIVERSITY = Quantity("diversity", "", 39)
_URBAN_RING = Quantity("share", "urban", 91, inner=47)
_GRASS_RING = Quantity("share", "grass", 91, inner=47)
_BROADLEAF_RING = Quantity("share", "broadleaf", 91, inner=47)

# Mean and deviation of each quantity over many landscapes (tools/calibrate_demo.py prints them). Constants, so
# that the same surroundings mean the same to a species on every landscape.
TYPICAL: dict[Quantity, tuple[float, float]] = {
    _TEMPERATURE: (0.0, 1.0),
    _PRECIPITATION: (0.0, 1.0),
    _TEMPERATURE_AROUND: (0.0, 0.53),
    _PRECIPITATION_AROUND: (0.0, 0.53),
    _WATER: (0.167, 0.325),
    _CONIFER: (0.166, 0.320),
    _BROADLEAF: (0.165, 0.312),
    _GRASS: (0.167, 0.288),
    _CROP_RING: (0.167, 0.135),
    _EDGES: (0.103, 0.040),
    _DIVERSITY: (0.545, 0.187),
    _URBAN_RING: (0.167, 0.115),
    _GRASS_RING: (0.167, 0.098),
    _BROADLEAF_RING: (0.165, 0.134),
}

SPECIES = (
    VirtualSpecies("Nivalia frigida", -2.0, (Driver("bioclim", 1, _TEMPERATURE, -3.0),)),
    VirtualSpecies("Aestiva media", -6.7, (Driver("bioclim", 1, _TEMPERATURE, 9.0, optimum=0.6),)),
    VirtualSpecies(
        "Imbricula pluvialis",
        -2.2,
        (Driver("bioclim", 1, _PRECIPITATION, 3.0), Driver("satellite", 25, _BROADLEAF, 1.5)),
    ),
    VirtualSpecies("Apricaria lenta", -2.1, (Driver("bioclim", 5, _TEMPERATURE_AROUND, 3.0),)),
    VirtualSpecies(
        "Nebulosa latior",
        -2.4,
        (Driver("bioclim", 5, _PRECIPITATION_AROUND, 3.0), Driver("satellite", 59, _DIVERSITY, 1.5)),
    ),
    VirtualSpecies("Coniferella umbrosa", 0.4, (Driver("satellite", 25, _CONIFER, 3.0),)),
    VirtualSpecies(
        "Pratincola graminis",
        -1.1,
        (Driver("satellite", 25, _GRASS, 3.0), Driver("bioclim", 1, _TEMPERATURE, -1.4)),
    ),
    VirtualSpecies("Segetaria vicina", -1.8, (Driver("satellite", 59, _CROP_RING, 3.0),)),
    VirtualSpecies("Limitalia saepium", -2.1, (Driver("satellite", 59, _EDGES, 3.0),)),
    VirtualSpecies(
        "Mixtella varia",
        -2.5,
        (Driver("satellite", 59, _DIVERSITY, 3.0), Driver("satellite", 25, _WATER, -1.0)),
    ),
    VirtualSpecies("Suburbana vagans", -1.9, (Driver("satellite", 115, _URBAN_RING, 3.0),)),
    VirtualSpecies(
        "Circumsilva remota",
        -2.1,
        (Driver("satellite", 115, _BROADLEAF_RING, 3.0), Driver("bioclim", 5, _TEMPERATURE_AROUND, -1.4)),
    ),
)
