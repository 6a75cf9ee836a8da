"""MESS on a map, of what its strips hold: a value a pixel of the finest modality, a value a cell of others."""

from __future__ import annotations

import numpy as np

from ...models.card import Band
from ..mapping.plan import Plan
from ..mapping.strips import Strip
from .mess import Floats, Index, Mess


class MapMess:
    """MESS of the continuous bands of all modalities of a plan.

    Attributes
    ----------
    bands
        (modality, band), as ``of`` numbers them.
    """

    def __init__(self, plan: Plan) -> None:
        self.bands: list[tuple[str, Band]] = []
        self._finest = plan.finest
        self._parts: list[tuple[str, list[int], Mess, int]] = []  # places of bands, the number of the first
        for name, predictor in plan.predictors.items():
            continuous = {
                place: band for place, band in enumerate(predictor.modality.bands) if not band.categories
            }
            mess = Mess([band.quantiles for band in continuous.values()])
            self._parts.append((name, list(continuous), mess, len(self.bands)))
            self.bands += [(name, band) for band in continuous.values()]

    def of(self, strip: Strip) -> tuple[Floats, Index]:
        """Return the least similarity at each pixel of a strip, and the number of the first band that has it.

        Both are (rows, columns), and mean nothing where the strip has no value.
        """
        if strip.values is None:
            raise ValueError("a strip without input has no values")
        least = np.full(strip.tile.shape, np.inf)
        limiting = np.zeros(strip.tile.shape, np.intp)
        for name, places, mess, first in self._parts:
            if name == self._finest:
                similarity, band = mess.least(strip.values[places])
            else:
                cells = strip.cells[name]
                similarity, band = mess.least(cells.values[places])
                similarity, band = similarity[cells.own], band[cells.own]
            nearer = similarity < least
            least = np.where(nearer, similarity, least)
            limiting = np.where(nearer, band + first, limiting)
        return least, limiting
