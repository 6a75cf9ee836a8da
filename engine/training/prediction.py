"""What a trained network gives at places: logits, and features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from ...models.architecture import BranchKey
from ...models.fusion import fused
from ...models.network import FusionNetwork
from ..sites.site_table import Index
from .batches import Places

BATCH = 512  # places at a time


def logits_at(
    network: FusionNetwork,
    places: Places,
    index: Index,
    device: torch.device | None = None,
    between: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.float32]:
    """Return the logits at some places, (places, species)."""
    quick = fused(network).to(device or torch.device("cpu"))
    found = [np.zeros((0, network.architecture.species), np.float32)]
    with torch.inference_mode():
        for start in range(0, len(index), BATCH):
            between()
            found.append(quick(_patches(places, index[start : start + BATCH], device)).cpu().numpy())
    return np.concatenate(found)


def branch_means(
    network: FusionNetwork,
    places: Places,
    index: Index,
    device: torch.device | None = None,
    between: Callable[[], None] = lambda: None,
) -> dict[BranchKey, torch.Tensor]:
    """Return the mean of every branch's features over some places, each (out_size,)."""
    quick = fused(network).to(device or torch.device("cpu"))
    sums: dict[BranchKey, torch.Tensor] = {}
    with torch.inference_mode():
        for start in range(0, len(index), BATCH):
            between()
            features = quick.features(_patches(places, index[start : start + BATCH], device))
            for key, part in features.items():
                total = part.cpu().sum(dim=0, dtype=torch.float64)
                sums[key] = sums[key] + total if key in sums else total
    return {key: (total / len(index)).to(torch.float32) for key, total in sums.items()}


def _patches(places: Places, index: Index, device: torch.device | None) -> dict[str, torch.Tensor]:
    return {name: one.to(device or "cpu") for name, one in places.tensors(index).items()}
