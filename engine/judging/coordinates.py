"""Coordinates alone as a null: how well would a map do that knows where, and nothing of the landscape?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..running.errors import InputError
from .location import location_logits
from .scored import Scored

MOST_ROWS = 10_000  # that are learnt from; of more, these many are drawn
MOST_SPECIES = 50  # the null is fitted by species and fold; of more species, these many are drawn

Index = npt.NDArray[np.intp]


def coordinates_null(
    scored: Scored,
    folds: Sequence[tuple[Index, Index]],
    seed: int = 0,
    sites: Scored | None = None,
    most_species: int = MOST_SPECIES,
) -> Scored:
    """Return what x and y alone say (``location_logits``), on the folds and buffers of the network.

    Parameters
    ----------
    folds
        For each fold the rows to train on (buffers applied) and the rows of ``scored`` to fill.
    seed
        Of what is drawn.
    sites
        Where the rows to train on come from, in the CRS of ``scored``; ``scored`` itself by default.
    most_species
        Of more species than this, that many are taken, evenly from the rarest to the commonest.

    Returns
    -------
    The same rows and species. ``known`` is False where nothing was fitted: in rows of no fold, for a species
    with one class only in the training rows, or one that was not taken.
    """
    source = scored if sites is None else sites
    if source.species != scored.species or source.crs != scored.crs:
        raise InputError(
            "Coordinates alone can't be judged where training and test differ in species or CRS; "
            "give both in the CRS of the test."
        )
    tested = evenly(
        np.flatnonzero(scored.present.any(axis=0) & scored.absent.any(axis=0)), scored, most_species
    )
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
            logit[test, column] = location_logits(places[counted], found, new_places[test], seed + number)
            filled[test, column] = True
    return replace(scored, logit=logit, known=scored.known & filled)


def evenly(columns: Index, scored: Scored, most: int) -> Index:
    """Return at most ``most`` of some species, evenly from the rarest to the commonest."""
    if len(columns) <= most:
        return columns
    ranked = columns[np.argsort(scored.presences[columns], kind="stable")]
    return ranked[np.linspace(0, len(ranked) - 1, most).round().astype(np.intp)]
