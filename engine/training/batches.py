"""What a network is shown, batch by batch, in an order that seed and epoch decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from ..files.input_files import InputFiles
from ..sites.site_table import Index, SiteTable
from .sights import Integers, LatticeSight, Seen, Sight

FEWEST = 2  # sites in a batch: batch norm has nothing to say of one


@dataclass(frozen=True)
class Places:
    """Sites and after them ``background`` points, with how the network sees them, by modality.

    ``inputs`` are the files that go on being read while a network learns.
    """

    sites: SiteTable
    background: int
    sights: Mapping[str, Sight]
    inputs: InputFiles = field(default_factory=InputFiles)

    @cached_property
    def tiles(self) -> Integers | None:
        """The tile of each place where some modality is seen by tiles, else None."""
        return next((one.tiles for one in self.sights.values() if isinstance(one, LatticeSight)), None)

    def seen(self, index: Index, draw: np.random.Generator | None = None) -> dict[str, Seen]:
        """Return what the network is given of some places, by modality."""
        return {name: sight.seen(index, draw) for name, sight in self.sights.items()}

    def chunks(self, index: Index, size: int) -> Iterator[Index]:
        """Yield positions in ``index``, about ``size`` at a time, neighbours together where that saves work."""
        if self.tiles is None:
            yield from _pieces(np.arange(len(index)), size)
            return
        order = np.argsort(self.tiles[index], kind="stable")
        edges = np.flatnonzero(np.diff(self.tiles[index][order], prepend=-1))
        for some in _pieces(edges, max(1, size * len(edges) // max(1, len(index)))):
            last = np.searchsorted(edges, some[-1], side="right")
            yield order[some[0] : edges[last] if last < len(edges) else len(order)]


@dataclass(frozen=True)
class Batch:
    """Sites and after them background points: what is seen, by modality; at the sites, what was found.

    ``found`` is (sites, species) of float32; ``surveyed``, of bool, tells which species were looked for.
    """

    seen: dict[str, Seen]
    found: Tensor
    surveyed: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return it on a device."""
        return Batch(
            {name: one.to(device) for name, one in self.seen.items()},
            self.found.to(device, non_blocking=True),
            self.surveyed.to(device, non_blocking=True),
        )


class Moment(NamedTuple):
    """Which epoch it is, and which of how many processes this is."""

    epoch: int
    rank: int = 0
    world: int = 1


class Batches(IterableDataset[Batch]):
    """Epochs of batches: every site once, and beside each one a background point.

    Where places are seen by tiles, a batch is some tiles with all sites and background points in them.

    Parameters
    ----------
    places
        All places.
    sites, background
        Places to learn from, by index; ``background`` may be empty.
    size
        Sites in a batch, about; batches are as equal as can be, and hold two at least, as batch norm needs.
    seed
        Numbers that decide the order, with the epoch.
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
        moment: Callable[[], Moment],
    ) -> None:
        self._places = places
        self._sites = sites
        self._background = background
        self._size = size
        self._seed = seed
        self._moment = moment

    def __len__(self) -> int:
        mine = len(self._sites) // self._moment().world
        return max(1, min(-(-mine // self._size), mine // FEWEST))

    def __iter__(self) -> Iterator[Batch]:
        moment = self._moment()
        draw = np.random.default_rng([*self._seed, moment.epoch])
        drawn = self._scattered(draw, moment) if self._places.tiles is None else self._tiled(draw, moment)
        for sites, points in drawn:
            found, surveyed = self._places.sites.labels(sites)
            seen = self._places.seen(np.concatenate([sites, points]), draw)
            yield Batch(seen, torch.from_numpy(found), torch.from_numpy(surveyed))

    def _scattered(self, draw: np.random.Generator, moment: Moment) -> Iterator[tuple[Index, Index]]:
        equal = len(self._sites) // moment.world * moment.world
        order = draw.permutation(self._sites)[:equal][moment.rank :: moment.world]
        beside = self._beside(len(order), draw)
        for chosen in np.array_split(np.arange(len(order)), len(self)):
            yield order[chosen], beside[chosen] if len(beside) else beside

    def _tiled(self, draw: np.random.Generator, moment: Moment) -> Iterator[tuple[Index, Index]]:
        tiles = self._places.tiles
        if tiles is None:
            raise ValueError("there are no tiles")
        every = draw.permutation(np.unique(tiles[np.concatenate([self._sites, self._background])]))
        rank = np.zeros(int(tiles.max()) + 1, np.int64)
        rank[every] = np.arange(len(every))
        counts = np.bincount(rank[tiles[self._sites]], minlength=len(every))
        before = np.cumsum(counts) - counts
        number = len(self) * moment.world
        batch = np.minimum(before * number // max(1, len(self._sites)), number - 1)
        batch = _joined(batch, counts)
        of_sites, of_points = (batch[rank[tiles[index]]] for index in (self._sites, self._background))
        for one in range(moment.rank, (int(batch[-1]) + 1) // moment.world * moment.world, moment.world):
            yield self._sites[of_sites == one], self._background[of_points == one]

    def _beside(self, number: int, draw: np.random.Generator) -> Index:
        """Return ``number`` background points, each about equally often."""
        if not len(self._background):
            return self._background
        rounds = [draw.permutation(self._background) for _ in range(-(-number // len(self._background)))]
        return np.concatenate(rounds)[:number] if rounds else self._background[:0]


def _joined(batch: Index, sites: Index) -> Index:
    """Return the batch of each tile, numbered from 0, those with too few sites joined to their neighbours.

    ``batch`` (tiles,) ascends; ``sites`` (tiles,) is the number of sites of each tile.
    """
    joined = np.empty_like(batch)
    number = held = 0
    for one in np.unique(batch):
        mine = batch == one
        joined[mine] = number
        held += int(sites[mine].sum())
        if held >= FEWEST:
            number, held = number + 1, 0
    return np.minimum(joined, max(0, number - 1))


def _pieces(values: Index, size: int) -> Iterator[Index]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
