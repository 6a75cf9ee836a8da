"""What a network is shown, batch by batch, in an order that seed and epoch decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from ..sites.site_table import Index, SiteTable
from .augmentation import TURNS, turned


class Patches(Protocol):
    """The normalised patches of one modality at all places: sites first, then background points."""

    def batch(self, index: Index) -> npt.NDArray[np.float32]:
        """Return patches of some places, (places, channels, side, side)."""


@dataclass(frozen=True)
class Places:
    """Sites and after them ``background`` points, with what the network sees there, by modality."""

    sites: SiteTable
    background: int
    patches: Mapping[str, Patches]

    def tensors(self, index: Index) -> dict[str, Tensor]:
        """Return the patches of some places, by modality."""
        return {name: torch.from_numpy(one.batch(index)) for name, one in self.patches.items()}


@dataclass(frozen=True)
class Batch:
    """Sites and after them background points: patches by modality; what was found at the sites, and looked for.

    ``found`` is (sites, species) of float32, ``surveyed`` (sites, species) of bool.
    """

    patches: dict[str, Tensor]
    found: Tensor
    surveyed: Tensor


class Moment(NamedTuple):
    """Which epoch it is, and which of how many processes this is."""

    epoch: int
    rank: int = 0
    world: int = 1


class Batches(IterableDataset[Batch]):
    """Epochs of batches: every site once, and beside each one a background point.

    Parameters
    ----------
    places
        All places.
    sites, background
        Places to learn from, by index; ``background`` may be empty.
    size
        Sites in a batch, at most; batches are as equal as can be.
    seed
        Numbers that decide the order, with the epoch.
    turned
        Modalities whose patches are turned and mirrored at random.
    moment
        Tells epoch and process; each process takes its share of every epoch.
    """

    def __init__(
        self,
        places: Places,
        sites: Index,
        background: Index,
        size: int,
        seed: tuple[int, ...],
        turned: tuple[str, ...],
        moment: Callable[[], Moment],
    ) -> None:
        self._places = places
        self._sites = sites
        self._background = background
        self._size = size
        self._seed = seed
        self._turned = turned
        self._moment = moment

    def __len__(self) -> int:
        return max(1, -(-(len(self._sites) // self._moment().world) // self._size))

    def __iter__(self) -> Iterator[Batch]:
        epoch, rank, world = self._moment()
        draw = np.random.default_rng([*self._seed, epoch])
        equal = len(self._sites) // world * world
        order = draw.permutation(self._sites)[:equal][rank::world]
        beside = self._beside(len(order), draw)
        ways = torch.from_numpy(draw.integers(0, TURNS, 2 * len(order)))
        for chosen in np.array_split(np.arange(len(order)), len(self)):
            sites = order[chosen]
            points = beside[chosen] if len(beside) else beside
            patches = self._places.tensors(np.concatenate([sites, points]))
            laid = torch.cat([ways[chosen], ways[len(order) + chosen][: len(points)]])
            for name in self._turned:
                patches[name] = turned(patches[name], laid)
            found, surveyed = self._places.sites.labels(sites)
            yield Batch(patches, torch.from_numpy(found), torch.from_numpy(surveyed))

    def _beside(self, number: int, draw: np.random.Generator) -> Index:
        """Return ``number`` background points, each about equally often."""
        if not len(self._background):
            return self._background
        rounds = [draw.permutation(self._background) for _ in range(-(-number // len(self._background)))]
        return np.concatenate(rounds)[:number] if rounds else self._background[:0]
