"""Where people looked and what they found: records and surveys drawn from a landscape's truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .landscape import Landscape

LATTICE_PX = 16  # 160 m between neighbouring sites
RECORD_RATE = 0.5  # records a species leaves at a site where truth is 1
SURVEYED_SITES = 2000


@dataclass(frozen=True)
class Sites:
    """Sites on the lattice and the species seen there.

    Attributes:
        rows, columns: shape ``(sites,)``, int64: the satellite pixel of each site.
        seen: shape ``(sites, species)``, bool.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    seen: npt.NDArray[np.bool_]

    def coordinates(self, landscape: Landscape) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """x and y of the sites' pixel centres, in the landscape's CRS."""
        transform = landscape.satellite_transform
        x, y = transform.c + transform.a * (self.columns + 0.5), transform.f + transform.e * (self.rows + 0.5)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def presence_only_sites(landscape: Landscape) -> Sites:
    """Draws records in proportion to truth; a site of the lattice without any record is no site."""
    rows, columns = _lattice(landscape.size)
    seen = _draw(landscape, rows, columns, RECORD_RATE, part=3)
    recorded = seen.any(axis=1)
    return Sites(rows[recorded], columns[recorded], seen[recorded])


def surveyed_sites(landscape: Landscape) -> Sites:
    """Draws surveys: a random sample of the lattice, where each species is found with its true probability."""
    rows, columns = _lattice(landscape.size)
    rng = np.random.default_rng([landscape.seed, landscape.attempt, 4])
    chosen = np.sort(rng.choice(rows.size, size=min(SURVEYED_SITES, rows.size), replace=False))
    rows, columns = rows[chosen], columns[chosen]
    return Sites(rows, columns, _draw(landscape, rows, columns, 1.0, part=5))


def _lattice(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    positions = np.arange(min(LATTICE_PX // 2, size - 1), size, LATTICE_PX)
    rows, columns = np.meshgrid(positions, positions, indexing="ij")
    return rows.ravel(), columns.ravel()


def _draw(
    landscape: Landscape, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], rate: float, part: int
) -> npt.NDArray[np.bool_]:
    rng = np.random.default_rng([landscape.seed, landscape.attempt, part])
    truth = landscape.truth[:, rows, columns].T
    seen: npt.NDArray[np.bool_] = rng.random(truth.shape) < rate * truth
    return seen
