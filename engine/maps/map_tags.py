"""What a map of a species says of itself in its file, so that a finished map is enough to work on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from scipy.special import expit, logit

from ...models.card import Card, Species
from ...models.flags import joined, split
from ..judging.calibration import NOT_CALIBRATED, REFUSALS, REFUSED_LOSS
from ..judging.threshold_rules import thresholds_of
from ..protocol.products import PROBABILITY
from ..protocol.tags import (
    CALIBRATION,
    DATE,
    FLAG,
    HELD,
    MEANING,
    NO_OCCURRENCE,
    NO_THRESHOLDS,
    PRODUCT,
    QUANTITY,
    RUN_TAG,
    SCENARIO,
    SPECIES,
    THRESHOLDS,
)

PROVENANCE = (RUN_TAG, SCENARIO, DATE, HELD)  # what all files of a run say
SCALES_OFF = "scales are switched off, and the calibration holds for all of them together"
RULES_OFF = "scales are switched off and the card's thresholds hold for all of them together"


@dataclass(frozen=True)
class MapTags:
    """What is known of a band of a map; empty where its file says nothing, as that of other software.

    ``thresholds`` are by the rule's name, on the values of this map; ``calibration`` (slope,
    intercept) makes the logit of occurrence of the logit of probability; without it ``no_occurrence`` says why.
    ``no_thresholds`` says why a species has none though its card has some.
    ``flags`` say why the species' tests deserve less trust.
    """

    product: str = ""
    species: str = ""
    quantity: str = ""
    meaning: str = ""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    calibration: tuple[float, float] | None = None
    no_occurrence: str = ""
    no_thresholds: str = ""
    flags: tuple[str, ...] = ()

    def to_tags(self) -> dict[str, str]:
        """Return the tags of a GeoTIFF."""
        tags = {
            PRODUCT: self.product,
            SPECIES: self.species,
            QUANTITY: self.quantity,
            MEANING: self.meaning,
            NO_OCCURRENCE: self.no_occurrence,
            NO_THRESHOLDS: self.no_thresholds,
            FLAG: joined(self.flags),
        }
        if self.thresholds:
            tags[THRESHOLDS] = json.dumps(dict(self.thresholds))
        if self.calibration is not None:
            tags[CALIBRATION] = json.dumps(self.calibration)
        return {key: value for key, value in tags.items() if value}

    def thresholds_of_occurrence(self) -> dict[str, float]:
        """Return a map of probability's thresholds on the values of occurrence; none without calibration."""
        if self.calibration is None:
            return {}
        slope, intercept = self.calibration
        return {
            rule: float(expit(slope * logit(value) + intercept))
            for rule, value in self.thresholds.items()
            if 0 < value < 1
        }

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> MapTags:
        """Read the tags of a GeoTIFF; what is not as we write it counts as unknown."""
        calibration = _numbers(tags.get(CALIBRATION, ""))
        return cls(
            product=tags.get(PRODUCT, ""),
            species=tags.get(SPECIES, ""),
            quantity=tags.get(QUANTITY, ""),
            meaning=tags.get(MEANING, ""),
            thresholds=_numbers_by_name(tags.get(THRESHOLDS, "")),
            calibration=(calibration[0], calibration[1]) if len(calibration) == 2 else None,
            no_occurrence=tags.get(NO_OCCURRENCE, ""),
            no_thresholds=tags.get(NO_THRESHOLDS, ""),
            flags=split(tags.get(FLAG, "")),
        )


def probability_tags(card: Card, species: Species, all_scales: bool) -> MapTags:
    """Return what the map of the network's own output for a species says of itself.

    ``all_scales`` tells whether all scales are on, as they were when the card's thresholds and calibration were
    fitted; else there are none.
    """
    line = species.calibration if all_scales else None
    reason = "" if line is not None else SCALES_OFF if species.calibration else _refusal(card, species)
    return MapTags(
        product=PROBABILITY,
        species=species.name,
        quantity=card.quantity(species),
        meaning=card.meaning(species),
        thresholds=thresholds_of(species) if all_scales else {},
        calibration=None if line is None else (line[0], line[1]),
        no_occurrence=reason,
        no_thresholds=RULES_OFF if thresholds_of(species) and not all_scales else "",
        flags=card.flags(species),
    )


def _refusal(card: Card, species: Species) -> str:
    """Return why a species has no occurrence, though all scales are on."""
    if REFUSALS[species.kind]:
        return REFUSALS[species.kind]
    return NOT_CALIBRATED if card.quantity(species) == "favourability" else REFUSED_LOSS


def _numbers(text: str) -> list[float]:
    try:
        return [float(one) for one in json.loads(text)]
    except (ValueError, TypeError):
        return []


def _numbers_by_name(text: str) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
