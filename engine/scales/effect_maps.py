"""From the contributions at pixels: the dominant branch, its margin, and what switching scales off changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from ...models.architecture import BranchKey

Contributions = npt.NDArray[np.float32]
"""(branches, ...): by branch, in the architecture's order, at any pixels."""


def dominant(keys: Sequence[BranchKey], values: Contributions) -> npt.NDArray[np.intp]:
    """Return the place in ``keys`` of the branch that dominates at each pixel.

    The rule of ``models.attribution.dominant_branch`` at one pixel: the modality whose summed contribution is
    largest in absolute value, and in it the branch with the largest absolute contribution.
    """
    modalities, sums = _modality_sums(keys, values)
    winner = np.abs(sums).argmax(axis=0)
    mine = np.array([modalities.index(key[0]) for key in keys]).reshape(-1, *[1] * winner.ndim) == winner
    place: npt.NDArray[np.intp] = np.where(mine, np.abs(values), -1).argmax(axis=0)
    return place


def margin(keys: Sequence[BranchKey], values: Contributions) -> Contributions:
    """Return in logits how far each pixel is from another winner: 0 or more.

    The smaller of two leads: that of the dominant modality's summed contribution over the next modality's, and
    that of its largest branch over its next one, all in absolute values. One that has no rival leads by its own
    value.
    """
    modalities, sums = _modality_sums(keys, values)
    winner = np.abs(sums).argmax(axis=0)
    leads = [_lead(np.abs(sums))]
    for place, modality in enumerate(modalities):
        mine = np.abs(values[[key[0] == modality for key in keys]])
        leads.append(np.where(winner == place, _lead(mine), np.inf))
    smallest: Contributions = np.min(leads, axis=0).astype(np.float32)
    return smallest


def ablations(
    keys: Sequence[BranchKey],
    values: Contributions,
    replaced: Mapping[BranchKey, float],
    logit: Contributions,
) -> Contributions:
    """Return the probability without a branch minus that with it: (branches, ...).

    Without a branch means without all scales of its modality from it on, since nested scale dropout trained
    just these: from the largest inward. What is off adds ``replaced`` instead.
    """
    with_all = expit(logit)
    changes = values - np.array([replaced[key] for key in keys], np.float32).reshape(-1, *[1] * logit.ndim)
    found = np.empty_like(values)
    for place, (modality, scale) in enumerate(keys):
        off = [key[0] == modality and key[1] >= scale for key in keys]
        found[place] = expit(logit - changes[off].sum(axis=0)) - with_all
    return found


def _modality_sums(keys: Sequence[BranchKey], values: Contributions) -> tuple[list[str], Contributions]:
    """Return the modalities, and the summed contribution of each (modalities, ...)."""
    modalities = list(dict.fromkeys(key[0] for key in keys))
    sums = [values[[key[0] == modality for key in keys]].sum(axis=0) for modality in modalities]
    return modalities, np.stack(sums)


def _lead(values: Contributions) -> Contributions:
    """Return by how much the largest along the first axis exceeds the next, or its value where it is alone."""
    if len(values) == 1:
        values = np.concatenate([np.zeros_like(values), values])
    ranked = np.sort(values, axis=0)
    lead: Contributions = ranked[-1] - ranked[-2]
    return lead
