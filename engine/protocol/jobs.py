"""What the engine can be asked to do: a plain dataclass a job, named as its command. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from .nodata import NoData

EDGES = ("nodata", "fill")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
METHODS = ("auto", "dense", "patch")
THRESHOLD_RULES = (
    "largest-tss", "equal-sensitivity-and-specificity", "tenth-percentile-presence", "minimum-presence",
)  # fmt: skip
ENCODINGS = ("float32", "uint8")
LAYOUTS = ("per-species", "multiband")
DEFAULT_MEMORY = 2 * 1024**3


@dataclass(frozen=True)
class RasterInput:
    """One file that gives bands of ``modality``; ``bands`` are counted from 1, and empty means all of them."""

    modality: str
    file: str
    bands: tuple[int, ...] = ()


@dataclass(frozen=True)
class MapJob:
    """Map the species of ``model`` from rasters into the folder ``out``; see docs/command-line.md.

    ``inputs`` follow the order of the card's bands. ``extent`` is (xmin, ymin, xmax, ymax) in
    ``extent_crs`` (that of the finest modality's file by default); None is the whole raster. ``species``
    empty means all. ``scales`` names for a modality the scales that stay on (none: the modality is off); a
    modality that it does not name keeps all. ``nodata`` gives for a file what means NoData in it, beside what
    it says itself; ``file_crs`` gives for a file the CRS that stands in place of its own.
    ``step`` is output pixel / finest input pixel. ``preview`` names a file for a coarse map (a band a
    species) that is made first, where that takes a few seconds only; it belongs to the caller, who deletes
    it. ``verify`` is how many random pixels are computed again window by window before anything is written.
    ``blend`` interpolates what coarse modalities contribute, so that their cells do not show. ``mask`` names a
    file of polygons: pixels whose centre lies in none of them get no value.

    ``products`` are of ``PRODUCTS``; ``threshold``, a rule of the card or a number, is for ``binary``, and for
    a ``richness`` without occurrence. ``encoding`` is that of probability and occurrence; ``layout`` says
    whether a product is a file a species or one for all. ``include_unproven`` lets species for which tests
    prove nothing count in ``richness`` and ``top``. ``cut_novel`` leaves out pixels that are novel; ``clamp``
    pulls predictors into the training's range first. ``scenario`` and ``date`` (ISO 8601) say which state of
    the world the inputs show, ``held`` which modalities show that of today where others change.
    """

    model: str
    inputs: tuple[RasterInput, ...]
    out: str
    extent: Optional[tuple[float, float, float, float]] = None
    extent_crs: Optional[str] = None
    step: int = 1
    species: tuple[str, ...] = ()
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodata: dict[str, NoData] = field(default_factory=dict)
    file_crs: dict[str, str] = field(default_factory=dict)
    edge: str = "nodata"
    device: str = "auto"
    precision: str = "auto"
    memory: int = DEFAULT_MEMORY
    method: str = "auto"
    preview: str = ""
    verify: int = 0
    blend: bool = False
    mask: Optional[str] = None
    products: tuple[str, ...] = ("probability",)
    threshold: str = "largest-tss"
    encoding: str = "float32"
    layout: str = "per-species"
    cut_novel: bool = False
    clamp: bool = False
    scenario: str = ""
    date: str = ""
    held: tuple[str, ...] = ()
    include_unproven: bool = False

    @property
    def wants_novelty(self) -> bool:
        """Whether it must be known where the map is novel: for maps of it, or to cut them."""
        return "novelty" in self.products or self.cut_novel


@dataclass(frozen=True)
class Scenario:
    """A set of inputs with a name, and a date (ISO 8601) if it has one."""

    name: str
    inputs: tuple[RasterInput, ...]
    date: str = ""


@dataclass(frozen=True)
class ScenariosJob(MapJob):
    """Map every one of ``scenarios`` into a folder of its own below ``out``, with one network.

    A scenario's inputs stand in place of the job's own for the modalities that they name; the others are held.
    ``preview`` is ignored.
    """

    scenarios: tuple[Scenario, ...] = ()


@dataclass(frozen=True)
class CheckJob(MapJob):
    """Say what the map job of the same fields would do and what looks wrong, without doing it."""


@dataclass(frozen=True)
class EffectsJob(MapJob):
    """Map what each branch adds to the logit of one species (``species`` names just it), and what follows.

    ``preview``, and what says how products are made, are ignored.
    """


@dataclass(frozen=True)
class ProfileJob(MapJob):
    """Sum up over the pixels of a map how much each species relies on each branch; nothing is written.

    ``refits`` are further model files, trained like ``model``, whose spread says how certain the figures are.
    ``step`` 0 chooses one by which about 40,000 pixels count. ``out``, ``preview`` and ``verify`` are ignored.
    """

    out: str = ""
    step: int = 0
    refits: tuple[str, ...] = ()


@dataclass(frozen=True)
class InspectJob:
    """Say what the network gives, and through which branch, at the point ``at`` (x, y in ``crs``).

    ``crs`` is the finest modality's by default; ``species`` the one with the highest probability. The other
    fields mean what they mean in ``MapJob``: the answer is that of the map's pixel under the point, at step 1.
    ``patches`` asks for pictures of what the network saw.
    """

    model: str
    inputs: tuple[RasterInput, ...]
    at: tuple[float, float]
    crs: Optional[str] = None
    species: Optional[str] = None
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodata: dict[str, NoData] = field(default_factory=dict)
    file_crs: dict[str, str] = field(default_factory=dict)
    edge: str = "nodata"
    extent: Optional[tuple[float, float, float, float]] = None
    extent_crs: Optional[str] = None
    clamp: bool = False
    patches: bool = False


@dataclass(frozen=True)
class DemoJob:
    """Write the demo landscape of ``seed``, ``size`` pixels wide, into the folder ``out``."""

    out: str
    size: int = 2048
    seed: int = 0


@dataclass(frozen=True)
class TrainJob:
    """Train a network as the file ``config`` says, into the model file ``out``; see docs/command-line.md.

    ``resume`` goes on from the last whole epoch of a run of the same config and ``out`` that was stopped.
    """

    config: str
    out: str
    resume: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class EvaluateJob:
    """Judge ``model`` on the test table of ``config``, or where it is None on its out-of-fold values.

    Tables, summary and report go into the folder ``out``.
    """

    model: str
    config: Optional[str]
    out: str


@dataclass(frozen=True)
class StudyJob:
    """Compare scales and modalities of the config ``config``; tables and a page go into the folder ``out``.

    ``seeds`` is how often each network is trained, ``placebos`` how many rasters of chance structure stand in
    for what each model adds to its reference, ``jobs`` how many processes fit (0: one per core). ``keep``
    ``best`` also trains the best network into ``out``/best.safetensors. ``refits`` is how many such networks,
    on resampled blocks, say how certain the scale of effect is. ``resume`` goes on from what a stopped study
    of the same config has done; ``estimate`` says what the study takes and ends there.
    """

    config: str
    out: str
    seeds: int = 3
    placebos: int = 5
    jobs: int = 0
    keep: str = ""
    refits: int = 0
    resume: bool = False
    estimate: bool = False
    device: str = "auto"

    @property
    def fits(self) -> str:
        """The folder that keeps each fit that is done."""
        return str(Path(self.out) / "fits")


@dataclass(frozen=True)
class AreasJob:
    """Measure areas on finished ``maps`` (files, or folders of ours) and write them into the folder ``out``.

    ``polygons`` names a file by whose polygons areas are summed, ``name_field`` the field with their names.
    ``threshold`` is a number that counts beside the thresholds that maps bring along. ``novelty`` is the map of
    novelty; ``novelty.tif`` beside the first map by default.
    """

    maps: tuple[str, ...]
    out: str
    polygons: Optional[str] = None
    name_field: Optional[str] = None
    threshold: Optional[float] = None
    novelty: Optional[str] = None


@dataclass(frozen=True)
class CompareJob:
    """Compare two finished maps of one species, ``before`` and ``after``, into the folder ``out``.

    ``threshold`` is a rule of the card, such as ``largest-tss``, of which each map brings its own value along,
    or a number for both.
    """

    before: str
    after: str
    out: str
    threshold: str = "largest-tss"


@dataclass(frozen=True)
class ProductsJob:
    """Make ``products`` of the finished maps of probability in ``folder``, into it and without the network.

    ``threshold`` and ``include_unproven`` mean what they do in ``MapJob``. ``novelty`` is none of them: it
    needs the predictors.
    """

    folder: str
    products: tuple[str, ...]
    threshold: str = "largest-tss"
    include_unproven: bool = False


@dataclass(frozen=True)
class OdmapJob:
    """Write a record by the ODMAP protocol into the ``folder`` of a finished run.

    ``model`` is where its model file is, if it is not where it was.
    """

    folder: str
    model: Optional[str] = None


@dataclass(frozen=True)
class AssessJob:
    """Test a finished ``map`` of one species with surveyed points (``sites``); a report goes into ``out``.

    ``presence`` names the column that is 1 where the species was found and 0 where not; the one with the
    species' name by default. ``x``, ``y`` and ``crs`` are needed where the file does not say them itself.
    ``threshold`` is a rule that the map brings along, or a number; where it is None that of largest TSS, or
    where the map has none, that of the survey itself.
    """

    map: str
    sites: str
    out: str
    presence: Optional[str] = None
    x: Optional[str] = None
    y: Optional[str] = None
    crs: Optional[str] = None
    threshold: Optional[str] = None


@dataclass(frozen=True)
class ImportPaperJob:
    """Make the model file ``out`` of a ``checkpoint`` and its ``config`` of van Tiel et al.'s code.

    ``species`` and ``stats`` are files: the species in the order of the outputs, and mean and deviation of the
    bands in the order of the channels. ``pixels`` gives for a modality a pixel size that is not GeoLifeCLEF's,
    such as ``20m`` or ``0.0417deg``.
    """

    checkpoint: str
    config: str
    species: str
    stats: str
    out: str
    pixels: dict[str, str] = field(default_factory=dict)
