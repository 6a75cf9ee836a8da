"""The study's page: one HTML file that stands alone, written for an ecologist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.flags import FEWEST_BLOCKS, FEWEST_PRESENCES
from ...models.whole_file import write_whole
from ..judging.page import number_text, page_template, signed_text
from ..judging.resampling import Estimate
from ..judging.scored import BACKGROUND, SURVEY
from ..training.sights import LatticeSight
from .cost import in_words as duration_text
from .findings import Comparison, Figures, Findings
from .gain import HELPS, HURTS, NO_EVIDENCE, TOO_FEW, UNTESTED, Gain
from .likeness import Likeness, likeness_range
from .plots import auc_by_scale, dominant_maps
from .refits import ScaleOfEffect
from .trial import PLACEBO, REAL
from .variant import COORDINATES, NETWORK, in_words, one_pixel
from .workshop import Workshop

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "study.html"
AGAINST = {SURVEY: "survey absences", BACKGROUND: "background points"}
NAMES = {
    "network": "network",
    "random_forest": "random forest",
    "maxent": "MaxEnt",
    "coordinates": "coordinates",
}


@dataclass(frozen=True)
class ModelRow:
    """A row of the first table: a model's figures, its placebo's, and its gain over the one-pixel network."""

    name: str
    sees: str
    real: Figures
    placebo: Figures | None
    gain: Gain | None
    baseline: bool


def write_page(
    findings: Findings,
    workshop: Workshop,
    likeness: Mapping[tuple[int, str], tuple[Likeness, ...]],
    effect: ScaleOfEffect | None,
    cautions: Sequence[str],
    folder: Path,
) -> str:
    """Write study.html into a folder and return its name. Raises OSError where it can't be written.

    ``likeness`` is that of the placebos' bands; ``effect`` is there where refits were asked for; ``cautions``
    are sentences on placebos that are not alike, and on training that diverged.
    """
    write_whole(folder / PAGE, page_html(findings, workshop, likeness, effect, cautions))
    return PAGE


def page_html(
    findings: Findings,
    workshop: Workshop,
    likeness: Mapping[tuple[int, str], tuple[Likeness, ...]],
    effect: ScaleOfEffect | None,
    cautions: Sequence[str],
) -> str:
    """Return the page, without anything to fetch; names are escaped."""
    course, board = workshop.course, findings.board
    names = board.scored.species
    placebos = max((len(one.runs) for one in findings.placebos.values()), default=0)
    tiled = [name for name, one in course.places.sights.items() if isinstance(one, LatticeSight)]
    return page_template(TEMPLATES, "study.html.jinja").render(
        title=course.config.model.name,
        rows=_rows(findings, workshop.climate),
        has_f1=any(one.micro_f1.value is not None for one in findings.figures),
        questions=findings.questions,
        sentence=sentence,
        randomised=lambda one: in_words(one.addition.randomised),
        species=[
            {
                "name": names[column],
                "n_presence": int(board.n_presence[column]),
                "n_blocks": int(board.n_blocks[column]),
                "gains": [one.species[column] for one in findings.questions],
                "auc": [
                    _auc_of(findings, workshop.climate, int(column), model) for model in (NETWORK, COORDINATES)
                ],
            }
            for column in np.flatnonzero(board.counted).tolist()
        ],
        apart=[
            {
                "name": name,
                "n_presence": int(board.n_presence[column]),
                "n_blocks": int(board.n_blocks[column]),
                "flag": board.flags[column],
                "auc": _auc_of(findings, workshop.climate, column, NETWORK),
            }
            for column, name in enumerate(names)
            if not board.counted[column]
        ],
        plots=auc_by_scale(findings, workshop),
        effect=effect,
        effect_maps=None if effect is None else dominant_maps(effect.maps),
        placebos=placebos,
        roughness=likeness_range(likeness),
        tiled=tiled,
        seeds=max((len(one.runs) for one in findings.standings.values()), default=0),
        against=[AGAINST[kind] for kind in dict.fromkeys(board.scored.against)],
        on_survey=board.survey,
        on_background=BACKGROUND in board.scored.against,
        n_counted=int(board.counted.sum()),
        n_sites=len(course.sites),
        n_background=len(course.background),
        n_tested=int((~board.scored.background).sum()),
        left_out=0 if workshop.survey is None else workshop.survey.left_out,
        n_blocks=board.resampling.weights.shape[1],
        draws=len(board.resampling.weights) - 1,
        folds=len(course.folds),
        block_km=f"{course.blocks.side_m / 1000:.3g}",
        buffer_km=f"{course.buffer_m / 1000:.3g}",
        window_km=f"{_largest_window(workshop) / 1000:.3g}",
        buffered=course.buffer_m >= _largest_window(workshop),
        fits=sum(one.fits for one in findings.every),
        took=duration_text(sum(one.seconds for one in findings.every)),
        climate=workshop.climate,
        least_presences=FEWEST_PRESENCES,
        least_blocks=FEWEST_BLOCKS,
        cautions=cautions,
        notes=[*course.report.sentences(), *course.blocks.notes],
    )


def sentence(comparison: Comparison) -> str:
    """Return what a comparison says, as one sentence with its figures."""
    gain, question = comparison.mean, comparison.question
    what = question[:1].upper() + question[1:]
    if gain.real.value is None:
        return f"{what}: no species could be judged."
    said = {
        HELPS: f"{what} help",
        HURTS: f"{what} hurt",
        NO_EVIDENCE: f"{what}: no evidence that they help",
        TOO_FEW: f"{what} may help: more than any placebo, but there are too few placebos to say so",
        UNTESTED: f"{what} may help, but that was not tested against a placebo",
    }.get(gain.verdict, f"{what}: {gain.verdict}")
    figures = f"mean AUC {_with_interval(gain.real)} over {comparison.reference.sees}"
    return f"{said} ({comparison.model.sees}: {figures}{_placebo_text(comparison)})."


def _placebo_text(comparison: Comparison) -> str:
    """Return what placebos gain, and what gain could have passed; nothing without placebos."""
    gain = comparison.mean
    if not gain.placebos:
        return ""
    what = in_words(comparison.addition.randomised)
    if gain.draws == 1:
        text = f"; with {what} of a placebo {signed_text(gain.placebos[0])}"
    else:
        lowest, highest = (signed_text(pick(gain.placebos)) for pick in (min, max))
        text = f"; with {what} of {gain.draws} placebos {lowest} to {highest}"
    if gain.least is None or gain.headroom is None:
        return text
    return (
        f"{text}; a gain below {signed_text(gain.least)} could not have passed, of the "
        f"{number_text(gain.headroom, 3)} that the reference leaves to be gained"
    )


def _with_interval(estimate: Estimate) -> str:
    """Return ``+0.012 [+0.003, +0.020]``."""
    if estimate.low is None or estimate.high is None:
        return signed_text(estimate.value)
    return f"{signed_text(estimate.value)} [{signed_text(estimate.low)}, {signed_text(estimate.high)}]"


def _rows(findings: Findings, climate: str) -> list[ModelRow]:
    kept = one_pixel(climate).scales
    placebo = {one.variant: one for one in findings.figures if one.predictors == PLACEBO and one.kept == kept}
    gains = {one.model: one.mean for one in findings.gains}
    return [
        ModelRow(
            name=NAMES[one.variant.model],
            sees=one.variant.sees,
            real=one,
            placebo=placebo.get(one.variant),
            gain=gains.get(one.variant),
            baseline=one.variant == one_pixel(climate),
        )
        for one in findings.figures
        if one.predictors == REAL
    ]


def _auc_of(findings: Findings, climate: str, column: int, model: str) -> Estimate:
    """Return a species' AUC of the one-pixel network, or of coordinates alone."""
    for one in findings.figures:
        mine = one.variant == one_pixel(climate) if model == NETWORK else one.variant.model == model
        if mine and one.predictors == REAL:
            return one.species[column]
    return Estimate()


def _largest_window(workshop: Workshop) -> float:
    """Return the width in metres of the largest window; 0 where pixels have no size in metres."""
    return max(
        (
            one.width(max(workshop.offered[one.name]))
            for one in workshop.course.modalities
            if one.pixel_unit == "metre"
        ),
        default=0.0,
    )
