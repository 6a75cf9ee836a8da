"""What the jobs about scales answer: ``inspect``, ``effects`` and ``profile``; the keys of their JSON."""

from __future__ import annotations

from dataclasses import dataclass

from .results import MapResult


@dataclass(frozen=True)
class EffectsResult(MapResult):
    """What an effects job did.

    ``bias`` plus the contributions of all branches is the logit. ``limit`` is the 98th percentile of their
    absolute values, over all branches: a range from -limit to limit shows them side by side.
    """

    species: str
    bias: float
    limit: float


@dataclass(frozen=True)
class Contribution:
    """What one branch adds to a logit at a point, beyond its mean.

    ``on`` tells whether the branch looked; else its replacement stands for it. ``width_m`` is the window's
    width and height on the ground in metres, ``window`` its four corners from the upper left one, clockwise on
    the raster's grid, in the CRS of the question; both are None where the modality is off. ``colour`` is the
    branch's in all maps and charts.
    """

    modality: str
    scale: int
    on: bool
    width_m: tuple[float, float] | None
    window: tuple[tuple[float, float], ...] | None
    value: float
    colour: str


@dataclass(frozen=True)
class Patch:
    """What one branch saw: a picture (PNG in base64, one pixel a pixel of the window, NoData transparent).

    ``kind`` is ``natural`` or ``false`` colour of three ``bands``, or a ``ramp`` of one. ``low`` and ``high``
    are the values of each band at which the picture is darkest and brightest.
    """

    modality: str
    scale: int
    kind: str
    bands: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    png: str


@dataclass(frozen=True)
class BandValue:
    """The value of one band in the pixel under the point."""

    modality: str
    band: str
    unit: str
    value: float


@dataclass(frozen=True)
class Ranked:
    """A species and its probability at a point; ``unproven`` says why tests prove nothing for it, if so."""

    species: str
    probability: float
    unproven: str = ""


@dataclass(frozen=True)
class InspectResult:
    """The answer at a point; ``bias`` plus the values of the contributions is ``logit``.

    ``quantity`` says what the probability is for this species. ``patches`` and ``values`` are empty unless
    asked for.
    """

    species: str
    logit: float
    probability: float
    quantity: str
    bias: float
    contributions: tuple[Contribution, ...]
    top: tuple[Ranked, ...]
    crs: str
    warnings: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    values: tuple[BandValue, ...] = ()


@dataclass(frozen=True)
class Dominant:
    """The branch that a model relies on most; ``at_end`` if no smaller, or no larger, scale was on offer."""

    modality: str
    scale: int
    at_end: bool


@dataclass(frozen=True)
class BranchProfile:
    """How much a species relies on one branch over an area.

    ``mean_abs`` is the mean absolute centred contribution, ``low`` and ``high`` its smallest and largest value
    over the model and its refits (None with one model). ``variance_share`` is the covariance of contribution
    and logit over the logit's variance (None where the logit does not vary); over the branches it adds up to 1.
    ``share_low`` and ``share_high`` are its smallest and largest value over the models (None with one, or where
    one has none).
    """

    modality: str
    scale: int
    mean_abs: float
    low: float | None
    high: float | None
    variance_share: float | None
    colour: str
    share_low: float | None = None
    share_high: float | None = None


@dataclass(frozen=True)
class SpeciesProfile:
    """One species' branches, and the one that dominates in most of all models, ``agreeing`` of them."""

    name: str
    dominant: Dominant
    agreeing: int
    branches: tuple[BranchProfile, ...]


@dataclass(frozen=True)
class ProfileResult:
    """Profiles of all species wanted, over ``pixels`` pixels that lie ``step`` input pixels apart."""

    species: tuple[SpeciesProfile, ...]
    models: int
    step: int
    pixels: int
    warnings: tuple[str, ...]
