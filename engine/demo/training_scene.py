"""A demo landscape as the trainer wants it: predictors, and records on the lattice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ...models.card import N_QUANTILES, Band, Modality
from ..training.lattice_scene import LatticeScene
from .climate import MARGIN_CELLS, VARIABLES
from .landscape import CELL_M, PIXEL_M, PIXELS_PER_CELL, Landscape
from .scene import BANDS, UNIT as SCENE_UNIT
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


def described_modalities(scenes: Sequence[LatticeScene]) -> tuple[Modality, Modality]:
    """Describes both modalities, coarse then fine, by their values where something was recorded."""
    fine, coarse = [], []
    for scene in scenes:
        rows, columns = torch.nonzero(scene.recorded, as_tuple=True)
        fine.append(scene.fine[:, scene.first + scene.step * rows, scene.first + scene.step * columns].numpy())
        around = max(SCALES[COARSE]) // 2
        cell_rows, cell_columns = (cells[rows, columns] + around for cells in scene.cells())
        coarse.append(scene.coarse[:, cell_rows, cell_columns].numpy())
    climate_bands = tuple(
        _band(values, variable.name, variable.description, variable.unit)
        for variable, values in zip(VARIABLES, np.concatenate(coarse, axis=1), strict=True)
    )
    image_bands = tuple(
        _band(values, name, f"{name} surface reflectance", SCENE_UNIT)
        for name, values in zip(BANDS, np.concatenate(fine, axis=1), strict=True)
    )
    return (
        Modality(COARSE, climate_bands, CELL_M, "metre", SCALES[COARSE]),
        Modality(FINE, image_bands, PIXEL_M, "metre", SCALES[FINE]),
    )


def _band(raw: npt.NDArray[np.generic], name: str, description: str, unit: str) -> Band:
    values: npt.NDArray[np.float64] = raw.astype(np.float64)
    mean, std = float(values.mean()), float(values.std())
    quantiles = tuple(float(value) for value in np.quantile(values, np.linspace(0, 1, N_QUANTILES)))
    return Band(name, mean, std, fill=mean, quantiles=quantiles, description=description, unit=unit)
