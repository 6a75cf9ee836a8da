"""How a network sees places in one modality: patch by patch, or tile by tile where sites lie on a lattice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...models.architecture import Architecture
from ...models.cost import dense_cost, patch_cost, shape_of_dense
from ...models.dense import DenseModality
from ...models.network import Features, FusionNetwork
from ..rasters.raster import Values
from ..sites.site_table import Index
from .augmentation import TURNS, turned

TILE_SITES = 10  # side of a tile in lattice positions: larger shares more, smaller mixes climates in a batch
Integers = npt.NDArray[np.int64]


class Seen(NamedTuple):
    """What the network is given of some places: patches or tiles, and of tiles where each place lies.

    ``values`` is (patches or tiles, channels, rows, columns); ``where`` (places, 3): tile, row and column in
    lattice positions, None for patches.
    """

    values: Tensor
    where: Tensor | None = None

    def to(self, device: torch.device) -> Seen:
        """Return it on a device."""
        where = None if self.where is None else self.where.to(device, non_blocking=True)
        return Seen(self.values.to(device, non_blocking=True), where)


class Sight(Protocol):
    """One modality at all places."""

    def seen(self, index: Index, draw: np.random.Generator | None = None) -> Seen:
        """Return what the network is given of some places; with ``draw`` turned and mirrored at random."""

    def features(self, network: FusionNetwork, seen: Seen) -> Features:
        """Return the modality's branch features at the places, by branch, (places, out_size)."""


class Patches(Protocol):
    """Normalised patches at all places."""

    def batch(self, index: Index) -> Values:
        """Return patches of some places, (places, channels, side, side)."""


@dataclass(frozen=True)
class PatchSight:
    """A patch a place.

    Attributes
    ----------
    name
        The modality.
    patches
        The patches.
    turned
        Whether they may be turned and mirrored.
    jitter
        Deviation of the noise that is added where there is a ``draw``.
    """

    name: str
    patches: Patches
    turned: bool = False
    jitter: float = 0.0

    def seen(self, index: Index, draw: np.random.Generator | None = None) -> Seen:
        """Return the patches of some places."""
        values = torch.from_numpy(self.patches.batch(index))
        if self.jitter and draw is not None:
            values += self.jitter * torch.from_numpy(draw.standard_normal(values.shape, np.float32))
        if self.turned and draw is not None:
            values = turned(values, torch.from_numpy(draw.integers(0, TURNS, len(index))))
        return Seen(values)

    def features(self, network: FusionNetwork, seen: Seen) -> Features:
        """Return the features window by window."""
        return network.features({self.name: seen.values})


class Scene(Protocol):
    """Normalised channels of a raster, by window."""

    def window(self, rows: slice, columns: slice) -> Values:
        """Return (channels, rows, columns) of a window that may leave the raster."""


@dataclass(frozen=True)
class LatticeSight:
    """Places on a lattice, tile by tile: neighbours share the network's work, there and back.

    Attributes
    ----------
    name
        The modality.
    scene
        Where tiles are read.
    rows, columns
        (places,) pixel of each place.
    step
        Pixels between lattice positions; all rows are equal modulo it, and all columns.
    window
        Largest scale (px).
    turned
        Whether tiles may be turned and mirrored.
    """

    name: str
    scene: Scene
    rows: Integers
    columns: Integers
    step: int
    window: int
    turned: bool = False

    @cached_property
    def _cells(self) -> tuple[Integers, Integers]:
        """Row and column of each place in lattice positions, from 0."""
        return (self.rows - self.rows.min()) // self.step, (self.columns - self.columns.min()) // self.step

    @cached_property
    def tiles(self) -> Integers:
        """Number of the tile that each place lies in: (places,)."""
        down, across = (cells // TILE_SITES for cells in self._cells)
        return down * (int(across.max()) + 1) + across

    def seen(self, index: Index, draw: np.random.Generator | None = None) -> Seen:
        """Return the tiles that hold some places."""
        tiles, which = np.unique(self.tiles[index], return_inverse=True)
        down, across = (cells[index] % TILE_SITES for cells in self._cells)
        across_number = int((self._cells[1] // TILE_SITES).max()) + 1
        side = (TILE_SITES - 1) * self.step + self.window
        values = np.stack([self._tile(*divmod(int(tile), across_number), side) for tile in tiles])
        where = torch.from_numpy(np.stack([which.ravel(), down, across], axis=1))
        laid = torch.from_numpy(values)
        if self.turned and draw is not None:
            ways = torch.from_numpy(draw.integers(0, TURNS, len(tiles)))
            laid = turned(laid, ways)
            places = torch.arange(TILE_SITES * TILE_SITES).reshape(1, 1, TILE_SITES, TILE_SITES)
            moved = turned(places.expand(len(tiles), 1, -1, -1), ways).flatten(
                1
            )  # which position lies where now
            now = torch.argsort(moved, dim=1)[where[:, 0], where[:, 1] * TILE_SITES + where[:, 2]]
            where = torch.stack([where[:, 0], now // TILE_SITES, now % TILE_SITES], dim=1)
        return Seen(laid, where)

    def features(self, network: FusionNetwork, seen: Seen) -> Features:
        """Return the features from one dense pass over the tiles."""
        if seen.where is None:
            raise ValueError("tiles without places")
        tile, row, column = seen.where.unbind(dim=1)
        dense = DenseModality(network, self.name, self.step)
        found = dense.features(seen.values)
        return {key: values[tile, :, row, column] for key, values in found.items()}

    def _tile(self, down: int, across: int, side: int) -> Values:
        start = (
            int(number) * TILE_SITES * self.step + int(first.min()) - self.window // 2
            for number, first in ((down, self.rows), (across, self.columns))
        )
        top, left = start
        return self.scene.window(slice(top, top + side), slice(left, left + side))


def lattice_step(rows: Integers, columns: Integers) -> int:
    """Return the spacing of the coarsest lattice that holds all places, in pixels; 0 for a single place."""
    return int(np.gcd.reduce(np.concatenate([rows - rows[0], columns - columns[0]])))


def lattice_pays(architecture: Architecture, name: str, step: int, rows: Integers, columns: Integers) -> bool:
    """Tell whether tiles cost less than patches at these places, by counted operations."""
    if step < 1 or architecture.patchwise:
        return False
    scales = architecture.modality(name).scales
    cells = np.stack([(rows - rows.min()) // step, (columns - columns.min()) // step], axis=1) // TILE_SITES
    tiles = len(np.unique(cells, axis=0))
    one = dense_cost(shape_of_dense(architecture, name, step, scales), TILE_SITES, TILE_SITES).flops
    return tiles * one < len(rows) * patch_cost(architecture, name, scales).flops


def features_at(network: FusionNetwork, sights: Mapping[str, Sight], seen: Mapping[str, Seen]) -> Features:
    """Return the features of all branches at the places of a batch."""
    found: Features = {}
    for name, sight in sights.items():
        found |= sight.features(network, seen[name])
    return found
