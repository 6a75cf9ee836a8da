"""A landscape: the scene, the climate and the true probability of every virtual species on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine

from .climate import MARGIN_CELLS, cell_coverage, draw_climate
from .drivers import Quantity, Surroundings
from .land_cover import draw_land_cover
from .scene import draw_scene
from .virtual_species import SPECIES, VirtualSpecies

CRS = "EPSG:32632"
PIXEL_M = 10.0
CELL_M = 1000.0
PIXELS_PER_CELL = 100
LEFT, TOP = 480_000.0, 5_200_000.0  # corner of the scene, in metres: a made-up country north of the Alps
COVER_MARGIN = 64  # px; more than half of the widest window of any driver
SMALLEST_SIZE = 1024  # px; below it a landscape holds too few climate cells to promise a prevalence
PREVALENCE_BOUNDS = (0.05, 0.60)
MAX_ATTEMPTS = 200


@dataclass(frozen=True)
class Landscape:
    """One draw of the demo.

    Attributes:
        seed: the seed asked for.
        attempt: how many draws of that seed were rejected before this one.
        satellite: shape ``(4, size, size)``, uint16, reflectance × 10 000, bands as in ``scene.BANDS``.
        bioclim: shape ``(2, cells, cells)``, float32, variables as in ``climate.VARIABLES``.
        truth: shape ``(species, size, size)``, float32, true probability, species as in ``SPECIES``.
        shares: per species, per driver: the driver's share of the variance of the true logit.
        surroundings: the hidden state that truth was computed from.
    """

    seed: int
    attempt: int
    satellite: npt.NDArray[np.uint16]
    bioclim: npt.NDArray[np.float32]
    truth: npt.NDArray[np.float32]
    shares: tuple[tuple[float, ...], ...]
    surroundings: Surroundings

    @property
    def size(self) -> int:
        """Side of the satellite image in pixels."""
        return int(self.satellite.shape[-1])

    @property
    def satellite_transform(self) -> Affine:
        return Affine(PIXEL_M, 0.0, LEFT, 0.0, -PIXEL_M, TOP)

    @property
    def bioclim_transform(self) -> Affine:
        margin_m = MARGIN_CELLS * CELL_M
        return Affine(CELL_M, 0.0, LEFT - margin_m, 0.0, -CELL_M, TOP + margin_m)

    @property
    def prevalence(self) -> npt.NDArray[np.float64]:
        """Per species, the share of pixels with truth of at least 0.5."""
        return prevalence(self.truth)


def make_landscape(seed: int, size: int = 2048) -> Landscape:
    """Draws a landscape on which every species is neither rare nor everywhere.

    A draw is kept when each species has truth ≥ 0.5 on a share of pixels within ``PREVALENCE_BOUNDS``; else the
    next attempt of the same seed is drawn. Below ``SMALLEST_SIZE`` pixels the first draw is kept as it is.

    Args:
        seed: any integer ≥ 0; the same seed and size give the same landscape.
        size: side of the satellite image in pixels.

    Raises:
        ValueError: ``size`` or ``seed`` is out of range.
    """
    if seed < 0:
        raise ValueError(f"the seed is {seed}; give an integer of 0 or more")
    if size < 1:
        raise ValueError(f"the size is {size} pixels; give 1 or more")
    low, high = PREVALENCE_BOUNDS
    for attempt in range(MAX_ATTEMPTS):
        surroundings = draw_surroundings(seed, attempt, size)
        truth, shares = true_probability(surroundings)
        shown = prevalence(truth)
        if size < SMALLEST_SIZE or bool(np.all((shown >= low) & (shown <= high))):
            scene = draw_scene(_generator(seed, attempt, 2), surroundings.cover)
            inside = slice(COVER_MARGIN, COVER_MARGIN + size)
            satellite = np.ascontiguousarray(scene[:, inside, inside])
            return Landscape(seed, attempt, satellite, surroundings.bioclim, truth, shares, surroundings)
    raise RuntimeError(f"seed {seed} gave no landscape of {size} pixels in {MAX_ATTEMPTS} attempts")


def draw_surroundings(seed: int, attempt: int, size: int) -> Surroundings:
    """Draws land cover and climate, the part of a landscape that truth depends on."""
    coverage = cell_coverage(size, PIXELS_PER_CELL)
    bioclim = draw_climate(_generator(seed, attempt, 0), coverage)
    cover = draw_land_cover(_generator(seed, attempt, 1), size + 2 * COVER_MARGIN)
    return Surroundings(cover, COVER_MARGIN, bioclim, PIXELS_PER_CELL)


def true_probability(
    surroundings: Surroundings, species: tuple[VirtualSpecies, ...] = SPECIES
) -> tuple[npt.NDArray[np.float32], tuple[tuple[float, ...], ...]]:
    """The true probability of each species at each pixel, and each driver's share of the logit's variance.

    A share is the covariance of the driver's term with the logit over the logit's variance, so that the shares
    of a species add up to 1.

    Returns:
        Shape ``(species, size, size)``, float32; and per species one share a driver.
    """
    measured: dict[Quantity, npt.NDArray[np.float32]] = {}
    truth = np.empty((len(species), surroundings.size, surroundings.size), dtype=np.float32)
    shares = []
    for index, one in enumerate(species):
        terms = []
        for driver in one.drivers:
            if driver.quantity not in measured:
                measured[driver.quantity] = surroundings.measure(driver.quantity)
            terms.append(driver.response(measured[driver.quantity]))
        logit = np.sum(terms, axis=0, dtype=np.float32) + np.float32(one.intercept)
        centred = logit - logit.mean(dtype=np.float64)
        covariances = [float(np.mean(term * centred)) for term in terms]
        shares.append(tuple(covariance / sum(covariances) for covariance in covariances))
        truth[index] = 1 / (1 + np.exp(-logit))
    return truth, tuple(shares)


def prevalence(truth: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Per species, the share of pixels with truth of at least 0.5; ``truth`` has shape ``(species, …)``."""
    shown: npt.NDArray[np.float64] = np.mean(truth >= 0.5, axis=(1, 2))
    return shown


def _generator(seed: int, attempt: int, part: int) -> np.random.Generator:
    return np.random.default_rng([seed, attempt, part])
