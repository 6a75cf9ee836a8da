"""Nested scale dropout: in training, keep only the k smallest scales of a modality, k drawn for each site.

So a small scale earns the credit for what a larger one shows as well, a larger one only for what it adds, and
at use the largest scales or a whole modality can honestly be switched off.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .architecture import Architecture, BranchKey

NONE_KEPT = 0.1
SOME_KEPT = 0.5
SOME_OF_TWO_KEPT = 0.3


def kept_probabilities(n_scales: int) -> list[float]:
    """Return the probability that k = 0, 1, ... ``n_scales`` of the smallest scales are kept."""
    between = n_scales - 1
    some = 0.0 if between == 0 else SOME_OF_TWO_KEPT if n_scales == 2 else SOME_KEPT
    return [NONE_KEPT, *([some / between] * between if between else []), 1 - NONE_KEPT - some]


def draw_kept(
    architecture: Architecture, sites: int, generator: torch.Generator | None = None
) -> dict[BranchKey, Tensor]:
    """Draw for each of ``sites`` which branches are kept: by branch, (sites,) of bool."""
    kept = {}
    for modality in architecture.modalities:
        weights = torch.tensor(kept_probabilities(len(modality.scales)))
        number = torch.multinomial(weights, sites, replacement=True, generator=generator)
        for rank, scale in enumerate(modality.scales):
            kept[modality.name, scale] = number > rank
    return kept
