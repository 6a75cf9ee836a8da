"""Forest, MaxEnt and coordinates alone, fitted on the same folds, buffers and background as the networks."""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from ..judging.coordinates import MOST_ROWS
from ..judging.forest import balanced_forest_logits
from ..judging.location import location_logits
from ..judging.scored import Flags, Floats, Scored
from ..running.errors import InputError
from ..sites.site_table import Index
from .variant import COORDINATES, MAXENT

TREES = 200
TOLERANCE = 1e-4  # of MaxEnt's solver; docs/study.md says what elapid's own, 2e-6, would change

MOST_WITH_PRODUCTS = 12  # predictors of MaxEnt

Rows = npt.NDArray[np.floating]


def rival_logits(
    model: str,
    values: Rows,
    training: Index,
    everything: Scored,
    species: Index,
    new_values: Rows,
    seed: int,
) -> Floats:
    """Return the logits of a rival at new places, (new places, species); NaN for species that are not fitted.

    Parameters
    ----------
    model
        ``random_forest``, ``maxent`` or ``coordinates``.
    values, training
        (places, predictors) and the places to learn from.
    everything
        What was found at the places; a species learns its presences against its absences there, which for a
        presence-only one are background points.
    species
        Which species are fitted; those with one class only in the training places are not.
    new_values
        (new places, predictors).
    seed
        Of the forest.
    """
    found = np.full((len(new_values), len(everything.species)), np.nan)
    for column in species:
        counted = training[everything.present[training, column] | everything.absent[training, column]]
        if model == COORDINATES and len(counted) > MOST_ROWS:
            draw = np.random.default_rng([seed, int(column)])
            counted = np.sort(draw.choice(counted, MOST_ROWS, replace=False))
        present = everything.present[counted, column]
        if not present.any() or present.all():
            continue
        mine = values[counted]
        if model == MAXENT:
            found[:, column] = maxent_logits(mine, present, new_values)
        elif model == COORDINATES:
            places, new_places = (np.asarray(one, np.float64) for one in (mine, new_values))
            found[:, column] = location_logits(places, present, new_places, seed)
        else:
            found[:, column] = balanced_forest_logits(mine, present, new_values, TREES, seed)
    return found


def maxent_logits(values: Rows, present: Flags, new_values: Rows) -> Floats:
    """Return MaxEnt's linear predictor (Phillips et al. 2006, as a regression: Fithian and Hastie 2013).

    elapid's defaults, but for the solver's tolerance: linear, hinge and product features. Linear and hinge
    features alone where there are many predictors, as products grow with their square.

    Raises
    ------
    InputError
        elapid is not installed.
    """
    try:
        from elapid import MaxentModel
    except ModuleNotFoundError as error:
        raise InputError(
            "MaxEnt needs the package elapid; install scalescape[baselines], or run make setup."
        ) from error
    varied = np.ptp(values, axis=0) > 0
    features = ["linear", "hinge", "product"] if varied.sum() <= MOST_WITH_PRODUCTS else ["linear", "hinge"]
    model = MaxentModel(
        feature_types=features,
        transform="raw",
        convergence_tolerance=TOLERANCE,
        n_cpus=1,
        use_sklearn=True,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a solver that stops by its tolerance
        model.fit(np.asarray(values[:, varied], np.float64), present.astype(np.int64))
        raw = np.asarray(model.predict(np.asarray(new_values[:, varied], np.float64)), np.float64)
    limits = np.finfo(np.float64)
    return np.asarray(np.log(np.clip(raw, limits.tiny, limits.max)), np.float64)
