"""Made-up values of a network for the tests of judging, with a true probability that is known."""

from __future__ import annotations

import numpy as np
from scalescape.engine.judging.scored import Scored


def scored(
    rows: int = 600,
    species: int = 4,
    *,
    kinds: tuple[str, ...] | str = "pa",
    folds: int = 3,
    side: int = 6,
    background: float = 0.0,
    digits: int | None = None,
    seed: int = 0,
    prevalence: float = 0.3,
    names: tuple[str, ...] | None = None,
) -> Scored:
    """Rows in side x side blocks dealt to folds; ``digits`` rounds the logits, so that many are tied."""
    draw = np.random.default_rng(seed)
    x, y = draw.random((2, rows)) * 1000
    block = (x * side // 1000 * side + y * side // 1000).astype(np.int64)
    logit = draw.normal(0, 1.5, (rows, species)).astype(np.float32).astype(np.float64)
    if digits is not None:
        logit = np.round(logit, digits)
    p = 1 / (1 + np.exp(-logit - np.log(prevalence / (1 - prevalence))))
    is_background = draw.random(rows) < background
    found = (draw.random((rows, species)) < p) & ~is_background[:, None]
    return Scored(
        species=names or tuple(f"Species {i}" for i in range(species)),
        logit=logit,
        found=found,
        known=np.ones((rows, species), np.bool_),
        block=block,
        fold=draw.integers(0, folds, side * side)[block].astype(np.int64),
        x=x,
        y=y,
        crs="EPSG:32631",
        background=is_background,
        kinds=(kinds,) * species if isinstance(kinds, str) else kinds,
        presences=found.sum(axis=0).astype(np.int64),
    )
