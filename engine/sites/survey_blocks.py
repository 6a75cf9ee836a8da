"""Blocks of a survey of its own: what its intervals are drawn from."""

from __future__ import annotations

import numpy as np
from odc.geo.crs import CRS

from .metric_plane import MetricPlane
from .site_table import Floats, Index
from .thinning import squares

ACROSS = 10  # blocks along the longer side of the survey's extent


def survey_blocks(x: Floats, y: Floats, crs: CRS) -> Index:
    """Return the block of each site, (sites,): squares that cut the longer side of the survey into ten."""
    places = MetricPlane(x, y, crs).places(x, y, crs)
    side = max(1.0, float(np.ptp(places, axis=0).max()) / ACROSS)
    return squares(places, side).astype(np.int64)
