"""How unlike the training's a branch's features are: Mahalanobis distance among their first principal
components.

A network can be given further outputs that are linear in a branch's features, as a logit is. So the
coordinates of features along their principal components come out of the same pass as logits, densely or not.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .architecture import Architecture, BranchKey
from .network import FusionNetwork

ALL_SCALES = 0  # in place of a scale: the features of all branches of a modality, one after the other


@dataclass(frozen=True)
class FeatureSpace:
    """The features of one branch, or of all of a modality together, over the training places.

    Attributes
    ----------
    centre
        (out_size,) their mean.
    axes
        (components, out_size) the first principal components, each over the standard deviation along it: a
        product with features less their mean gives coordinates of deviation 1, whose length is the Mahalanobis
        distance.
    limit
        Of that distance: beyond it a place is novel. Where the card says ``joint_limit``, 1 % of the places
        that networks had not learned from exceed the limit of one space or another; else it is each space's
        own 99th percentile at such places.
    """

    centre: Tensor
    axes: Tensor
    limit: float

    def distance(self, features: Tensor) -> Tensor:
        """Return the Mahalanobis distance of features (places, out_size): (places,)."""
        found: Tensor = ((features - self.centre) @ self.axes.T).norm(dim=1)
        return found


def space_sizes(architecture: Architecture) -> dict[BranchKey, int]:
    """Return whose features a space may be made of, with their number: branches, then whole modalities.

    A modality of several scales also has a space of all of them together, in which combinations that never
    occur stand out: the same cover in the smallest window and in the largest.
    """
    sizes = {(m.name, b.scale): b.out_size for m in architecture.modalities for b in m.branches}
    return sizes | {
        (m.name, ALL_SCALES): sum(b.out_size for b in m.branches)
        for m in architecture.modalities
        if len(m.branches) > 1
    }


def with_coordinates(network: FusionNetwork, spaces: Mapping[BranchKey, FeatureSpace]) -> FusionNetwork:
    """Return a network with the coordinates of some branches' features as further outputs, after the species.

    They come branch by branch in the order of ``spaces``, as many a branch as it has axes.
    """
    found = copy.deepcopy(network)
    old, further = network.head, sum(len(one.axes) for one in spaces.values())
    head = nn.Linear(old.in_features, old.out_features + further).to(old.weight)
    starts, start = {}, 0
    for key, weight in network.head_weights().items():
        starts[key] = slice(start, start + weight.shape[1])
        start += weight.shape[1]
    for modality in network.architecture.modalities:
        mine = [starts[modality.name, branch.scale] for branch in modality.branches]
        starts[modality.name, ALL_SCALES] = slice(mine[0].start, mine[-1].stop)
    with torch.no_grad():
        head.weight.zero_()
        head.weight[: old.out_features] = old.weight
        head.bias[: old.out_features] = old.bias
        row = old.out_features
        for key, space in spaces.items():
            rows = slice(row, row + len(space.axes))
            head.weight[rows, starts[key]] = space.axes.to(old.weight)
            head.bias[rows] = -(space.axes @ space.centre).to(old.weight)
            row += len(space.axes)
    found.head = head.requires_grad_(False)
    return found
