"""Values of every site and background point by a network that did not learn from it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..judging.scored import Scored
from ..sites.blocks import Split
from ..sites.site_table import Index, SiteTable
from .course import Course


def scored_places(course: Course, logits: npt.NDArray[np.float32]) -> Scored:
    """Return all sites and background points with their values; those of no fold have fold -1, and 0.

    Parameters
    ----------
    course
        What was trained on.
    logits
        (sites and points, species); those of no fold are not looked at.
    """
    sites, points, blocks = course.sites, len(course.background), course.blocks
    found, surveyed = sites.labels(np.arange(len(sites)))
    presence_only = np.array([kind == "po" for kind in sites.kinds])
    fold = np.concatenate([blocks.fold, blocks.background_fold]).astype(np.int64)
    return Scored(
        species=sites.species,
        logit=np.where(fold[:, None] >= 0, logits, 0.0).astype(np.float64),
        found=np.concatenate([found > 0, np.zeros((points, len(sites.species)), np.bool_)]),
        known=np.concatenate([surveyed, np.broadcast_to(presence_only, (points, len(sites.species)))]),
        block=np.concatenate([blocks.block, blocks.background_block]).astype(np.int64),
        fold=fold,
        x=np.concatenate([sites.x, course.background.x]),
        y=np.concatenate([sites.y, course.background.y]),
        crs=sites.crs,
        background=np.arange(len(sites) + points) >= len(sites),
        kinds=sites.kinds,
        presences=sites.presences(),
    )


def scored_survey(
    sites: SiteTable,
    logit: npt.NDArray[np.float64],
    block: npt.NDArray[np.int64],
    fold: npt.NDArray[np.int64],
    presences: npt.NDArray[np.int64],
) -> Scored:
    """Return survey sites with their values; all were looked for, so nothing is presence-only.

    ``logit`` is (sites, species), ``presences`` (species,) those that were learnt from.
    """
    found, surveyed = sites.labels(np.arange(len(sites)))
    return Scored(
        species=sites.species,
        logit=logit,
        found=found > 0,
        known=surveyed,
        block=block,
        fold=fold,
        x=sites.x,
        y=sites.y,
        crs=sites.crs,
        background=np.zeros(len(sites), np.bool_),
        kinds=tuple("pa" if kind == "po" else kind for kind in sites.kinds),
        presences=presences,
    )


def held_out(scored: Scored) -> Scored:
    """Return the rows that some fold held out."""
    return scored.taken(np.flatnonzero(scored.fold >= 0))


def places_of(split: Split, sites: int, training: bool) -> Index:
    """Return the places that a split trains on, or tests: sites, and points after all of the ``sites``."""
    mine, points = (
        (split.training, split.background_training) if training else (split.testing, split.background_testing)
    )
    return np.concatenate([mine, points + sites])
