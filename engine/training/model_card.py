"""The card of a trained network: what it learnt from, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from ...models.card import Card, Species, Training
from ..judging.calibration import Calibration
from ..judging.judgement import Judgement
from ..judging.thresholds import LARGEST_TSS
from ..running.version import software
from .course import Course

PAPER = (
    "Network and training by Scalescape after van Tiel, Zbinden, Dalsasso, Kellenberger, Pellissier, Tuia: "
    "Multi-Scale and Multimodal Species Distribution Modeling. CV4E workshop at ECCV 2024, arXiv 2411.04016; "
    "loss: Zbinden et al. 2024, arXiv 2403.02377."
)
LICENCE = "that of the records and rasters it was trained on"
BACKGROUNDS = {
    "none": "",
    "random": "{} points drawn at random where the rasters have values",
    "effort": "{} points drawn in proportion to recording effort",
    "file": "{} points from a file",
}
KEPT_FIGURES = (
    "auc_median", "auc_mean", "auc_low", "auc_high", "micro_f1", "f1_threshold", "n_species", "against",
    "n_sites", "n_background", "n_blocks", "n_folds",
)  # fmt: skip


def untested_card(course: Course, name: str) -> Card:
    """Return the card as far as training knows it; ``name`` unless the config names it."""
    model, sites, recipe = course.config.model, course.sites, course.recipe
    presences, surveys = sites.presences(), sites.surveys()
    species = []
    for number, one in enumerate(sites.species):
        kind, lambda2 = sites.kinds[number], float(course.lambda2[number])
        prevalence = float(presences[number] / surveys[number]) if kind != "po" and surveys[number] else None
        species.append(
            Species(
                name=one,
                presences=int(presences[number]),
                kind=kind,
                prevalence=prevalence,
                lambda2=None if lambda2 == recipe.lambda2 else lambda2,
            )
        )
    return Card(
        name=model.name or name,
        summary=model.summary or f"{len(species)} species, trained on {_tables(course)}.",
        licence=model.licence or LICENCE,
        citation=model.citation or PAPER,
        architecture=course.network.to_dict(),
        modalities=course.modalities,
        species=tuple(species),
        training=Training(
            data=f"{int(presences.sum()):,} presences at {len(sites):,} sites, from {_tables(course)}",
            lambda2=recipe.lambda2,
            background=BACKGROUNDS[course.background.how].format(f"{len(course.background):,}"),
            extent=(
                float(sites.x.min()), float(sites.y.min()), float(sites.x.max()), float(sites.y.max()),
            ),
            extent_crs=sites.crs,
            scale_dropout=recipe.scale_dropout,
            ranges="sites and background" if course.weighs_background else "sites",
            joint_limit=True,
        ),
        date=date.today().isoformat(),
        software=software(),
    )  # fmt: skip


def tested_card(
    card: Card, judgement: Judgement, calibration: Calibration, notes: Sequence[str], folds: str
) -> Card:
    """Return the card with what the out-of-fold values say; ``folds`` says in words how they were held out."""
    by_name = {one.name: one for one in judgement.figures.species}
    null = None if judgement.null is None else {one.name: one for one in judgement.null.species}
    species = []
    for number, one in enumerate(card.species):
        figures = by_name[one.name]
        rules = {rule: at.value for rule, at in figures.thresholds.items()}
        slope, intercept = calibration.slope[number], calibration.intercept[number]
        against = "surveyed absences" if figures.against == "survey" else "background points"
        n = f"{figures.n_presence:,} presences in {figures.n_blocks} blocks and {figures.n_absence:,} {against}"
        species.append(
            replace(
                one,
                threshold=rules.get(LARGEST_TSS),
                threshold_rule=f"{LARGEST_TSS} over {folds}" if LARGEST_TSS in rules else "",
                thresholds=rules,
                auc=figures.auc.value,
                auc_low=figures.auc.low,
                auc_high=figures.auc.high,
                auc_coordinates=None if null is None else null[one.name].auc.value,
                flag=figures.flag,
                auc_against=f"{n}, {folds}" if figures.auc.value is not None else "",
                calibration=None if slope is None or intercept is None else (slope, intercept),
            )
        )
    metrics = {name: judgement.summary[name] for name in KEPT_FIGURES}
    metrics["folds"] = folds
    metrics["coordinates"] = judgement.summary["coordinates"]
    metrics["notes"] = list(notes)
    return replace(card, species=tuple(species), metrics=metrics)


def _tables(course: Course) -> str:
    files = dict.fromkeys(Path(source.file).name for source in course.config.sites.sources())
    return " and ".join(files)
