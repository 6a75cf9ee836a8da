"""A demo landscape on the lattice of its sites."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .climate import MARGIN_CELLS
from .landscape import PIXELS_PER_CELL, Landscape
from .lattice_scene import LatticeScene
from .sites import LATTICE_PX, presence_only_sites
from .virtual_species import SPECIES

FINE, COARSE = "satellite", "bioclim"
SCALES = {COARSE: (1, 5), FINE: (25, 59, 115)}


def training_scene(landscape: Landscape) -> LatticeScene:
    """The landscape's records at all sites of the lattice whose windows lie inside the satellite image.

    Returns:
        The scene in the rasters' own units, on a lattice of ``LATTICE_PX``.
    """
    reach = max(SCALES[FINE]) // 2
    offset = LATTICE_PX // 2
    skipped = -(-(reach - offset) // LATTICE_PX)
    positions = np.arange(offset + skipped * LATTICE_PX, landscape.size - reach, LATTICE_PX)
    inside = slice(skipped, skipped + positions.size)

    records = presence_only_sites(landscape)
    lattice_side = len(range(offset, landscape.size, LATTICE_PX))
    seen = np.zeros((len(SPECIES), lattice_side, lattice_side), dtype=np.bool_)
    seen[:, records.rows // LATTICE_PX, records.columns // LATTICE_PX] = records.seen.T

    unused = MARGIN_CELLS - max(SCALES[COARSE]) // 2
    cells = torch.from_numpy(positions // PIXELS_PER_CELL)
    return LatticeScene(
        fine=torch.from_numpy(landscape.satellite),
        coarse=torch.from_numpy(landscape.bioclim[:, unused:-unused, unused:-unused].copy()),
        first=int(positions[0]),
        step=LATTICE_PX,
        cell_rows=cells,
        cell_columns=cells,
        seen=torch.from_numpy(seen[:, inside, inside].copy()),
    )


def truth_at_sites(landscape: Landscape, scene: LatticeScene) -> npt.NDArray[np.float32]:
    """True probability at all sites of a scene, row by row: shape ``(sites, species)``."""
    positions = scene.first + scene.step * np.arange(scene.seen.shape[-1])
    truth: npt.NDArray[np.float32] = landscape.truth[:, positions][:, :, positions].reshape(len(SPECIES), -1).T
    return truth
