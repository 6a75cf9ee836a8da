"""What the engine says while it works and at the end: progress, cautions, results. Standard library alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional


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
