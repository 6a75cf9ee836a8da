"""What plugin and engine say to each other: jobs, progress, errors. Standard library alone.

JSON-RPC 2.0 (https://www.jsonrpc.org/specification), one message a line, over the engine's standard input
and output. A job is a plain dataclass, named as its command; its method has the same name and its params
are the dataclass as JSON. While it runs the engine sends the notifications ``progress`` and ``preview``
with the ``id`` of the request, and ``alive`` every few seconds whatever it does. ``cancel`` with
``{"id": ...}`` asks a job to stop; it then answers with an error of kind ``cancelled``.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Optional, TypeVar, Union

from ..models.field_types import misfit

VERSION = "2.0"
ALIVE = "alive"  # a notification without an id: the engine's process lives

# Codes of the standard, and ours in the range that it leaves to servers.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
INPUT_ERROR = -32000
CANCELLED = -32001

# Kinds of error, in ``data["kind"]``: what its reader can do about it.
KIND_INPUT = "input"  # the user's input can't be used
KIND_CANCELLED = "cancelled"
KIND_PROTOCOL = "protocol"  # a message that is no request of ours
KIND_DEFECT = "defect"  # our fault
KIND_ENGINE = "engine"  # the engine can't be started, died or does not answer (said by the client alone)

EDGES = ("nodata", "fill")
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
METHODS = ("auto", "dense", "patch")
PRODUCTS = ("probability", "occurrence", "binary", "richness", "top", "novelty")
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
    ``extent_crs`` (that of the finest modality's file unless told); None is the whole raster. ``species``
    empty means all. ``scales`` names for a modality the scales that stay on (none: the modality is off); a
    modality that it does not name keeps all. ``nodata`` gives for a file the value that means NoData in it.
    ``step`` is output pixel / finest input pixel. ``preview`` names a file for a coarse map (a band a
    species) that is made first, where that takes a few seconds only; it belongs to the caller, who deletes
    it. ``verify`` is how many random pixels are computed again window by window before anything is written.
    ``blend`` interpolates what coarse modalities contribute, so that their cells do not show. ``mask`` names a
    file of polygons: pixels whose centre lies in none of them get no value.

    ``products`` are of ``PRODUCTS``; ``threshold``, a rule of the card or a number, is for ``binary``, and for
    a ``richness`` without occurrence. ``encoding`` is that of probability and occurrence; ``layout`` says
    whether a product is a file a species or one for all. ``cut_novel`` leaves out pixels that are novel;
    ``clamp`` pulls predictors into the training's range first. ``scenario`` and ``date`` (ISO 8601) say which
    state of the world the inputs show, ``held`` which modalities show that of today where others change.
    """

    model: str
    inputs: tuple[RasterInput, ...]
    out: str
    extent: Optional[tuple[float, float, float, float]] = None
    extent_crs: Optional[str] = None
    step: int = 1
    species: tuple[str, ...] = ()
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodata: dict[str, float] = field(default_factory=dict)
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

    ``crs`` is the finest modality's unless told; ``species`` the one with the highest probability. The other
    fields mean what they mean in ``MapJob``: the answer is that of the map's pixel under the point, at step 1.
    ``patches`` asks for pictures of what the network saw.
    """

    model: str
    inputs: tuple[RasterInput, ...]
    at: tuple[float, float]
    crs: Optional[str] = None
    species: Optional[str] = None
    scales: dict[str, tuple[int, ...]] = field(default_factory=dict)
    nodata: dict[str, float] = field(default_factory=dict)
    edge: str = "nodata"
    extent: Optional[tuple[float, float, float, float]] = None
    extent_crs: Optional[str] = None
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

    ``seeds`` is how often each network is trained, ``placebos`` how many phase-randomised copies of the
    predictors every model is fitted to as well, ``jobs`` how many processes fit (0: one a core). ``keep``
    ``best`` also trains the best network into ``out``/best.safetensors. ``refits`` is how many such networks,
    on blocks drawn anew, say how sure the scale of effect is. ``resume`` goes on from what a stopped study of
    the same config has done; ``estimate`` says what the study takes and ends there.
    """

    config: str
    out: str
    seeds: int = 3
    placebos: int = 3
    jobs: int = 0
    keep: str = ""
    refits: int = 0
    resume: bool = False
    estimate: bool = False
    device: str = "auto"


@dataclass(frozen=True)
class AreasJob:
    """Measure areas on finished ``maps`` (files, or folders of ours) and write them into the folder ``out``.

    ``polygons`` names a file by whose polygons areas are summed, ``name_field`` the field with their names.
    ``threshold`` is a number that counts beside the thresholds that maps bring along. ``novelty`` is the map of
    novelty; ``novelty.tif`` beside the first map unless told.
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

    ``threshold`` means what it does in ``MapJob``. ``novelty`` is none of them: it needs the predictors.
    """

    folder: str
    products: tuple[str, ...]
    threshold: str = "largest-tss"


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
    species' name unless told. ``x``, ``y`` and ``crs`` are needed where the file does not say them itself.
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


@dataclass(frozen=True)
class Progress:
    """How far a job is: ``done`` of ``total`` in ``phase``; ``rate`` in ``unit``/s, ``eta`` in seconds.

    ``detail`` says in words what is worth knowing beside, such as loss and AUC; mostly it is empty.
    """

    phase: str
    done: int
    total: int
    unit: str = ""
    rate: Optional[float] = None
    eta: Optional[float] = None
    detail: str = ""


@dataclass(frozen=True)
class Caution:
    """Something its user should know. ``blocking`` ones would spoil the map and want to be acknowledged.

    ``kind`` is one lower-case word (``range``, ``resampled``, ``scales``, ``device`` ...); modality and band
    are empty where it is about none.
    """

    kind: str
    message: str
    blocking: bool = False
    modality: str = ""
    band: str = ""


@dataclass(frozen=True)
class EstimateResult:
    """What a map job will take; the keys of ``scalescape map --estimate``."""

    width: int
    height: int
    seconds: float
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class CheckResult:
    """What a map job would do: output size in pixels, pixel size (output, in metres).

    ``margin_m`` is how wide a strip along the map's edge windows cost, where it is widest, in metres, and
    ``margin_modality`` whose windows (empty where none do).
    ``inputs`` gives for each modality that is on the bands in the card's order: name, file, band number.
    ``estimate`` is there where the network's speed is known, or could be measured without disturbing a map.
    """

    width: int
    height: int
    pixel_m: float
    margin_m: float
    margin_modality: str
    crs: str
    inputs: dict[str, list[dict[str, Any]]]
    warnings: tuple[Caution, ...]
    estimate: Optional[EstimateResult] = None


@dataclass(frozen=True)
class MapResult:
    """What a map job did; the keys of ``scalescape map --json``."""

    files: tuple[str, ...]
    width: int
    height: int
    valid_pixels: int
    px_per_s: float
    seconds: float
    device: str
    precision: str
    method: str
    verified_max_abs_diff: Optional[float]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class TrainResult:
    """What a training job made: model, out-of-fold values, report; the keys of ``scalescape train --json``.

    ``auc_median`` is over species, from out-of-fold values; None where no species could be judged.
    """

    model: str
    oof: str
    report: str
    auc_median: Optional[float]
    n_species: int
    n_sites: int
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class EvaluateResult:
    """What a judgement found: ``summary`` as in summary.json, the files written, and what to know."""

    summary: dict[str, Any]
    files: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class StudyResult:
    """What a study found; the keys of ``scalescape study --json``.

    ``fits`` counts the models fitted, those of earlier runs too; ``seconds`` is what all of them took, or with
    ``estimate`` will take, on one core. ``verdicts`` gives for each question its answer in words; ``model`` is
    empty unless the best was kept.
    """

    files: tuple[str, ...]
    model: str
    fits: int
    seconds: float
    verdicts: dict[str, str]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ImportPaperResult:
    """What an import made; ``dense`` tells whether neighbours share work when it is mapped."""

    model: str
    n_species: int
    dense: bool
    notes: tuple[str, ...]


T = TypeVar("T")


class MessageError(ValueError):
    """A message that is no valid request; ``code`` is the standard's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def to_params(job: Any) -> dict[str, Any]:
    """Return a job or result as plain JSON values."""
    return json.loads(json.dumps(asdict(job), allow_nan=False))  # type: ignore[no-any-return]


def job_from_params(cls: type[T], params: Any) -> T:
    """Return the job of class ``cls`` from JSON values. Raise MessageError naming the field that is wrong."""
    if not isinstance(params, dict):
        raise MessageError(INVALID_PARAMS, "params must be an object with the fields of the job")
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(params) - known)
    if unknown:
        raise MessageError(INVALID_PARAMS, f"unknown field {unknown[0]!r} in the params of {cls.__name__}")
    values = dict(params)
    fault = misfit(cls, values)
    if fault is not None:
        raise MessageError(INVALID_PARAMS, f"in the params of {cls.__name__}: {fault}")
    try:
        if "inputs" in values:
            values["inputs"] = _inputs(values["inputs"])
        if "scenarios" in values:
            values["scenarios"] = tuple(
                Scenario(str(one["name"]), _inputs(one["inputs"]), str(one.get("date") or ""))
                for one in values["scenarios"]
            )
        for name in ("extent", "at"):
            if values.get(name) is not None:
                values[name] = tuple(float(v) for v in values[name])
        for name in ("species", "refits", "maps", "products", "held"):
            if isinstance(values.get(name), list):
                values[name] = tuple(str(one) for one in values[name])
        if "scales" in values:
            values["scales"] = {m: tuple(int(s) for s in on) for m, on in values["scales"].items()}
        if "nodata" in values:
            values["nodata"] = {file: float(value) for file, value in values["nodata"].items()}
        return cls(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError(INVALID_PARAMS, f"the params of {cls.__name__} are faulty: {error}") from error


def _inputs(found: Any) -> tuple[RasterInput, ...]:
    """Return inputs from JSON values."""
    return tuple(
        RasterInput(i["modality"], i["file"], tuple(int(b) for b in i.get("bands") or ())) for i in found
    )


def request(request_id: int, method: str, params: Any) -> str:
    """Return a request as one line."""
    return _line({"jsonrpc": VERSION, "id": request_id, "method": method, "params": params})


def notification(method: str, params: Any) -> str:
    """Return a notification as one line."""
    return _line({"jsonrpc": VERSION, "method": method, "params": params})


def response(request_id: Union[int, str, None], result: Any) -> str:
    """Return the answer to a request as one line."""
    return _line({"jsonrpc": VERSION, "id": request_id, "result": result})


def error_response(
    request_id: Union[int, str, None], code: int, message: str, kind: str, remedy: str = ""
) -> str:
    """Return an error answer as one line; ``kind`` and ``remedy`` go into its ``data``."""
    error = {"code": code, "message": message, "data": {"kind": kind, "remedy": remedy}}
    return _line({"jsonrpc": VERSION, "id": request_id, "error": error})


def parse(line: Union[str, bytes]) -> dict[str, Any]:
    """Return the message in ``line``. Raise MessageError where it is no JSON-RPC 2.0 message."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageError(PARSE_ERROR, f"not JSON: {error}") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != VERSION:
        raise MessageError(INVALID_REQUEST, "not a JSON-RPC 2.0 message")
    return message


def _line(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=True, allow_nan=False) + "\n"
