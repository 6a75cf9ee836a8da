"""Occurrence: the calibrated probability of presence, where surveys allow it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from ..maps.encoding import Encoding
from ..protocol.products import OCCURRENCE
from ..rasters.raster import Values
from ..running.errors import InputError
from ..words.listing import listed
from .species_product import MOST_NAMED, MappedSpecies

MEANING = (
    "The probability that the species is present, calibrated on surveys that were held out of training; its "
    "sum over places is the number of them to be expected with the species."
)
# The ends of a probability in float32: beyond them its logit is not finite.
SMALLEST, LARGEST = np.float32(1e-37), np.float32(1 - 2**-24)


class Occurrence:
    """The occurrence of the species whose maps say how it is got: logit(o) = slope * logit(p) + intercept.

    Parameters
    ----------
    species
        All that are mapped.
    encoding
        How values stand in files.
    among
        Places in ``species`` of those that count; all by default.

    Raises
    ------
    InputError
        No species has an occurrence; the message says why.
    """

    name = OCCURRENCE

    def __init__(
        self, species: Sequence[MappedSpecies], encoding: Encoding, among: Sequence[int] | None = None
    ) -> None:
        self.encoding = encoding
        among = range(len(species)) if among is None else among
        self.places = [n for n in among if species[n].tags.calibration is not None]
        lines = [species[n].tags.calibration for n in self.places]
        self._slope, self._intercept = np.array(lines, np.float64).reshape(-1, 2).T.astype(np.float32)
        self.layers = [species[n].layer(OCCURRENCE, OCCURRENCE, MEANING) for n in self.places]
        self.notes = list(_refusals([species[n] for n in among]))
        if not self.places:
            raise InputError(f"{self.notes[0]} Leave occurrence out of the products.")

    def values(self, probability: Values, first: int) -> Values:
        """Return occurrence for the probability (layers, rows, columns) of some layers from ``first`` on."""
        rows = slice(first, first + len(probability))
        line = logit(np.clip(probability, SMALLEST, LARGEST))
        line *= self._slope[rows, None, None]
        line += self._intercept[rows, None, None]
        found: Values = expit(line)
        return found


def _refusals(species: Sequence[MappedSpecies]) -> list[str]:
    """Return a sentence a reason, with the species that it holds for."""
    without: dict[str, list[str]] = {}
    for one in species:
        if one.tags.calibration is None:
            reason = one.tags.no_occurrence or "the map says no calibration"
            without.setdefault(reason, []).append(one.tags.species)
    return [f"No occurrence for {listed(names, MOST_NAMED)}: {reason}." for reason, names in without.items()]
