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
from .sights import features_at

BATCH = 512  # places at a time
CPU = torch.device("cpu")


def logits_at(
    network: FusionNetwork,
    places: Places,
    index: Index,
    device: torch.device = CPU,
    between: Callable[[], None] = lambda: None,
) -> npt.NDArray[np.float32]:
    """Return the logits at some places, (places, species)."""
    quick = fused(network).to(device)
    found = np.empty((len(index), network.architecture.species), np.float32)
    with torch.inference_mode():
        for chosen in places.chunks(index, BATCH):
            between()
            seen = {name: one.to(device) for name, one in places.seen(index[chosen]).items()}
            found[chosen] = quick.logits(features_at(quick, places.sights, seen)).cpu().numpy()
    return found


def branch_means(
    network: FusionNetwork,
    places: Places,
    index: Index,
    device: torch.device = CPU,
    between: Callable[[], None] = lambda: None,
) -> dict[BranchKey, torch.Tensor]:
    """Return the mean of every branch's features over some places, each (out_size,)."""
    quick = fused(network).to(device)
    sums: dict[BranchKey, torch.Tensor] = {}
    with torch.inference_mode():
        for chosen in places.chunks(index, BATCH):
            between()
            seen = {name: one.to(device) for name, one in places.seen(index[chosen]).items()}
            for key, part in features_at(quick, places.sights, seen).items():
                total = part.cpu().sum(dim=0, dtype=torch.float64)
                sums[key] = sums[key] + total if key in sums else total
    return {key: (total / len(index)).to(torch.float32) for key, total in sums.items()}
