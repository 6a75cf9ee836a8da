"""Predictors as forests and MaxEnt take them: a row a place, of pixel values and means over windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..progress import Monitor
from ..rasters.normalisation import Normalisation
from ..rasters.raster import Values
from ..training.course import Course
from ..training.supplies import Spots, supply_of

Rows = Values  # (places, predictors), in standard deviations


class PredictorTable:
    """What the bands of a course hold at some places, normalised as for its networks.

    Parameters
    ----------
    course
        Its config says which rasters; its modalities how bands become channels, by mean and deviation or one
        a category.
    spots
        The places.
    sides
        By modality, the sides (px) of windows that may be asked for.
    monitor
        Asked whether to go on.
    """

    def __init__(
        self, course: Course, spots: Spots, sides: Mapping[str, Sequence[int]], monitor: Monitor
    ) -> None:
        self._means: dict[tuple[str, int], Rows] = {}
        for modality in course.modalities:
            supply = supply_of(modality.name, course.config.modality[modality.name])
            wanted = sides[modality.name]
            normalisation = Normalisation(modality.bands)
            with supply.source(spots, max(wanted)) as source:
                parts = [
                    window_means(normalisation.channels_of(values, valid), wanted)
                    for values, valid in source.chunks(monitor.check)
                ]
                source.demand_unchanged()
                for number, side in enumerate(wanted):
                    of_patch = np.concatenate([part[number] for part in parts])
                    self._means[modality.name, side] = of_patch[source.places]

        course.inputs.demand_unchanged()

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
