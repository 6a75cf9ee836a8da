"""Random forests as rivals of a network: what they say of a place, as a logit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from .scored import Flags, Floats

SMALLEST_SHARE = 0.5  # of a tree: no forest is surer than that


def forest_logits(
    values: npt.NDArray[np.floating],
    present: Flags,
    new_values: npt.NDArray[np.floating],
    trees: int,
    leaf: int,
    seed: int,
) -> Floats:
    """Return the logits of a random forest (Breiman 2001) at new places: (new places,).

    Parameters
    ----------
    values, present
        (places, predictors) and (places,) to learn from; both classes must be there.
    new_values
        (new places, predictors).
    trees, leaf
        How many trees, and how many places a leaf holds at least.
    seed
        Of the forest.
    """
    forest = RandomForestClassifier(trees, min_samples_leaf=leaf, random_state=seed)
    share = forest.fit(values, present).predict_proba(new_values)[:, 1]
    share = np.clip(share, SMALLEST_SHARE / trees, 1 - SMALLEST_SHARE / trees)
    return np.asarray(np.log(share) - np.log1p(-share), np.float64)
