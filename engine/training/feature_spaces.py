"""The spaces of branch features by which a map tells what is unlike the training."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import torch

from ...models.architecture import Architecture, BranchKey
from ...models.feature_space import ALL_SCALES, FeatureSpace
from ...models.fusion import fused
from ...models.network import FusionNetwork
from ..sites.site_table import Index
from .batches import Places
from .prediction import BATCH, CPU
from .sights import features_at

MOST_PLACES = 4000  # of a fold's, or of all: enough for a few components and a 99th percentile
MOST_COMPONENTS = 8
LEAST_SHARE = 1e-4  # of the first component's variance; a smaller one is noise of rounding
LIMIT_PERCENTILE = 99.0

Features = npt.NDArray[np.float64]


def features_of(
    network: FusionNetwork,
    places: Places,
    index: Index,
    device: torch.device = CPU,
    between: Callable[[], None] = lambda: None,
) -> dict[BranchKey, Features]:
    """Return the features of every branch at some places, (places, out_size), in the order of ``index``."""
    quick = fused(network).to(device)
    found: dict[BranchKey, Features] = {}
    with torch.inference_mode():
        for chosen in places.chunks(index, BATCH):
            between()
            seen = {name: one.to(device) for name, one in places.seen(index[chosen]).items()}
            for key, part in features_at(quick, places.sights, seen).items():
                if key not in found:
                    found[key] = np.empty((len(index), part.shape[1]))
                found[key][chosen] = part.double().cpu().numpy()
    return with_modalities(found, network.architecture)


def with_modalities(
    features: Mapping[BranchKey, Features], architecture: Architecture
) -> dict[BranchKey, Features]:
    """Return features with those of all scales of a modality beside, where it has several."""
    found = dict(features)
    for name in dict.fromkeys(key[0] for key in features):
        mine = [features[key] for key in architecture.branch_keys if key[0] == name]
        if len(mine) > 1:
            found[name, ALL_SCALES] = np.concatenate(mine, axis=1)
    return found


def some_of(index: Index, seed: int) -> Index:
    """Return at most ``MOST_PLACES`` of some places, drawn at random."""
    if len(index) <= MOST_PLACES:
        return index
    return np.sort(np.random.default_rng(seed).choice(index, MOST_PLACES, replace=False))


def feature_space(features: Features, limit: float = 1.0) -> FeatureSpace | None:
    """Return the space of features (places, out_size), None where they do not vary.

    It has the first principal components, at most ``MOST_COMPONENTS``.
    """
    centre = features.mean(axis=0)
    variance, directions = np.linalg.eigh(np.cov(features - centre, rowvar=False).reshape(len(centre), -1))
    order = np.argsort(-variance)[:MOST_COMPONENTS]
    order = order[variance[order] > max(LEAST_SHARE * variance.max(), 0)]
    if not len(order) or len(features) < 2:
        return None
    axes = directions[:, order].T / np.sqrt(variance[order])[:, None]
    return FeatureSpace(
        torch.from_numpy(centre.astype(np.float32)), torch.from_numpy(axes.astype(np.float32)), limit
    )


class HeldOutDistances:
    """Distances of held-out places, fold by fold, each in the space of its own network's training places.

    A Mahalanobis distance has no unit, so those of all folds' networks are put together.
    """

    def __init__(self) -> None:
        self._found: list[dict[BranchKey, Features]] = []  # by fold, (places,) in one order

    def add(self, learnt: Mapping[BranchKey, Features], tested: Mapping[BranchKey, Features]) -> None:
        """Take note of a fold: the features of places that its network learnt from, and of those held out."""
        distances = {}
        for key, features in learnt.items():
            space = feature_space(features)
            if space is not None and len(tested[key]):
                distance = space.distance(torch.from_numpy(tested[key].astype(np.float32)))
                distances[key] = distance.double().numpy()
        self._found.append(distances)

    def limits(self) -> dict[BranchKey, float]:
        """Return the limit of every branch: 1 % of all held-out places exceed that of one branch or another.

        Each branch's own 99th percentile is taken first, so that branches weigh alike; then the 99th percentile
        of the largest ratio to these widens all of them by one factor.
        """
        own = {}
        for key in dict.fromkeys(key for fold in self._found for key in fold):
            mine = np.concatenate([fold[key] for fold in self._found if key in fold])
            own[key] = float(np.percentile(mine, LIMIT_PERCENTILE))
        own = {key: limit for key, limit in own.items() if limit > 0}
        largest = [
            np.max([fold[key] / own[key] for key in fold if key in own], axis=0)
            for fold in self._found
            if not own.keys().isdisjoint(fold)
        ]
        if not largest:
            return {}
        factor = float(np.percentile(np.concatenate(largest), LIMIT_PERCENTILE))
        return {key: limit * factor for key, limit in own.items()}

    def spaces(self, features: Mapping[BranchKey, Features]) -> dict[BranchKey, FeatureSpace]:
        """Return the spaces of the shipped network's ``features``, with limits from the places held out."""
        limits = self.limits()
        found = {key: feature_space(one, limits[key]) for key, one in features.items() if key in limits}
        return {key: space for key, space in found.items() if space is not None}
