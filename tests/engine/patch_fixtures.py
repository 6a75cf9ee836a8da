"""Patches by plain loops over whole arrays, no code of the engine's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plain
from scalescape.engine.patches.patch_set import Patches
from scalescape.engine.protocol import RasterInput

UTM = "EPSG:32631"


def inputs(*files: Path, modality: str = "scene") -> list[RasterInput]:
    return [RasterInput(modality, str(file)) for file in files]


def plain_window(files: list[Path], row: int, column: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and validity (bands, side, side) around a pixel; nothing outside the raster."""
    values, valid, _, _ = plain.whole(files)
    found = np.zeros((len(values), side, side))
    held = np.zeros(found.shape, np.bool_)
    for up in range(side):
        for left in range(side):
            r, c = row - side // 2 + up, column - side // 2 + left
            if 0 <= r < values.shape[1] and 0 <= c < values.shape[2]:
                found[:, up, left], held[:, up, left] = values[:, r, c], valid[:, r, c]
    return found, held


def check_site(patches: Patches, site: int, truth: tuple[np.ndarray, np.ndarray]) -> None:
    """Compare a site's patch with what a plain loop finds; NoData has no value."""
    values, valid = patches.raw([site])
    held = np.ones(values.shape, np.bool_) if valid is None else valid
    np.testing.assert_array_equal(held[0], truth[1])
    np.testing.assert_allclose(values[0][truth[1]], truth[0][truth[1]], rtol=1e-6)
