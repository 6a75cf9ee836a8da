"""Yes or no: where the probability reaches a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..judging.threshold_rules import GIVEN, OPTIONS, threshold_number
from ..maps.encoding import FLAG
from ..protocol.products import BINARY
from ..rasters.raster import Valid, Values
from ..running.errors import InputError
from ..words.listing import listed
from .species_product import MOST_NAMED, MappedSpecies


class Thresholds:
    """The threshold of each species by one rule, or one number for all; NaN where a species has none.

    ``among`` are the places in ``species`` of those that count; all by default.

    Raises
    ------
    InputError
        The rule is none, or no species has a threshold by it.
    """

    def __init__(
        self, species: Sequence[MappedSpecies], wanted: str, among: Sequence[int] | None = None
    ) -> None:
        self.rule = OPTIONS.get(wanted, GIVEN)
        number = None if wanted in OPTIONS else threshold_number(wanted)
        self.values = np.array(
            [one.tags.thresholds.get(self.rule, np.nan) if number is None else number for one in species],
            np.float32,
        )
        self.known = np.isfinite(self.values)
        among = range(len(species)) if among is None else among
        without = [species[place].tags.species for place in among if not self.known[place]]
        self.note = (
            f"No threshold by the rule {self.rule} for {listed(without, MOST_NAMED)}." if without else ""
        )
        if len(without) < len(among):
            return
        if any(species[place].tags.thresholds for place in among):
            raise InputError(f"{self.note} Choose another rule, or give a number (--threshold 0.5).")
        why = next((one.tags.no_thresholds for one in species if one.tags.no_thresholds), "")
        since = f", since {why} (switch them on to use a rule)" if why else ""
        raise InputError(
            f"No threshold by any rule for {listed(without, MOST_NAMED)}{since}. Give a number "
            "(--threshold 0.5)."
        )


class Binary:
    """1 where the probability of a species reaches its threshold, else 0.

    ``among`` are the places in ``species`` of those that count; all by default.
    """

    name = BINARY
    encoding = FLAG

    def __init__(
        self, species: Sequence[MappedSpecies], thresholds: Thresholds, among: Sequence[int] | None = None
    ) -> None:
        among = range(len(species)) if among is None else among
        self.places = [n for n in among if thresholds.known[n]]
        self._values = thresholds.values[self.places]
        self.layers = [
            species[place].layer(
                BINARY,
                f"above threshold ({thresholds.rule})",
                f"1 where the {species[place].tags.quantity or 'value'} is {value:.6g} or more, by the rule "
                f"{thresholds.rule}; 0 elsewhere. Above a threshold is neither a range nor an occupancy.",
            )
            for place, value in zip(self.places, self._values, strict=True)
        ]
        self.notes = [thresholds.note] if thresholds.note else []

    def values(self, probability: Values, first: int) -> Valid:
        """Return where the probability (layers, rows, columns) of layers from ``first`` on is high enough."""
        rows = slice(first, first + len(probability))
        return np.asarray(probability >= self._values[rows, None, None], np.bool_)
