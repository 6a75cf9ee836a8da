"""Turned and mirrored patches: seen from above, a landscape has no preferred side."""

from __future__ import annotations

import torch
from torch import Tensor

TURNS = 8  # a square can be laid down in so many ways


def turned(patches: Tensor, ways: Tensor) -> Tensor:
    """Return patches (sites, bands, side, side), each laid down in its way, 0 to 7: mirrored from 4 on."""
    made = torch.empty_like(patches)
    for way in range(TURNS):
        chosen = torch.nonzero(ways == way).ravel()
        if len(chosen):
            one = patches[chosen]
            one = one.flip(-1) if way >= TURNS // 2 else one
            made[chosen] = torch.rot90(one, way % 4, (-2, -1))
    return made
