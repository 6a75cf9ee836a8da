"""Which branch adds what: contributions centred on their mean, and the rule that names a scale.

With w_b the head's weights on branch b, f_b its features and m_b their mean over background points (or surveyed
sites), a logit is

    bias' + sum over b of w_b (f_b - m_b),    bias' = bias + sum over b of w_b m_b

so a centred contribution is 0 where a branch sees what it sees on average. For the game in which each branch is
either itself or its mean, it is exactly the branch's Shapley value, since the sum has no interactions.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from .architecture import BranchKey
from .model_file import ModelFile
from .network import Features, FusionNetwork, branch_name

Value = TypeVar("Value")


def centred_contributions(
    network: FusionNetwork, features: Features, means: Mapping[BranchKey, Tensor]
) -> dict[BranchKey, Tensor]:
    """Return what each branch adds to each logit beyond its mean: by branch, (sites, species).

    A branch that ``features`` (sites, out_size) lacks contributes by its replacement, the same for all sites.
    """
    weights = network.head_weights()
    sites = next(iter(features.values())).shape[0]
    found = {}
    for key, weight in weights.items():
        part = features.get(key)
        if part is None:
            part = network.replacements[branch_name(key)].expand(sites, -1)
        found[key] = (part - means[key]) @ weight.T
    return found


def centred_bias(network: FusionNetwork, means: Mapping[BranchKey, Tensor]) -> Tensor:
    """Return bias' (species,): the logit where every branch contributes nothing."""
    bias: Tensor = network.head.bias
    for key, weight in network.head_weights().items():
        bias = bias + weight @ means[key]
    return bias


def replaced_contributions(
    network: FusionNetwork, means: Mapping[BranchKey, Tensor]
) -> dict[BranchKey, Tensor]:
    """Return what each branch adds to each logit where it is switched off: by branch, (species,)."""
    return {
        key: weight @ (network.replacements[branch_name(key)] - means[key])
        for key, weight in network.head_weights().items()
    }


def contribution_network(model: ModelFile, species: Sequence[int]) -> FusionNetwork:
    """Return a network whose outputs are centred contributions, in place of logits.

    Output b * len(species) + s is what branch b (in the architecture's order) adds for the s-th of ``species``.
    So whatever maps logits, densely or not, maps contributions in the same pass.
    """
    network = copy.deepcopy(model.network)
    keys = network.architecture.branch_keys
    rows = torch.tensor(list(species), device=network.head.weight.device)
    head = nn.Linear(network.head.in_features, len(keys) * len(rows)).to(network.head.weight)
    with torch.no_grad():
        head.weight.zero_()
        start = 0
        for place, (key, weight) in enumerate(network.head_weights().items()):
            mine = slice(place * len(rows), (place + 1) * len(rows))
            head.weight[mine, start : start + weight.shape[1]] = weight[rows]
            head.bias[mine] = -(weight[rows] @ model.branch_means[key])
            start += weight.shape[1]
    network.head = head.requires_grad_(False)
    return network


def dominant_branch(by_modality: Mapping[str, float], by_branch: Mapping[BranchKey, float]) -> BranchKey:
    """Return the branch that is held responsible for a species.

    Parameters
    ----------
    by_modality
        Mean absolute value of the *summed* centred contribution of each modality's branches.
    by_branch
        Mean absolute centred contribution of each branch.

    Returns
    -------
    BranchKey
        Of the modality with the largest value, the branch with the largest.
    """
    modality = max(by_modality, key=by_modality.__getitem__)
    return max((key for key in by_branch if key[0] == modality), key=by_branch.__getitem__)


def lead(values: Mapping[Value, float], winner: Value) -> float:
    """Return how many times a value is that of the largest other, infinity where there is none above 0."""
    most = max((value for key, value in values.items() if key != winner), default=0.0)
    return values[winner] / most if most > 0 else math.inf
