"""A scale profile in words and as a table."""

from __future__ import annotations

from typing import Optional

from ...engine.protocol.scale_results import BranchProfile, ProfileResult, SpeciesProfile
from ...models.card import Card
from .point_table import branch_name
from .reliability import unproven_sentence
from .translation import tr

HEADINGS = ["species", "modality", "scale_px", "mean_abs", "low", "high", "variance_share", "share_low",
            "share_high", "dominant",
            "at_end", "models", "agreeing"]  # fmt: skip


def profile_records(result: ProfileResult) -> list[list[str]]:
    """Return a table for a file, headings first: a line a species and branch, with no number rounded."""
    table = [list(HEADINGS)]
    for one in result.species:
        best = one.dominant
        for branch in one.branches:
            is_best = (branch.modality, branch.scale) == (best.modality, best.scale)
            table.append(
                [one.name, branch.modality, str(branch.scale), repr(branch.mean_abs), _plain(branch.low),
                 _plain(branch.high), _plain(branch.variance_share), _plain(branch.share_low),
                 _plain(branch.share_high), "yes" if is_best else "no",
                 "yes" if is_best and best.at_end else "no", str(result.models), str(one.agreeing)]
            )  # fmt: skip
    return table


def profile_sentences(card: Card, result: ProfileResult, one: SpeciesProfile) -> list[str]:
    """Return what the profile of a species says: the dominant scale, and how certain that is."""
    name = branch_name(card, one.dominant.modality, one.dominant.scale)
    species = next(known for known in card.species if known.name == one.name)
    unproven = unproven_sentence(card, species)
    said = [tr("Relies most on {}.").format(name), *([unproven] if unproven else [])]
    if one.dominant.at_end:
        said.append(tr("It is at the end of the range tried: a scale beyond it might do better."))
    if result.models == 1:
        said.append(tr("One model gives no uncertainty; add refits, trained alike, to see it."))
    else:
        said.append(tr("{} of {} models agree.").format(one.agreeing, result.models))
    return said


def share_text(branch: BranchProfile) -> str:
    """Return a share of the logit's variance: ``23.1 %``, a negative one with its sign."""
    return "–" if branch.variance_share is None else f"{100 * branch.variance_share:.1f} %"


def spread_text(branch: BranchProfile) -> str:
    """Return the range over refits; a dash where there are none."""
    return "–" if branch.low is None or branch.high is None else f"{branch.low:.3f} – {branch.high:.3f}"


def share_spread_text(branch: BranchProfile) -> str:
    """Return the range of the share over refits; a dash where there are none."""
    if branch.share_low is None or branch.share_high is None:
        return "–"
    return f"{100 * branch.share_low:.1f} – {100 * branch.share_high:.1f} %"


def _plain(value: Optional[float]) -> str:
    return "" if value is None else repr(value)
