"""The tables of a study: study.csv, summary.csv, gains.csv, verdicts.csv, species.csv and placebos.csv."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...models.whole_file import write_whole
from ..judging.resampling import Estimate, finite
from .findings import Comparison, Figures, Findings
from .gain import Gain
from .likeness import Likeness
from .standing import Standing
from .trial import PLACEBO, REAL
from .variant import Addition, Scales, Variant, in_words

PLACEBOS = "placebos.csv"
PLACEBO_COLUMNS = ["placebo", "modality", *(one.name for one in fields(Likeness)), "good"]
MEAN, MEDIAN = "(mean)", "(median)"


def write_tables(
    findings: Findings, likeness: Mapping[tuple[int, str], tuple[Likeness, ...]], folder: Path
) -> tuple[str, ...]:
    """Write the tables into a folder and return their names; ``likeness`` is that of the placebos' bands.

    Raises OSError where one can't be written.
    """
    tables = {
        "study.csv": _fits(findings),
        "summary.csv": [_summary(findings, one) for one in findings.figures],
        "gains.csv": [row for one in findings.gains for row in _gains(findings, one)],
        "verdicts.csv": [row for one in findings.questions for row in _gains(findings, one)],
        "species.csv": _species(findings),
        PLACEBOS: _placebos(likeness),
    }
    for name, rows in tables.items():
        frame = pd.DataFrame(rows, columns=PLACEBO_COLUMNS) if name == PLACEBOS else pd.DataFrame(rows)
        write_whole(folder / name, frame.to_csv(index=False))
    return tuple(tables)


def _fits(findings: Findings) -> list[dict[str, Any]]:
    """Return a row a model, run, fold and species that has an AUC."""
    board, rows = findings.board, []
    for standing in findings.every:
        variant = standing.variant
        for run, by_fold in zip(standing.runs, standing.fold_auc, strict=True):
            for fold, column in zip(*np.nonzero(np.isfinite(by_fold)), strict=True):
                mine = board.rows[fold]
                rows.append(
                    {
                        "model": variant.model,
                        "predictors": run.predictors,
                        "modalities": variant.modalities,
                        "scales": variant.scales_text,
                        **_beside(variant, run.kept if run.draw else None),
                        "seed": run.seed,
                        "placebo": run.draw or None,
                        "fold": int(fold) + 1,
                        "species": board.scored.species[column],
                        "auc": float(by_fold[fold, column]),
                        "against": board.scored.against[column],
                        "n_presence": int(board.scored.present[mine, column].sum()),
                        "n_absence": int(board.scored.absent[mine, column].sum()),
                        "averaged": bool(board.counted[column]),
                    }
                )
    return rows


def _summary(findings: Findings, one: Figures) -> dict[str, Any]:
    row: dict[str, Any] = {
        "model": one.variant.model,
        "predictors": one.predictors,
        "modalities": one.variant.modalities,
        "scales": one.variant.scales_text,
        **_beside(one.variant, one.kept if one.predictors == PLACEBO else None),
        "runs": one.runs,
        "diverged": len(_standing(findings, one).diverged),
        "n_species": one.n_species,
        "against": findings.board.against,
        **_columns("auc_median", one.auc_median),
        **_columns("auc_mean", one.auc_mean),
        **_columns("micro_f1", one.micro_f1),
    }
    gain = next((gain for gain in findings.gains if gain.model == one.variant), None)
    if one.predictors == REAL and gain is not None:
        row |= _gain(gain.mean)
    return row


def _standing(findings: Findings, one: Figures) -> Standing:
    if one.predictors == REAL:
        return findings.standings[one.variant]
    return findings.placebos[Addition(one.variant, one.kept)]


def _beside(variant: Variant, kept: Scales | None) -> dict[str, str | None]:
    """Return which branches see placebos and which see real rasters; nothing on real predictors."""
    if kept is None:
        return {"randomised": None, "kept": None}
    return {"randomised": in_words(Addition(variant, kept).randomised), "kept": in_words(kept)}


def _gains(findings: Findings, comparison: Comparison) -> list[dict[str, Any]]:
    """Return a row a species that is averaged, then one for their mean and one for the median AUC."""
    board = findings.board
    named = zip(board.scored.species, comparison.species, board.n_presence, board.n_blocks, strict=True)
    rows = [(name, gain, int(n), int(blocks)) for name, gain, n, blocks in named if gain is not None]
    over = ((MEAN, comparison.mean), (MEDIAN, comparison.median))
    return [
        {
            "question": comparison.question,
            "model": comparison.model.model,
            "modalities": comparison.model.modalities,
            "scales": comparison.model.scales_text,
            "reference": comparison.reference.name,
            "randomised": in_words(comparison.addition.randomised),
            "species": name,
            "n_presence": n,
            "n_blocks": blocks,
            **_gain(gain),
        }
        for name, gain, n, blocks in [*rows, *((name, gain, None, None) for name, gain in over)]
    ]


def _species(findings: Findings) -> list[dict[str, Any]]:
    """Return a row a species, also of those that are shown apart."""
    board = findings.board
    named = zip(board.scored.species, board.scored.against, board.flags, strict=True)
    return [
        {
            "species": name,
            "against": against,
            "n_presence": int(board.n_presence[column]),
            "n_blocks": int(board.n_blocks[column]),
            "averaged": bool(board.counted[column]),
            "flag": flag,
        }
        for column, (name, against, flag) in enumerate(named)
    ]


def _gain(gain: Gain) -> dict[str, Any]:
    return {
        **_columns("gain", gain.real),
        **_columns("placebo_gain", gain.placebo),
        "placebos": gain.draws,
        "placebo_gain_most": max(gain.placebos, default=None),
        **_columns("excess", gain.excess),
        "smallest_gain_that_could_help": gain.least,
        "headroom": gain.headroom,
        "verdict": gain.verdict,
    }


def _placebos(likeness: Mapping[tuple[int, str], tuple[Likeness, ...]]) -> list[dict[str, Any]]:
    """Return a row a placebo and band."""
    return [
        {"placebo": draw, "modality": name, **asdict(one), "good": one.good}
        for (draw, name), bands in likeness.items()
        for one in bands
    ]


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    values = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return {key: None if value is None else finite(value) for key, value in values.items()}
