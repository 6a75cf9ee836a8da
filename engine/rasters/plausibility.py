"""Whether rasters hold what the network was trained on: means in training deviations, and categories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..protocol import Caution
from .foreign_categories import listed
from .predictors import Predictor
from .raster import Valid, Values
from .unit_guess import guess

LIMIT = 6.0  # training standard deviations


def cautions(
    predictor: Predictor, rows: slice, columns: slice, between: Callable[[], None]
) -> Iterator[Caution]:
    """Yield a caution where the mean of bands over a window is beyond ``LIMIT`` training deviations.

    And one for each categorical band of which most pixels hold categories that the network does not know.
    """
    values, valid = predictor.sample(rows, columns, between)
    yield from _foreign(predictor, values, valid)
    bands, samples = [], []
    for band, one, mask in zip(predictor.modality.bands, values, valid, strict=True):
        if mask.any() and not band.categories:
            bands.append(band)
            samples.append(one[mask])
    means = [float(one.mean(dtype=np.float64)) for one in samples]
    far = [i for i, band in enumerate(bands) if abs(means[i] - band.mean) > LIMIT * band.std]
    if not far:
        return
    parts = [
        f"{bands[i].name} averages {means[i]:.4g} (trained on {bands[i].mean:.4g} ± {bands[i].std:.3g}"
        f"{' ' + bands[i].unit if bands[i].unit else ''})"
        for i in far
    ]
    asked = guess(bands, samples, far) or "is it the right raster, in the right unit?"
    files = ", ".join(Path(file).name for file in predictor.files)
    yield Caution(
        "range",
        f"In {files} {', '.join(parts)}: {asked}",
        blocking=True,
        modality=predictor.modality.name,
        band=bands[far[0]].name if len(far) == 1 else "",
    )


def _foreign(predictor: Predictor, values: Values, valid: Valid) -> Iterator[Caution]:
    for place, band in enumerate(predictor.modality.bands):
        held = values[place][valid[place]]
        foreign = held[~np.isin(held, band.categories)] if band.categories else held[:0]
        if 2 * foreign.size > held.size:
            known = listed({float(one) for one in band.categories})
            yield Caution(
                "category",
                f"Most pixels of {band.name} hold categories that the model was not trained on "
                f"({listed(set(np.unique(foreign).tolist()))}; it knows {known}): is it the right raster?",
                blocking=True,
                modality=predictor.modality.name,
                band=band.name,
            )
