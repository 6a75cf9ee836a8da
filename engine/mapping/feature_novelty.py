"""Novelty of what each branch sees, computed in the pass that makes a map."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ...models.architecture import BranchKey
from ...models.feature_space import ALL_SCALES, FeatureSpace, space_sizes, with_coordinates
from ...models.model_file import ModelFile
from ...models.network import FusionNetwork
from .plan import Plan


@dataclass(frozen=True)
class FeatureNovelty:
    """A network that gives, after the species, how far its branches' features are from the training's.

    Attributes
    ----------
    spaces
        Of the branches that are on, and of modalities all of whose scales are.
    network
        With the coordinates of features as further outputs.
    outputs
        The plan, with those outputs after its species.
    species
        How many species the plan has.
    """

    spaces: dict[BranchKey, FeatureSpace]
    network: FusionNetwork
    outputs: Plan
    species: int

    @property
    def keys(self) -> tuple[BranchKey, ...]:
        """The branches, in the order of values."""
        return tuple(self.spaces)

    def link(self, logits: Tensor) -> Tensor:
        """Return probabilities, then distances over their limits: (species + branches, positions)."""
        coordinates = logits[self.species :]
        ratios, start = [], 0
        for space in self.spaces.values():
            mine = coordinates[start : start + len(space.axes)]
            ratios.append(mine.norm(dim=0).div_(space.limit))
            start += len(space.axes)
        return torch.cat([torch.sigmoid_(logits[: self.species]), torch.stack(ratios)])


def _is_on(key: BranchKey, plan: Plan) -> bool:
    """Tell whether a branch is on, or all of a modality's."""
    name, scale = key
    on = plan.scales.get(name, ())
    return on == plan.card.modality(name).scales if scale == ALL_SCALES else scale in on


def feature_novelty(model: ModelFile, plan: Plan) -> FeatureNovelty | None:
    """Return what maps the novelty of features, None where the model file knows no space of a branch on."""
    spaces = {
        key: model.feature_spaces[key]
        for key in space_sizes(model.network.architecture)
        if key in model.feature_spaces and _is_on(key, plan)
    }
    if not spaces:
        return None
    first = model.network.architecture.species
    rows = sum(len(one.axes) for one in spaces.values())
    outputs = replace(plan, species=(*plan.species, *range(first, first + rows)))
    return FeatureNovelty(spaces, with_coordinates(model.network, spaces), outputs, len(plan.species))
