"""Batches of patches as tensors, for a torch ``DataLoader``."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .patch_set import Index, PatchSet


class PatchDataset(Dataset[dict[str, Tensor]]):
    """Whole batches by index, as nothing is won by fetching sites one by one.

    Give a loader a ``BatchSampler`` as its ``sampler`` and ``batch_size=None``; each item is then a batch,
    float32 (k, channels, side, side) by modality. It may go to other processes: they open the files themselves.

    Parameters
    ----------
    sets
        The patches of one list of sites, by modality.
    """

    def __init__(self, sets: Mapping[str, PatchSet]) -> None:
        if len({len(one) for one in sets.values()}) != 1:
            raise ValueError("the modalities have patches of different sites")
        self._sets = dict(sets)

    def __len__(self) -> int:
        """Return the number of sites."""
        return len(next(iter(self._sets.values())))

    def __getitem__(self, index: Index) -> dict[str, Tensor]:
        """Return the patches of some sites by modality."""
        return {name: torch.from_numpy(one.batch(index)) for name, one in self._sets.items()}
