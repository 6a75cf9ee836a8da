"""A digest by which a stopped run knows whether it may go on."""

from __future__ import annotations

import hashlib

import numpy as np

from ..running.version import software
from ..sites.site_table import SiteTable
from .course import Course


def fingerprint(course: Course) -> str:
    """Return a digest of all that decides the weights: settings, sites, predictors, versions."""
    sites, points = course.sites, course.background
    digest = hashlib.sha256(table_digest(sites))
    for values in (points.x, points.y):
        digest.update(np.ascontiguousarray(values).tobytes())
    settings = (course.recipe, course.modalities, course.architecture, sites.species, sites.kinds, software())
    digest.update(repr((*settings, course.lambda2.tolist(), course.digests)).encode())
    return digest.hexdigest()


def table_digest(sites: SiteTable) -> bytes:
    """Return a digest of where sites are and what was looked for and found there."""
    masks = (sites.group, sites.surveyed, sites.holes.indices, sites.holes.indptr)
    digest = hashlib.sha256()
    for values in (sites.x, sites.y, sites.found.indices, sites.found.indptr, *masks):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()
