"""What early stopping goes by: the median AUC at places inside the training folds."""

from __future__ import annotations

import numpy as np
import torch

from ...models.network import FusionNetwork
from ..judging.discrimination import auc
from ..sites.blocks import Split
from .batches import Places
from .fitting import Score
from .prediction import logits_at


def stopping_score(places: Places, split: Split, device: torch.device) -> Score:
    """Return what scores a network at the test part of ``split``: median AUC over species, NaN without one.

    Presence-only species are compared with background points where there are any, all others with sites where
    they were looked for and not found.
    """
    sites, points = split.testing, split.background_testing
    index = np.concatenate([sites, points + len(places.sites)])
    found, surveyed = places.sites.labels(sites)
    against_points = np.array([kind == "po" for kind in places.sites.kinds]) & (len(points) > 0)

    def score(network: FusionNetwork) -> float:
        logits = logits_at(network, places, index, device).astype(np.float64)
        aucs = []
        for species in range(len(places.sites.species)):
            at_sites, beside = logits[: len(sites), species], logits[len(sites) :, species]
            present = surveyed[:, species] & (found[:, species] > 0)
            absent = surveyed[:, species] & (found[:, species] == 0)
            absences = beside if against_points[species] else at_sites[absent]
            if present.any() and len(absences):
                both = np.concatenate([at_sites[present], absences])
                aucs.append(auc(both, np.arange(len(both)) < int(present.sum())))
        return float(np.median(aucs)) if aucs else float("nan")

    return score
