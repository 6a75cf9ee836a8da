"""Random forests as rivals of a network: what they say of a place, as a logit."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier

from .scored import Flags, Floats

SMALLEST_SHARE = 0.5  # of a tree: no forest is surer than that


def balanced_forest_logits(
    values: npt.NDArray[np.floating],
    present: Flags,
    new_values: npt.NDArray[np.floating],
    trees: int,
    seed: int,
) -> Floats:
    """Return the logits of a down-sampled random forest at new places: (new places,).

    Each tree (Breiman 2001) is grown to its end on a bootstrap sample of the rarer class and as many places of
    the other one. Of 10,000 background points and some dozen presences an ordinary forest learns next to
    nothing but the background (Valavi et al. 2021, Ecography 44, 1731).

    Parameters
    ----------
    values, present
        (places, predictors) and (places,) to learn from; both classes must be there.
    new_values
        (new places, predictors).
    trees
        How many trees.
    seed
        Of the forest.
    """
    draw = np.random.default_rng(seed)
    known, new = (np.ascontiguousarray(one, np.float32) for one in (values, new_values))
    classes = np.flatnonzero(present), np.flatnonzero(~present)
    size = min(len(one) for one in classes)
    share = np.zeros(len(new))
    for _ in range(trees):
        rows = np.concatenate([draw.choice(one, size) for one in classes])
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=int(draw.integers(2**31)))
        tree.fit(known[rows], present[rows], check_input=False)
        share += tree.predict_proba(new, check_input=False)[:, 1]
    share = np.clip(share / trees, SMALLEST_SHARE / trees, 1 - SMALLEST_SHARE / trees)
    return np.asarray(np.log(share) - np.log1p(-share), np.float64)
