"""The card of a model file: all that one must know to use its weights. Standard library alone.

A model file is one ``.safetensors`` file (``tensor_header.py``). The card is the JSON text under
``__metadata__["scalescape"]``, so it can be read without torch. It may come from a stranger: whatever can't be
used is refused in one sentence before anything is built of it.

Format 1 grows by optional fields, and a reader ignores those that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Optional, Union

from .band_names import NameMatch as NameMatch  # what ``Modality.match`` gives, and what helps to read it
from .band_names import matched
from .band_names import says_nothing as says_nothing
from .errors import CardError
from .field_types import misfit
from .flags import CHANCE as CHANCE  # what a card's flags are called, for those that read cards
from .flags import COORDINATES as COORDINATES
from .flags import FEW_BLOCKS as FEW_BLOCKS
from .flags import FEW_PRESENCES as FEW_PRESENCES
from .flags import FEWEST_PRESENCES, NO_SKILL, is_unproven, split
from .flags import ONE_CLASS as ONE_CLASS
from .plain_json import plain_json
from .tensor_header import TensorHeader, read_tensor_header

FORMAT_VERSION = 1
METADATA_KEY = "scalescape"
N_QUANTILES = 101
PIXEL_UNITS = ("metre", "degree")
KINDS = ("po", "pa", "pa-balanced")


@dataclass(frozen=True)
class Band:
    """One variable of a modality, in the units of the raster that the network was trained on.

    ``quantiles`` are the 101 percentiles (0 to 100) over the training places (``Training.ranges``), or empty
    where nobody knows them (a network of other software); ``fill`` replaces NoData inside a window;
    ``categories`` lists the classes of a categorical band and is empty for a continuous one. A categorical band
    (mean 0, std 1) gives one input channel per class, 1 where a pixel is of it.
    """

    name: str
    mean: float
    std: float
    fill: float
    quantiles: tuple[float, ...] = ()
    description: str = ""
    unit: str = ""
    categories: tuple[int, ...] = ()


@dataclass(frozen=True)
class Modality:
    """One kind of predictor raster: ordered bands, pixel size (in ``pixel_unit``) and scales (px, odd).

    The networks that we train see a centred window for each scale. One of other software may be given one patch
    for all its scales: then ``patch`` is its side (px), of which ``patch // 2`` pixels lie above and to the
    left of the pixel's own, and ``shifts`` tells for each scale how far (px, to the right and down) the middle
    of what it really looks at lies from the middle of the pixel.
    """

    name: str
    bands: tuple[Band, ...]
    pixel_size: float
    pixel_unit: str
    scales: tuple[int, ...]
    patch: Optional[int] = None
    shifts: tuple[float, ...] = ()

    @property
    def channels(self) -> int:
        """Number of input channels of the network: one a continuous band, one a category of the others."""
        return sum(len(band.categories) or 1 for band in self.bands)

    def reach(self, scales: Sequence[int]) -> int:
        """Return the side (px, odd) of the centred window that holds all that ``scales`` need."""
        return window_side(scales, self.patch)

    def shift(self, scale: int) -> float:
        """Return how far (px, to the right and down) a scale's window lies off the pixel."""
        return self.shifts[self.scales.index(scale)] if self.shifts else 0.0

    def span(self, scale: int) -> tuple[int, int]:
        """Return the first and the last pixel that a scale looks at, counted from the pixel's own."""
        shift = self.shift(scale)
        side = scale if shift == int(shift) else scale - 1  # the window of an even side goes by the next odd
        first = int(shift - (side - 1) / 2)
        return first, first + side - 1

    def width(self, scale: int) -> float:
        """Return the side of the window of ``scale`` pixels, in ``pixel_unit``."""
        return scale * self.pixel_size

    def match(self, offered: Sequence[Sequence[str]], about: Iterable[str] = ()) -> NameMatch:
        """Return which raster bands bear the names of this modality's bands; see ``band_names.matched``."""
        return matched([band.name for band in self.bands], offered, about)


@dataclass(frozen=True)
class Species:
    """One species that the network knows, with what its figures were measured on.

    ``presences`` is 0 where nobody knows. ``kind`` is presence-only (``po``), presence-absence (``pa``) or
    presence-absence with absences chosen by design (``pa-balanced``); ``prevalence`` the share of surveyed
    training sites where it was found (None for presence-only). ``auc_against`` says in words against what
    ``auc`` was measured. ``lambda2`` is there where it is not the training's: 1 means that background points
    did not count for this species. ``thresholds`` gives the threshold by every rule, by the rule's name.
    ``calibration`` is (slope, intercept): the logit of occurrence is slope * logit + intercept. ``auc_low`` and
    ``auc_high`` bound the 95 % interval of ``auc``; ``auc_coordinates`` is that of a model that knows
    coordinates alone, on the same folds; ``flag`` says why the figures deserve less trust (``flags``).
    """

    name: str
    presences: int
    kind: str
    gbif_key: Optional[int] = None
    prevalence: Optional[float] = None
    threshold: Optional[float] = None
    threshold_rule: str = ""
    auc: Optional[float] = None
    auc_against: str = ""
    lambda2: Optional[float] = None
    thresholds: dict[str, float] = field(default_factory=dict)
    calibration: Optional[tuple[float, ...]] = None
    auc_low: Optional[float] = None
    auc_high: Optional[float] = None
    auc_coordinates: Optional[float] = None
    flag: str = ""


@dataclass(frozen=True)
class Training:
    """What the network learnt from: data in words, where, and how absences were weighed.

    ``lambda2`` weighs other species' sites against background points (Zbinden et al. 2024); ``background``
    says in words what those points were and is empty without any. ``extent`` is xmin, ymin, xmax, ymax in
    ``extent_crs``. ``scale_dropout`` tells whether the network learnt what to put in place of a branch that is
    off, ``centred`` whether the file holds the mean of each branch's features; else zeros stand for it.
    ``ranges`` says which places the bands' statistics are of: ``sites``, or ``sites and background`` where
    background points have weight in the loss; it is empty in files that did not say, where they are of sites.
    ``joint_limit`` tells whether the limits of features (``feature_space``) are one for all branches together,
    so that about 1 % of places like the training's are novel by any of them; else each has its own.
    """

    data: str
    lambda2: float
    background: str = ""
    extent: tuple[float, ...] = ()
    extent_crs: str = ""
    scale_dropout: bool = False
    centred: bool = True
    ranges: str = ""
    joint_limit: bool = False


@dataclass(frozen=True)
class Card:
    """All that one must know to use a model file; ``architecture`` is enough to rebuild its network."""

    name: str
    summary: str
    licence: str
    citation: str
    architecture: dict[str, Any]
    modalities: tuple[Modality, ...]
    species: tuple[Species, ...]
    training: Training
    metrics: dict[str, Any] = field(default_factory=dict)
    date: str = ""
    software: dict[str, str] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def fault(self) -> str:
        """What is wrong with it first of all, in a few words; empty where nothing is."""
        from .card_faults import faults

        return next(faults(self), "")

    def modality(self, name: str) -> Modality:
        """Return the modality called ``name``; raise KeyError where there is none."""
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise KeyError(name)

    def flags(self, species: Species) -> tuple[str, ...]:
        """Return why the figures of ``species`` deserve less trust (``flags``), none where nothing was tested.

        A card that does not hold intervals says less: no AUC beside other species' counts as few blocks.
        """
        if species.flag or species.auc_low is not None:
            return split(species.flag)
        if not any(one.auc is not None for one in self.species):
            return ()
        found = []
        if 0 < species.presences < FEWEST_PRESENCES:
            found.append(FEW_PRESENCES)
        if species.auc is None:
            found.append(FEW_BLOCKS)
        elif species.auc <= NO_SKILL:
            found.append(CHANCE)
        return tuple(found)

    def is_unproven(self, species: Species) -> bool:
        """Return whether tests do not show that the model predicts ``species`` better than chance."""
        return is_unproven(self.flags(species))

    @property
    def range_note(self) -> str:
        """Return that the ranges are of presences alone, in a sentence; empty where they are of all places."""
        if self.training.ranges or not self.training.background:
            return ""
        return (
            "This model file knows the range of its presences alone, not of all that it learned from: novelty "
            "and clamping go by the presences. Train it again for the range of both."
        )

    @property
    def limit_note(self) -> str:
        """Return that each scale has a limit of novelty of its own, in a sentence; empty where one is joint."""
        if self.training.joint_limit:
            return ""
        return (
            "This model file has a limit of novelty for each scale, which 1 % of the places held out exceed: "
            "more than 1 % of familiar places are novel by one scale or another."
        )

    def quantity(self, species: Species) -> str:
        """Return what the network's output is for ``species``: ``favourability`` or ``relative suitability``.

        With presence-absence data, lambda2 = 1 and no background the full weighted loss is least where
        logit(output) = logit(p) - logit(prevalence): favourability (Real et al. 2006). Otherwise the output
        says how concentrated records are here, compared with background and other species' records.
        """
        lambda2 = self.training.lambda2 if species.lambda2 is None else species.lambda2
        without_background = species.lambda2 == 1 or not self.training.background
        surveyed = species.kind == "pa" and lambda2 == 1 and without_background
        return "favourability" if surveyed else "relative suitability"

    def meaning(self, species: Species) -> str:
        """Return one sentence that says what the output for ``species`` means."""
        if self.quantity(species) == "favourability":
            return (
                "Favourability: about 0.5 where the species is as likely as on average over the surveyed "
                "sites, whatever its prevalence. The network aims at that and is not calibrated to it: "
                "occurrence is."
            )
        if species.kind == "po":
            return (
                "Relative suitability: how concentrated records are in such conditions, compared with "
                "background and with other species' records; not a probability of occurrence."
            )
        return (
            "Relative suitability: how concentrated presences are in such conditions, compared with "
            "absences weighed or chosen by design; not a probability of occurrence."
        )

    def to_json(self) -> str:
        """Return the card as JSON text; NaN and infinity are refused."""
        try:
            return json.dumps(asdict(self), ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise CardError("The card holds a number that is not finite; check its statistics.") from error

    @classmethod
    def from_json(cls, text: str, source: str) -> Card:
        """Read and check a card; ``source`` names the file in messages. Raise CardError in one sentence."""
        try:
            raw = plain_json(text)
        except (ValueError, TypeError) as error:
            raise CardError(f"The card of {source} is not valid JSON ({error}); get the file again.") from error
        if not isinstance(raw, dict):
            raise CardError(f"The card of {source} is not a JSON object; get the file again.")
        version = raw.get("format_version")
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise CardError(f"The card of {source} names no format version; it is no Scalescape model.")
        if version > FORMAT_VERSION:
            raise CardError(
                f"{source} has model format {version}, and this Scalescape reads up to {FORMAT_VERSION}; "
                "update Scalescape."
            )
        from .card_faults import too_many  # it needs to know what a card is

        if much := too_many(raw):
            raise CardError(f"The card of {source} is faulty: {much}; get the file again.")
        try:
            card = cls(
                **{
                    **_known(cls, raw),
                    "modalities": tuple(_modality(item) for item in raw["modalities"]),
                    "species": tuple(_species(item) for item in raw["species"]),
                    "training": _training(raw["training"]),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise CardError(
                f"The card of {source} lacks or misspells a field ({error}); get the file again."
            ) from error
        if card.fault:
            raise CardError(f"The card of {source} is faulty: {card.fault}; get the file again.")
        return card


@dataclass(frozen=True)
class Header:
    """The header of a model file: its card, and shape and type of each tensor."""

    card: Card
    shapes: dict[str, tuple[int, ...]]
    dtypes: dict[str, str]


def read_card(path: Union[str, Path]) -> Card:
    """Return the card of the model file ``path``. Raise CardError, in one sentence, if that can't be done."""
    return read_header(path).card


def read_header(path: Union[str, Path]) -> Header:
    """Return card and tensor shapes of the model file ``path``; no tensor is read.

    Raises
    ------
    CardError
        The file is missing, no safetensors file, cut short, made by other software, of a newer format, or
        its card lacks something.
    """
    found = read_tensor_header(Path(path))
    return header_of(found, str(path))


def header_of(found: TensorHeader, source: str) -> Header:
    """Return the header of a model file from that of its tensors. Raise CardError where it holds no card."""
    if METADATA_KEY not in found.texts:
        raise CardError(f"{source} holds weights but no Scalescape card; it was made by other software.")
    return Header(Card.from_json(found.texts[METADATA_KEY], source), found.shapes, found.dtypes)


def window_side(scales: Sequence[int], patch: Optional[int]) -> int:
    """Return the side (px, odd) of the centred window that holds the windows of ``scales``, or their patch."""
    return max(scales) if patch is None else patch // 2 * 2 + 1


def _known(cls: type, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of ``cls`` that ``raw`` holds; raise TypeError where one has the wrong type."""
    names = {f.name for f in fields(cls)}
    known = {key: value for key, value in raw.items() if key in names}
    fault = misfit(cls, known)
    if fault is not None:
        raise TypeError(f"in {cls.__name__.lower()}: {fault}")
    return known


def _modality(raw: dict[str, Any]) -> Modality:
    bands = tuple(
        Band(
            **{
                **_known(Band, band),
                "quantiles": tuple(band.get("quantiles") or ()),
                "categories": tuple(band.get("categories") or ()),
            }
        )
        for band in raw["bands"]
    )
    tuples = {"bands": bands, "scales": tuple(raw["scales"]), "shifts": tuple(raw.get("shifts") or ())}
    return Modality(**{**_known(Modality, raw), **tuples})


def _species(raw: dict[str, Any]) -> Species:
    calibration = raw.get("calibration")
    return Species(
        **{**_known(Species, raw), "calibration": None if calibration is None else tuple(calibration)}
    )


def _training(raw: dict[str, Any]) -> Training:
    return Training(**{**_known(Training, raw), "extent": tuple(raw.get("extent") or ())})
