"""The ``assess`` job: what surveyed points say about a map of suitability, ours or another tool's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio.raw
import shapely

from ...models.flags import FEWEST_BLOCKS
from ..files.aside import Aside, writing
from ..finished.finished_map import MapBand, inputs_of, one_band
from ..finished.map_points import MapPoints, points_on
from ..judging.calibration import Calibration
from ..judging.judgement import Judgement, judge
from ..judging.judgement_files import write_judgement
from ..judging.resampling import Estimate, Resampling
from ..judging.species_figures import true_skill
from ..judging.threshold_rules import GIVEN, MAIN, reaches, rule_option, threshold_by
from ..judging.thresholds import LARGEST_TSS
from ..protocol import AssessJob
from ..protocol.finished_results import AssessResult
from ..running.progress import Monitor

ERRORS = "errors.gpkg"
OUTCOMES = ("hit", "miss", "false alarm", "correct rejection")
AS_IT_IS = (1.0, 0.0)  # slope and intercept that leave a probability as it is
OWN = "largest TSS of this survey"


def run_assess(job: AssessJob, monitor: Monitor) -> AssessResult:
    """Do an assess job.

    Raises
    ------
    InputError
        The map or the points can't be used, or the folder can't be written.
    Cancelled
        The monitor was told to stop.
    """
    monitor.report("opening", 0, 1)
    band = one_band(job.map)
    inputs = inputs_of([band], [job.sites])
    points, notes = points_on(job, band)
    monitor.report("judging", 0, 1)
    scored = points.scored(band.species)
    calibration, why = _calibration(band, points)
    notes += [why] if why else []
    judgement = judge(scored, calibration=calibration, blocked=False)
    rule, threshold = _threshold(job, band, points, judgement)
    if rule == OWN:
        notes.append(
            "The map brings no threshold along: that of largest TSS was sought on these points, so that the "
            "outcomes at it flatter the map; give one (--threshold). The TSS shown calls each fifth of the "
            "blocks by a threshold from the others."
        )
    if not points.is_share and points.low < points.high:
        notes.append(
            f"Values run from {points.low:.6g} to {points.high:.6g}; in species.csv, figures.csv and the "
            "report thresholds stand on a scale from 0 to 1 between these."
        )
    called = reaches(points.value.astype(np.float32), threshold)
    outcomes = np.where(points.found, np.where(called, 0, 1), np.where(called, 2, 3))
    resampling = Resampling.of(scored.block, scored.fold)
    figures = judgement.figures.species[0]
    skill = true_skill(called, points.found, ~points.found, resampling)
    estimates = {
        "auc": figures.auc,
        "average_precision": figures.average_precision,
        "tss": figures.tss
        if rule == OWN
        else Estimate.of(skill, figures.n_blocks >= FEWEST_BLOCKS, figures.n_blocks),
        "boyce": figures.boyce,
        "brier": figures.brier,
    }
    occurrence = calibration.occurrence(scored.logit)[:, 0]
    with Aside(Path(job.out)) as aside:
        with writing(aside.folder, RuntimeError):
            write_judgement(judgement, aside.path, judged=f"the map of {band.species} ({Path(band.file).name})")
            _write_errors(points, outcomes, occurrence, aside.path)
        names = ("report.html", ERRORS, "species.csv", "figures.csv", "summary.json", "assess.json")
        result = AssessResult(
            files=tuple(str(aside.folder / name) for name in names),
            species=band.species,
            n_presence=figures.n_presence,
            n_absence=figures.n_absence,
            n_blocks=figures.n_blocks,
            figures={name: vars(one) for name, one in estimates.items()},
            threshold=threshold,
            rule=rule,
            outcomes={name: int((outcomes == number).sum()) for number, name in enumerate(OUTCOMES)},
            calibration_error=figures.calibration_error,
            warnings=tuple(notes),
        )
        text = json.dumps({**vars(result), "job": vars(job)}, indent=2, allow_nan=False)
        aside.write("assess.json", text)
        inputs.demand_unchanged()
        aside.publish(list(names))
    return result


def _calibration(band: MapBand, points: MapPoints) -> tuple[Calibration, str]:
    """Return how the map's values become a probability of presence, and what is to be known about it."""
    tags = band.tags
    line: tuple[float, float] | None = None
    why = ""
    if not tags.quantity and points.is_share:
        line = AS_IT_IS
        why = (
            "The map does not say what its values are: calibration and Brier score take them for "
            "probabilities of presence; pass over both if they are not meant so."
        )
    elif tags.quantity == "occurrence":
        line = AS_IT_IS
    elif tags.calibration is not None:
        line = tags.calibration
    else:
        what = tags.quantity or "values beyond 0 to 1"
        why = (
            f"The map shows {what}, no probability of presence, so there is no calibration and no Brier score."
        )
    slope, intercept = (None, None) if line is None else line
    return Calibration((band.species,), (slope,), (intercept,), (False,), (why if line is None else "",)), why


def _threshold(job: AssessJob, band: MapBand, points: MapPoints, judgement: Judgement) -> tuple[str, float]:
    """Return the rule and the threshold at which outcomes are told."""
    if job.threshold is None and MAIN not in band.tags.thresholds:
        return OWN, points.of_share(judgement.figures.species[0].thresholds[LARGEST_TSS].value)
    rule, value = threshold_by(job.threshold or rule_option(MAIN), band.tags.thresholds, band.file)
    return (rule if rule == GIVEN else f"{rule} of the model's card"), value


def _write_errors(points: MapPoints, outcomes: np.ndarray, occurrence: np.ndarray, folder: Path) -> None:
    """Write the points with what the map says, what was found, and how both meet."""
    columns = {
        "row": points.row,
        "found": points.found.astype(np.int32),
        "value": points.value,
        "outcome": np.array(OUTCOMES, object)[outcomes],
        "occurrence": occurrence,
        "residual": points.found - occurrence,
    }
    pyogrio.raw.write(
        folder / ERRORS,
        shapely.to_wkb(shapely.points(points.x, points.y)),
        list(columns.values()),
        list(columns),
        layer="errors",
        driver="GPKG",
        geometry_type="Point",
        crs=points.crs.to_wkt(),
    )
