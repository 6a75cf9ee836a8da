"""Novelty of what each branch sees, computed in the pass that makes a map."""

from __future__ import annotations

from collections.abc import Mapping
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
    """A network that also tells how far its branches' features are from the training's.

    Attributes
    ----------
    spaces
        Of the branches that are on, and of modalities all of whose scales are.
    network
        With the coordinates of features as further outputs.
    plan
        The map's, that counts them.
    rows
        By modality that is on, the places in the head of the coordinates of its features, space by space.
    """

    spaces: dict[BranchKey, FeatureSpace]
    network: FusionNetwork
    plan: Plan
    rows: dict[str, tuple[int, ...]]

    @property
    def keys(self) -> tuple[BranchKey, ...]:
        """The branches, in the order of ``ratios``."""
        return tuple(self.spaces)

    def ratios(self, coordinates: Mapping[str, Tensor]) -> Tensor:
        """Return distances over their limits, (spaces, positions), of coordinates by modality.

        These are (rows, positions), and are used up.
        """
        starts = dict.fromkeys(coordinates, 0)
        found = []
        for (name, _), space in self.spaces.items():
            stop = starts[name] + len(space.axes)
            squares = coordinates[name][
                starts[name] : stop
            ].square_()  # norm(dim=0) would take 17 times as long
            found.append(squares.sum(dim=0).sqrt_().div_(space.limit))
            starts[name] = stop
        return torch.stack(found)


def _is_on(key: BranchKey, plan: Plan) -> bool:
    """Tell whether a branch is on, or all of a modality's."""
    name, scale = key
    on = plan.scales.get(name, ())
    return on == plan.card.modality(name).scales if scale == ALL_SCALES else scale in on


def feature_novelty(model: ModelFile, plan: Plan) -> FeatureNovelty | None:
    """Return what maps the novelty of features; None where none is wanted, or the model file knows no space."""
    spaces = {
        key: model.feature_spaces[key]
        for key in space_sizes(model.network.architecture)
        if key in model.feature_spaces and _is_on(key, plan)
    }
    if not spaces or not plan.job.wants_novelty:
        return None
    rows: dict[str, tuple[int, ...]] = dict.fromkeys(plan.scales, ())
    first = stop = model.network.architecture.species
    for (name, _), space in spaces.items():
        start, stop = stop, stop + len(space.axes)
        rows[name] += tuple(range(start, stop))
    return FeatureNovelty(
        spaces, with_coordinates(model.network, spaces), replace(plan, further=stop - first), rows
    )
