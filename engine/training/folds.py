"""What each fold tests, and what its network learns from."""

from __future__ import annotations

from dataclasses import dataclass

from ..running.errors import InputError
from ..sites.blocks import Blocks, Split
from .batches import FEWEST


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes
    ----------
    name
        In words, such as ``fold 1 of 5``.
    split
        What is tested, and all that may be learnt from.
    stops
        A split of the latter: what its network learns from, and what it stops early by. None where it does
        not stop early.
    """

    name: str
    split: Split
    stops: Split | None

    @property
    def learnt(self) -> Split:
        """The split whose training part the network learns from."""
        return self.stops or self.split


def folds_of(blocks: Blocks, buffer_m: float, patience: int) -> tuple[Fold, ...]:
    """Return the folds of all blocks. Raises InputError where one of them leaves too little to train on."""
    found = []
    for number in range(blocks.folds):
        stops = blocks.inner(number, buffer_m) if patience else None
        fold = Fold(f"fold {number + 1} of {blocks.folds}", blocks.split(number, buffer_m), stops)
        left = len(fold.learnt.training)
        if left < FEWEST:
            raise InputError(
                f"For {fold.name} {left} of {len(blocks.block)} sites are left to train on; give more sites, "
                "or make blocks_km or buffer_km smaller."
            )
        found.append(fold)
    return tuple(found)
