"""Predictors as forests and MaxEnt take them: a row a place, of pixel values and means over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...models.card import Band
from ..rasters.normalisation import Normalisation
from ..rasters.raster import Values
from ..running.progress import Monitor
from ..training.supplies import Spots, Supply

Rows = Values  # (places, predictors), in standard deviations


@dataclass(frozen=True)
class Windows:
    """What is taken of one modality.

    Attributes
    ----------
    supply
        Where its values come from.
    bands
        How they become channels: by mean and deviation, or one a category.
    sides
        Of the windows (px).
    """

    supply: Supply
    bands: tuple[Band, ...]
    sides: tuple[int, ...]


class PredictorTable:
    """What bands hold at some places, normalised as for a network.

    Parameters
    ----------
    windows
        By modality.
    spots
        The places.
    monitor
        Asked whether to go on.
    """

    def __init__(self, windows: Mapping[str, Windows], spots: Spots, monitor: Monitor) -> None:
        self._means: dict[tuple[str, int], Rows] = {}
        for name, wanted in windows.items():
            normalisation = Normalisation(wanted.bands)
            with wanted.supply.source(spots, max(wanted.sides)) as source:
                parts = [
                    window_means(normalisation.channels_of(values, valid), wanted.sides)
                    for values, valid in source.chunks(monitor.check)
                ]
                source.demand_unchanged()
                for number, side in enumerate(wanted.sides):
                    of_patch = np.concatenate([part[number] for part in parts])
                    self._means[name, side] = of_patch[source.places]

    def rows(self, scales: Sequence[tuple[str, Sequence[int]]]) -> Rows:
        """Return the predictors of some windows, side by side: (places, predictors)."""
        return np.hstack([self._means[name, side] for name, sides in scales for side in sides])


def window_means(patches: Values, sides: Sequence[int]) -> list[Rows]:
    """Return means of centred windows of patches (places, channels, side, side), each (places, channels)."""
    centre = patches.shape[-1] // 2
    found = []
    for side in sides:
        inside = slice(centre - side // 2, centre + side // 2 + 1)
        found.append(patches[:, :, inside, inside].mean(axis=(2, 3)))
    return found
