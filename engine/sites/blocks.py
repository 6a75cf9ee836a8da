"""Spatial blocks: squares of ground dealt to folds, so that a network is judged where it has not been."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from odc.geo.crs import CRS
from scipy import sparse, spatial

from ..running.errors import InputError
from .autocorrelation import autocorrelation_range
from .background import Background
from .metric_plane import MetricPlane, Places
from .site_table import Index, SiteTable
from .thinning import squares

Numbers = npt.NDArray[np.int32]

SAMPLE = 1000  # sites, and background points, whose pairs tell the range of autocorrelation
FEWEST_BLOCKS = 5  # of a species that is judged by blocks
BLOCKS_A_FOLD = 4  # that an automatic side leaves at least
SHARE_OF_EXTENT = 1 / 3  # of the sites' extent: the longest automatic side
SHRINK = 0.8  # of a side that leaves too few blocks, until it leaves enough
KEPT_OUT = 5  # a fifth of the blocks, of those for one fold or for early stopping
SHAKEN = (0.75, 1.25)  # by how much a block's size is shaken before they are put in order
NONE = -1  # the fold of what is never tested


@dataclass(frozen=True)
class Split:
    """Sites and background points to train on, and others to judge or stop by; all are indices."""

    training: Index
    testing: Index
    background_training: Index
    background_testing: Index


@dataclass(frozen=True)
class Blocks:
    """The block and fold of every site and background point.

    Attributes
    ----------
    side_m
        Side of the squares.
    folds
        How many folds are tested one by one; with 1, a fifth of the blocks is, and the rest has fold -1.
    plane
        The plane in metres that the squares are cut from.
    places, background_places
        (sites, 2) and (points, 2) in it.
    block, background_block
        (sites,) and (points,) number of the block.
    fold, background_fold
        The same for the fold.
    loads
        (sites, 1 + species): 1 for the site, and what was found there; what dealing spreads evenly.
    seed
        Of the dealing.
    notes
        Sentences on how the side came about.
    """

    side_m: float
    folds: int
    plane: MetricPlane
    places: Places
    background_places: Places
    block: Numbers
    background_block: Numbers
    fold: Numbers
    background_fold: Numbers
    loads: sparse.csr_array
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of blocks that hold a site."""
        return len(np.unique(self.block))

    def split(self, fold: int, buffer_m: float) -> Split:
        """Return what is tested in a fold, and what is trained on: all the rest further away than the buffer.

        Parameters
        ----------
        fold
            From 0.
        buffer_m
            Training sites and background points within this distance of any test site are dropped.

        Raises
        ------
        InputError
            The buffer leaves no site to train on.
        """
        return self._split(self.fold == fold, self.background_fold == fold, buffer_m)

    def inner(self, fold: int | None, buffer_m: float) -> Split:
        """Return a split of a fold's training data (of all data for None): a fifth of its blocks to stop by.

        Both parts keep away from the fold's test sites, and the training part from the stopping part.
        """
        if fold is None:
            index, background = np.arange(len(self.block)), np.arange(len(self.background_block))
        else:
            outer = self.split(fold, buffer_m)
            index, background = outer.training, outer.background_training
        blocks, inside = np.unique(self.block[index], return_inverse=True)
        if len(blocks) < 2:
            raise InputError(
                "The training sites lie in one block, so that none is left to stop early by; make blocks_km "
                "smaller or set patience = 0."
            )
        loads = _summed(inside, self.loads[index], len(blocks))
        dealt = _dealt(loads, min(KEPT_OUT, len(blocks)), [self.seed, 5, 0 if fold is None else fold + 1])
        stops = blocks[dealt == 0]
        part = self._split(
            np.isin(self.block[index], stops),
            np.isin(self.background_block[background], stops),
            buffer_m,
            index,
            background,
        )
        return Split(
            index[part.training],
            index[part.testing],
            background[part.background_training],
            background[part.background_testing],
        )

    def blocks_of_species(self, sites: SiteTable, index: Index | None = None) -> npt.NDArray[np.int64]:
        """Return the number of blocks in which each species was found (among some sites): (species,)."""
        chosen = np.arange(len(sites)) if index is None else index
        _, inside = np.unique(self.block[chosen], return_inverse=True)
        found = _summed(inside, sites.found[chosen].astype(np.float64), len(np.unique(inside)))
        return np.asarray((found > 0).sum(axis=0), np.int64).ravel()

    def too_few(self, sites: SiteTable) -> npt.NDArray[np.bool_]:
        """Tell which species were found in fewer than 5 blocks, too few to be judged by blocks: (species,)."""
        return self.blocks_of_species(sites) < FEWEST_BLOCKS

    def _split(
        self,
        tested: npt.NDArray[np.bool_],
        background_tested: npt.NDArray[np.bool_],
        buffer_m: float,
        index: Index | None = None,
        background: Index | None = None,
    ) -> Split:
        places = self.places if index is None else self.places[index]
        background_places = self.background_places if background is None else self.background_places[background]
        near = within(places, places[tested], buffer_m)
        background_near = within(background_places, places[tested], buffer_m)
        split = Split(
            np.flatnonzero(~tested & ~near),
            np.flatnonzero(tested),
            np.flatnonzero(~background_tested & ~background_near),
            np.flatnonzero(background_tested),
        )
        if len(split.training) == 0:
            raise InputError(
                f"Every training site lies within the buffer of {buffer_m / 1000:g} km of a test site; make "
                "buffer_km smaller, or give sites from a wider area."
            )
        return split


def within(places: Places, of: Places, distance_m: float) -> npt.NDArray[np.bool_]:
    """Tell which places lie within a distance of any of others; within 0 none does."""
    if distance_m <= 0 or len(of) == 0 or len(places) == 0:
        return np.zeros(len(places), np.bool_)
    nearest, _ = spatial.cKDTree(of).query(places, distance_upper_bound=np.nextafter(distance_m, np.inf))
    return np.asarray(np.isfinite(nearest), np.bool_)


def buffer_of(buffer_km: float | Literal["auto"], largest_window_m: float) -> float:
    """Return the buffer around test sites in metres: for ``auto`` the largest window."""
    return largest_window_m if buffer_km == "auto" else buffer_km * 1000


def make_blocks(
    sites: SiteTable,
    background: Background,
    folds: int,
    blocks_km: float | Literal["auto"],
    largest_window_m: float,
    seed: int,
) -> Blocks:
    """Cut the ground into squares and deal them to folds.

    Folds get about as many sites, background points and presences of each species as the others.

    Parameters
    ----------
    sites, background
        What gets a block and a fold.
    folds
        How many; 1 keeps a fifth of the blocks out for good.
    blocks_km
        Side of the squares. ``auto``: the larger of the range of autocorrelation and twice the largest window,
        but no more than a third of the extent, and no more than leaves four blocks a fold.
    largest_window_m
        The largest scale on the ground.
    seed
        Of the dealing.

    Raises
    ------
    InputError
        There are fewer sites, or blocks with sites, than folds.
    """
    needed = max(folds, 2)
    if len(sites) < needed:
        raise InputError(f"There are {len(sites)} sites for {needed} folds; give more sites or fewer folds.")
    plane = MetricPlane(sites.x, sites.y, CRS(sites.crs))
    places = plane.places(sites.x, sites.y, CRS(sites.crs))
    background_places = plane.places(background.x, background.y, CRS(background.crs))
    notes: tuple[str, ...] = ()
    if blocks_km == "auto":
        side, notes = _automatic_side(sites, places, background_places, needed, largest_window_m, seed)
    else:
        side = blocks_km * 1000
    both = squares(np.concatenate([places, background_places]), side)
    block, background_block = both[: len(places)], both[len(places) :]
    found = len(np.unique(block))
    if found < needed:
        blocks = "1 block" if found == 1 else f"{found} blocks"
        raise InputError(
            f"The sites lie in {blocks} of {side / 1000:g} km, fewer than the {needed} folds; make "
            "blocks_km smaller, or give fewer folds."
        )
    one = sparse.csr_array(np.ones((len(places), 1)))
    loads = sparse.csr_array(sparse.hstack([one, sites.found.astype(np.float64)], "csr"))
    total = int(both.max()) + 1
    points = np.bincount(background_block, minlength=total).astype(np.float64)
    of_block = sparse.hstack([_summed(block, loads, total), sparse.csr_array(points[:, None])], "csr")
    dealt = _dealt(sparse.csr_array(of_block), folds if folds > 1 else KEPT_OUT, [seed, 4])
    if folds == 1:
        dealt = np.where(dealt == 0, 0, NONE).astype(np.int32)
    return Blocks(
        side_m=side,
        folds=folds,
        plane=plane,
        places=places,
        background_places=background_places,
        block=block.astype(np.int32),
        background_block=background_block.astype(np.int32),
        fold=dealt[block],
        background_fold=dealt[background_block],
        loads=loads,
        seed=seed,
        notes=notes,
    )


def _automatic_side(
    sites: SiteTable,
    places: Places,
    background_places: Places,
    folds: int,
    largest_window_m: float,
    seed: int,
) -> tuple[float, tuple[str, ...]]:
    """Return the side of the squares in metres, and how it came about."""
    draw = np.random.default_rng([seed, 6])
    mine, theirs = _sample(len(places), draw), _sample(len(background_places), draw)
    found, known = sites.labels(mine)
    labels = np.concatenate([found, np.zeros((len(theirs), found.shape[1]))]).astype(np.float64)
    absent = np.array([kind == "po" for kind in sites.kinds])  # background says nothing of surveyed species
    known = np.concatenate([known, np.tile(absent, (len(theirs), 1))])
    together = np.concatenate([places[mine], background_places[theirs]])
    reach = autocorrelation_range(together, labels, known)
    wanted = max(reach, 2 * largest_window_m)
    extent = float(np.ptp(places, axis=0).max())
    if wanted <= 0:
        wanted = extent * SHARE_OF_EXTENT
    side = min(wanted, extent * SHARE_OF_EXTENT) or 1.0
    while len(np.unique(squares(places, side))) < folds * BLOCKS_A_FOLD and side > extent / 1e4:
        side *= SHRINK
    notes = [
        f"Blocks are {_km(side)} wide: labels are correlated up to about {_km(reach)}, and the largest window "
        f"is {_km(largest_window_m)}."
    ]
    if side < wanted:
        notes.append(
            f"Blocks of {_km(wanted)} would be too few for {folds} folds, so near sites may tell on each other."
        )
    return side, tuple(notes)


def _sample(count: int, draw: np.random.Generator) -> Index:
    return np.sort(draw.choice(count, SAMPLE, replace=False)) if count > SAMPLE else np.arange(count)


def _km(metres: float) -> str:
    return f"{metres / 1000:.3g} km"


def _summed(group: Index, rows: sparse.csr_array, groups: int) -> sparse.csr_array:
    """Return the sums of rows by group: (groups, columns)."""
    parts = (np.ones(len(group)), (group, np.arange(len(group))))
    return sparse.csr_array(sparse.csr_array(parts, shape=(groups, len(group))) @ rows)


def _dealt(loads: sparse.csr_array, folds: int, seed: list[int]) -> Numbers:
    """Deal blocks to folds so that each column of ``loads`` is spread evenly: (blocks,) fold.

    Blocks are taken from the largest (in the first column) to the smallest, in an order shaken by the seed.
    Each goes to the fold that has least of what it holds: the one where the sum of squares of the folds' shares
    grows least. The first column weighs as much as all others together.

    Parameters
    ----------
    loads
        (blocks, columns) number of sites, then presences of each species and background points.
    folds
        How many.
    seed
        Of the order.
    """
    columns = loads.shape[1]
    totals = np.asarray(loads.sum(axis=0), np.float64).ravel()
    share = np.where(np.arange(columns) == 0, 1.0, 1.0 / max(columns - 1, 1))
    weight = share / np.maximum(totals, 1.0) ** 2
    draw = np.random.default_rng(seed)
    size = loads[:, [0]].toarray().ravel() + np.asarray(loads.sum(axis=1), np.float64).ravel() / (
        1 + totals.sum()
    )
    order = np.argsort(-size * draw.uniform(*SHAKEN, len(size)), kind="stable")
    held = np.zeros((folds, columns))
    fold = np.zeros(len(size), np.int32)
    for block in order:
        part = slice(loads.indptr[block], loads.indptr[block + 1])
        mine, amount = loads.indices[part], loads.data[part]
        fold[block] = int(np.argmin(held[:, mine] @ (weight[mine] * amount)))
        held[fold[block], mine] += amount
    return fold
