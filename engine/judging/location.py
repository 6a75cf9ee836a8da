"""What location alone says of a species: three estimates of how much denser presences are than absences."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from .forest import balanced_forest_logits
from .scored import Flags, Floats

TREES = 100
DEGREE = 4  # of the polynomial in x and y
ITERATIONS = 1000
KERNEL_PLACES = 2_000  # of each class that a density is made from; of more, these many are drawn
FLOOR = -30.0  # of a log density ratio: so far from all presences nothing more is learnt
LEAST_SPREAD = 0.01  # of places along an axis, in deviations of all: a single one has none
CHUNK = 1_000  # new places at once


def location_logits(places: Floats, present: Flags, new_places: Floats, seed: int) -> Floats:
    """Return at new places the log ratio of the densities of presences and absences in space: (new places,).

    The mean of three estimates, each with both classes counting alike:

    - a random forest on x and y whose trees are grown on as many absences as presences;
    - a logistic regression on all terms of x and y up to the fourth degree (a trend surface);
    - a ratio of two kernel densities, normal kernels with Scott's (1992) bandwidth along each axis.

    Which of them is strongest differs from species to species. To choose it by the places that judge would make
    the null too strong, and a choice by the training places alone is a lottery where records are few. Their
    mean needs no choice: on the slugs of California it is as strong as the best of the three for each species,
    chosen with hindsight (docs/training.md has the figures).

    Parameters
    ----------
    places, present
        (places, 2) x and y to learn from, and where the species is; both classes must be there.
    new_places
        (new places, 2).
    seed
        Of what is drawn.
    """
    scale = StandardScaler().fit(places)
    known, new = scale.transform(places), scale.transform(new_places)
    found = (
        balanced_forest_logits(known, present, new, TREES, seed),
        _trend_surface(known, present, new),
        _kernel_ratio(known, present, new, seed),
    )
    return np.asarray(np.mean(found, axis=0), np.float64)


def _trend_surface(places: Floats, present: Flags, new_places: Floats) -> Floats:
    model = make_pipeline(
        PolynomialFeatures(DEGREE, include_bias=False),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=ITERATIONS),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(places, present)
    return np.maximum(np.asarray(model.decision_function(new_places), np.float64), FLOOR)


def _kernel_ratio(places: Floats, present: Flags, new_places: Floats, seed: int) -> Floats:
    draw = np.random.default_rng([seed, len(places)])
    ratio = np.zeros(len(new_places))
    for sign, rows in ((1, np.flatnonzero(present)), (-1, np.flatnonzero(~present))):
        if len(rows) > KERNEL_PLACES:
            rows = np.sort(draw.choice(rows, KERNEL_PLACES, replace=False))
        ratio += sign * _log_density(places[rows], new_places)
    return np.maximum(ratio, FLOOR)


def _log_density(places: Floats, new_places: Floats) -> Floats:
    """Return the log of a normal kernel density of places, by Scott's rule along each axis: (new places,)."""
    width = np.maximum(places.std(axis=0), LEAST_SPREAD) * len(places) ** (-1 / (places.shape[1] + 4))
    found = [
        logsumexp(-cdist(new_places[start : start + CHUNK] / width, places / width, "sqeuclidean") / 2, axis=1)
        for start in range(0, len(new_places), CHUNK)
    ]
    return np.asarray(np.concatenate(found) - np.log(len(places)) - np.log(width).sum(), np.float64)
