"""A digest by which a stopped run knows whether it may go on."""

from __future__ import annotations

import hashlib

import numpy as np

from ..version import software
from .course import Course


def fingerprint(course: Course) -> str:
    """Return a digest of all that decides the weights: settings, sites, predictors, versions."""
    sites, points = course.sites, course.background
    masks = (sites.group, sites.surveyed, sites.holes.indices, sites.holes.indptr)
    digest = hashlib.sha256()
    for values in (sites.x, sites.y, sites.found.indices, sites.found.indptr, *masks, points.x, points.y):
        digest.update(np.ascontiguousarray(values).tobytes())
    settings = (course.recipe, course.modalities, course.architecture, sites.species, sites.kinds, software())
    digest.update(repr((*settings, course.lambda2.tolist(), course.digests)).encode())
    return digest.hexdigest()
