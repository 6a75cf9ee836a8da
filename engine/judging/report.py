"""The report: one HTML page that stands alone, written for an ecologist."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...models.card import Card
from ...models.flags import EXPLAINED, FEWEST_BLOCKS, FEWEST_PRESENCES
from . import plots
from .coordinates import MOST_SPECIES
from .judgement import Judgement
from .page import count_text, number_text, page_template
from .resampling import Estimate
from .scored import BACKGROUND, SURVEY
from .species_figures import LEAST_FOR_BOYCE
from .thresholds import LARGEST_TSS

TEMPLATES = Path(__file__).parent / "templates"
AGAINST = {SURVEY: "survey absences", BACKGROUND: "background points"}


@dataclass(frozen=True)
class HeadlineFigure:
    """A row of the first table: a figure, what it counts over, and what it says in plain words."""

    name: str
    estimate: Estimate
    over: str
    says: str
    digits: int = 2


def report_html(judgement: Judgement, distance_note: str = "", judged: str = "") -> str:
    """Return the report as one HTML page without anything to fetch; names are escaped.

    ``distance_note`` is a sentence on how far the map's places are from the data, compared with the test's;
    ``judged`` says what is judged where it is no network of a card.
    """
    scored, figures, card = judgement.scored, judgement.figures, judgement.card
    null = judgement.null
    return page_template(TEMPLATES, "report.html.jinja").render(
        title=card.name if card else judged or "the network",
        judged=judged,
        card=card,
        summary=judgement.summary,
        headline=_headline(judgement.summary),
        against_words=AGAINST,
        meanings=_meanings(card),
        on_survey=SURVEY in scored.against,
        on_background=BACKGROUND in scored.against,
        species=[
            {
                "one": one,
                "threshold": one.thresholds.get(LARGEST_TSS),
                "coordinates": None if null is None else null.species[number].auc.value,
            }
            for number, one in enumerate(figures.species)
        ],
        most_forests=MOST_SPECIES,
        has_null=null is not None,
        has_occurrence=judgement.curve is not None,
        distance_note=distance_note,
        fewest_presences=FEWEST_PRESENCES,
        fewest_blocks=FEWEST_BLOCKS,
        least_for_boyce=LEAST_FOR_BOYCE,
        flags=EXPLAINED,
        most_curves=plots.MOST_CURVES,
        by_name=plots.auc_by_name(figures, null),
        by_commonness=plots.auc_by_commonness(figures, null),
        roc=plots.roc_curves(scored, figures),
        calibration=None if judgement.curve is None else plots.calibration_curve(judgement.curve),
        sites_map=plots.map_of_sites(scored),
    )


def _headline(summary: dict[str, Any]) -> list[HeadlineFigure]:
    def estimate(name: str, low: str | None = None) -> Estimate:
        start = name if low is None else low
        return Estimate(summary[name], summary.get(f"{start}_low"), summary.get(f"{start}_high"))

    judged = f"{count_text(summary['n_species'])} species"
    against = " or ".join(AGAINST[kind] for kind in summary["by_against"])
    every = summary["with_auc"]
    rows = [
        HeadlineFigure(
            "Median AUC",
            estimate("auc_median", "auc"),
            judged,
            f"For the middle species: how often a place with it scores higher than one of the {against}. "
            "0.5 is chance, 1 perfect.",
        ),
        HeadlineFigure("Mean AUC", estimate("auc_mean"), judged, "The same, averaged over species."),
    ]
    if every["n_species"] != summary["n_species"]:
        rows.append(
            HeadlineFigure(
                f"Median AUC, also with fewer than {FEWEST_PRESENCES} test presences",
                Estimate(every["auc_median"], every["auc_low"], every["auc_high"]),
                f"{count_text(every['n_species'])} species",
                "Species with a handful of presences tend to get an AUC that is too good or too bad, so they "
                "count in none of the other rows.",
            )
        )
    if len(summary["by_against"]) > 1:
        rows += [
            HeadlineFigure(
                f"Median AUC against {AGAINST[kind]}",
                Estimate(group["auc_median"], group["auc_low"], group["auc_high"]),
                f"{count_text(group['n_species'])} species",
                "The two kinds of AUC do not compare with each other.",
            )
            for kind, group in summary["by_against"].items()
        ]
    if summary["coordinates"] is not None:
        null = summary["coordinates"]
        rows.append(
            HeadlineFigure(
                "Mean gain in AUC over coordinates alone",
                Estimate(null["gain_mean"], null["gain_low"], null["gain_high"]),
                f"{count_text(null['n_species'])} species",
                "A model that knows x and y and nothing else reaches a mean AUC of "
                f"{number_text(null['auc_mean'])}, the network {number_text(null['network_auc_mean'])} on the "
                "same species. Near 0 means that these folds cannot tell habitat from location.",
            )
        )
    if summary["site_auc"] is not None:
        rows.append(
            HeadlineFigure(
                "Site AUC",
                estimate("site_auc"),
                f"{count_text(summary['n_site_auc'])} sites",
                "At a site: how often a species found there scores higher than one that was not.",
            )
        )
    if summary["micro_f1"] is not None:
        rows.append(
            HeadlineFigure(
                "Site F1 (“micro F1”)",
                estimate("micro_f1"),
                f"{count_text(summary['n_f1'])} sites",
                f"Overlap of the species list predicted (probability of {summary['f1_threshold']:g} or more) "
                "with the list found.",
            )
        )
    for key, name, digits, says in (
        ("average_precision", "Mean average precision", 2, "Depends on how common a species is in the test."),
        (
            "tss",
            "Mean TSS",
            2,
            "Sensitivity + specificity − 1, at thresholds that other folds chose.",
        ),
        (
            "boyce",
            "Mean Boyce index",
            2,
            "From −1 to 1: do presences crowd where the prediction ranks high?",
        ),
        ("brier", "Mean Brier score", 3, "Mean squared error of occurrence; smaller is better."),
    ):
        mean = estimate(f"{key}_mean")
        if mean.value is not None:
            rows.append(HeadlineFigure(name, mean, f"{count_text(summary[f'n_{key}'])} species", says, digits))
    return rows


def _meanings(card: Card | None) -> list[tuple[str, str]]:
    """Return each sentence on what the output means, with the species that it holds for."""
    if card is None:
        return []
    by_meaning: dict[str, list[str]] = {}
    for one in card.species:
        by_meaning.setdefault(card.meaning(one), []).append(one.name)
    if len(by_meaning) == 1:
        return [(meaning, "") for meaning in by_meaning]
    return [
        (meaning, ", ".join(names) if len(names) <= 12 else f"{len(names):,} species")
        for meaning, names in by_meaning.items()
    ]
