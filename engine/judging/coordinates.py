"""Coordinates alone as a null: how well would a map do that knows where, and nothing of the landscape?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier

from ..errors import InputError
from .scored import Scored

TREES = 200
LEAF = 3  # sites in a leaf at least
MOST_ROWS = 10_000  # a forest learns from; of more, these many are drawn
MOST_SPECIES = 50  # forests are grown by species and fold; of more species, these many are drawn

Index = npt.NDArray[np.intp]


def coordinates_null(
    scored: Scored,
    folds: Sequence[tuple[Index, Index]],
    seed: int = 0,
    sites: Scored | None = None,
    most_species: int = MOST_SPECIES,
) -> Scored:
    """Return values of random forests on x and y alone, on the folds and buffers of the network.

    Parameters
    ----------
    folds
        For each fold the rows to train on (buffers applied) and the rows of ``scored`` to fill.
    seed
        Of the forests.
    sites
        Where the rows to train on come from, in the CRS of ``scored``; ``scored`` itself unless told.
    most_species
        Of more species than this, that many are taken, evenly from the rarest to the commonest.

    Returns
    -------
    The same rows and species. ``known`` is False where there is no forest: in rows of no fold, for a species
    with one class only in the training rows, or one that was not taken.
    """
    source = scored if sites is None else sites
    if source.species != scored.species or source.crs != scored.crs:
        raise InputError(
            "Coordinates alone can't be judged where training and test differ in species or CRS; "
            "give both in the CRS of the test."
        )
    tested = np.flatnonzero(scored.present.any(axis=0) & scored.absent.any(axis=0))
    if len(tested) > most_species:
        ranked = tested[np.argsort(scored.presences[tested], kind="stable")]
        tested = ranked[np.linspace(0, len(ranked) - 1, most_species).round().astype(np.intp)]
    places, new_places = (np.column_stack([one.x, one.y]) for one in (source, scored))
    logit = np.zeros_like(scored.logit)
    filled = np.zeros_like(scored.known)
    for number, (train, test) in enumerate(folds):
        for column in tested:
            counted = train[(source.present[train, column] | source.absent[train, column])]
            if len(counted) > MOST_ROWS:
                draw = np.random.default_rng([seed, number, int(column)])
                counted = np.sort(draw.choice(counted, MOST_ROWS, replace=False))
            found = source.present[counted, column]
            if not found.any() or found.all():
                continue
            forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=seed + number)
            share = forest.fit(places[counted], found).predict_proba(new_places[test])[:, 1]
            share = np.clip(share, 0.5 / TREES, 1 - 0.5 / TREES)
            logit[test, column] = np.log(share) - np.log1p(-share)
            filled[test, column] = True
    return replace(scored, logit=logit, known=scored.known & filled)
