"""Several networks of one shape as one network whose logits are the mean of theirs, exactly.

Their channels stand side by side, and no layer mixes those of different networks: every kernel but the first is
block-diagonal. So whatever takes a network takes an ensemble too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from .architecture import Architecture
from .errors import ModelError
from .network import FusionNetwork

FIRST = "0."  # the layer of a backbone that reads the bands, which all networks share


def side_by_side(architecture: Architecture, members: int) -> Architecture:
    """Return the shape of ``members`` networks as one: all widths, channels and feature sizes times so many."""
    modalities = tuple(
        replace(
            modality,
            widths=tuple(width * members for width in modality.widths),
            branches=tuple(
                replace(branch, channels=branch.channels * members, out_size=branch.out_size * members)
                for branch in modality.branches
            ),
        )
        for modality in architecture.modalities
    )
    return replace(architecture, modalities=modalities)


def averaged(networks: Sequence[FusionNetwork]) -> FusionNetwork:
    """Return one network, in evaluation mode, whose logits are the mean of those of ``networks``.

    Raises
    ------
    ModelError
        The networks differ in shape, or there is none.
    """
    if not networks or any(one.architecture != networks[0].architecture for one in networks):
        raise ModelError("Only networks of one shape can be averaged, and one at least.")
    if len(networks) == 1:
        return networks[0].eval()
    shape = networks[0].architecture
    states = [one.state_dict() for one in networks]
    firsts = {f"backbones.{modality.name}.{FIRST}weight" for modality in shape.modalities}
    merged = {
        name: _merged([state[name] for state in states], name in firsts)
        for name in states[0]
        if not name.startswith("head.")
    }
    merged["head.bias"] = torch.stack([state["head.bias"] for state in states]).mean(dim=0)
    merged["head.weight"] = _head([state["head.weight"] for state in states], shape)
    found = FusionNetwork(side_by_side(shape, len(networks)))
    found.load_state_dict(merged)
    return found.requires_grad_(False).eval()


def _merged(parts: list[Tensor], first: bool) -> Tensor:
    """Return one tensor of all networks' ones: what stands by channel in a row, kernels block-diagonal."""
    if parts[0].dim() == 0:  # how many batches a norm has seen
        return parts[0]
    if parts[0].dim() == 1 or first:
        return torch.cat(parts)
    rows, columns = parts[0].shape[:2]
    wide = parts[0].new_zeros(rows * len(parts), columns * len(parts), *parts[0].shape[2:])
    for number, part in enumerate(parts):
        wide[number * rows : (number + 1) * rows, number * columns : (number + 1) * columns] = part
    return wide


def _head(weights: list[Tensor], shape: Architecture) -> Tensor:
    """Return the head's weights (species, features): branch by branch, and within each network by network."""
    sizes = [branch.out_size for modality in shape.modalities for branch in modality.branches]
    by_branch = [torch.split(weight, sizes, dim=1) for weight in weights]
    return torch.cat([part for parts in zip(*by_branch, strict=True) for part in parts], dim=1) / len(weights)
