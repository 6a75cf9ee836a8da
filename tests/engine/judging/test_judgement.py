"""The judgement keeps folds, masks and kinds of data apart, and its files say what they promise."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_values import scored
from scalescape.engine.judging.calibration import calibrate, held_out_occurrence
from scalescape.engine.judging.judgement import COLUMNS, Judgement, judge
from scalescape.engine.judging.judgement_files import write_judgement
from scalescape.engine.judging.resampling import Estimate
from scalescape.engine.judging.scored import Scored
from scalescape.engine.running.errors import InputError
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score


def judged(values: Scored, **options: object) -> Judgement:
    return judge(values, draws=100, **options)


def fold_mean(values: Scored, column: int, figure: object, absent: np.ndarray | None = None) -> float:
    """A figure of scikit-learn's on each fold, then the mean."""
    absent = ~values.found[:, column] if absent is None else absent
    found = []
    for fold in np.unique(values.fold):
        rows = (values.fold == fold) & (values.found[:, column] | absent)
        found.append(figure(values.found[rows, column], values.logit[rows, column]))
    return float(np.mean(found))


def test_figures_are_means_over_folds_and_agree_with_scikit_learn() -> None:
    values = scored(digits=1)
    rows = judged(values).species
    for column, row in enumerate(rows):
        assert np.isclose(row["auc"], fold_mean(values, column, roc_auc_score))
        assert np.isclose(row["average_precision"], fold_mean(values, column, average_precision_score))
        assert row["auc_low"] < row["auc"] < row["auc_high"]
        assert row["against"] == "survey" and row["flag"] == ""
        assert row["n_presence"] + row["n_absence"] == 600


def test_folds_are_never_pooled() -> None:
    """Networks of different folds differ by a constant: a pool would suffer, the mean over folds may not."""
    values = scored(rows=900)
    shifted = replace(values, logit=values.logit + 30.0 * values.fold[:, None])
    for one, other in zip(judged(values).species, judged(shifted).species, strict=True):
        for name in ("auc", "auc_low", "auc_high", "average_precision"):
            assert np.isclose(one[name], other[name])
    pooled = roc_auc_score(shifted.found[:, 0], shifted.logit[:, 0])
    assert abs(pooled - judged(shifted).species[0]["auc"]) > 0.05


def test_what_was_not_surveyed_enters_no_figure() -> None:
    """Fails wherever the mask is dropped: masked cells hold the opposite of the truth and absurd values."""
    values = scored(rows=900, kinds=("po", "pa", "pa", "pa-balanced", "pa"), species=5, background=0.3)
    known = np.random.default_rng(7).random(values.known.shape) < 0.5
    clean = replace(values, known=known)
    opposite = np.where(values.found, -50.0, 50.0)
    fouled = replace(
        values,
        known=known,
        logit=np.where(known, values.logit, opposite),
        found=np.where(known, values.found, ~values.found),
    )
    one, other = judged(clean), judged(fouled)
    assert one.species == other.species
    assert one.summary == other.summary
    dropped = judged(replace(fouled, known=np.ones_like(known)))
    assert all(a["auc"] != b["auc"] for a, b in zip(one.species, dropped.species, strict=True))


def test_presence_only_species_are_compared_with_background_alone() -> None:
    values = scored(kinds=("po", "pa", "po", "pa"), background=0.4)
    rows = judged(values).species
    for column, row in enumerate(rows):
        absent = values.background if row["against"] == "background" else None
        if absent is None:
            surveys = values.taken(~values.background)
            assert np.isclose(row["auc"], fold_mean(surveys, column, roc_auc_score))
            assert row["brier"] is not None
        else:
            assert np.isclose(row["auc"], fold_mean(values, column, roc_auc_score, absent))
            assert row["n_absence"] == values.background.sum() and row["brier"] is None


def test_brier_is_that_of_occurrence_calibrated_on_the_other_folds() -> None:
    values = scored()
    occurrence = held_out_occurrence(values)
    expected = np.mean(
        [
            brier_score_loss(values.found[values.fold == fold, 1], occurrence[values.fold == fold, 1])
            for fold in np.unique(values.fold)
        ]
    )
    assert np.isclose(judged(values).species[1]["brier"], expected)


def test_a_calibration_fitted_elsewhere_is_used_as_it_is() -> None:
    values, test = scored(seed=1), scored(seed=2, folds=1)
    calibration = calibrate(values)
    expected = brier_score_loss(test.found[:, 0], calibration.occurrence(test.logit)[:, 0])
    assert np.isclose(judged(test, calibration=calibration).species[0]["brier"], expected)
    assert judged(test).species[0]["brier"] is None
    with pytest.raises(InputError, match="other species"):
        judged(test.with_species(["Species 1"]), calibration=calibration)


def test_few_presences_few_blocks_and_one_class_are_flagged() -> None:
    values = scored(species=5, rows=900)
    found = values.found.copy()
    place = np.flatnonzero(values.fold == values.fold[0])
    found[:, 0] = False
    found[np.unique(values.block, return_index=True)[1][:8], 0] = True
    found[:, 1] &= np.isin(values.block, np.unique(values.block)[:3])
    found[:, 2] = False
    found[:, 3] = True
    values = replace(values, found=found)
    result = judged(values)
    few, blocks, nobody, everywhere, plain = result.species
    assert few["flag"] == "few presences; no better than chance" and few["n_presence"] == 8
    assert few["auc"] is not None and few["auc_low"] <= 0.5
    assert blocks["flag"] == "few blocks" and blocks["auc"] is None and blocks["n_blocks"] == 3
    assert blocks["threshold"] is not None
    assert nobody["flag"] == "one class only; few presences; few blocks" and nobody["auc"] is None
    assert everywhere["flag"] == "one class only" and everywhere["threshold"] is None
    assert plain["flag"] == "" and place.size
    assert result.summary["n_species"] == 1 and result.summary["n_species_flagged"] == 4
    assert result.summary["flags"] == {
        "few blocks": 2, "few presences": 2, "no better than chance": 1, "one class only": 2,
    }  # fmt: skip
    assert result.summary["auc_median"] == result.summary["auc_mean"] == plain["auc"]
    assert result.summary["with_auc"]["n_species"] == 2
    assert np.isclose(result.summary["tss_mean"], plain["tss"]) and result.summary["n_tss"] == 1
    own = judged(values, blocked=False).species[1]
    assert own["auc"] is not None and own["auc_low"] is None and own["flag"] == "few blocks"


def test_means_over_species_come_from_the_same_draws() -> None:
    values = scored(species=7, rows=900)
    result = judged(values)
    each = [row["auc"] for row in result.species]
    assert np.isclose(result.summary["auc_median"], np.median(each))
    assert np.isclose(result.summary["auc_mean"], np.mean(each))
    medians, blocks = np.median(result.figures.auc, axis=1), len(np.unique(values.block))
    expected = Estimate.of(medians, units=blocks)
    assert (result.summary["auc_low"], result.summary["auc_high"]) == (expected.low, expected.high)
    assert result.summary["n_species"] == sum(one["n_species"] for one in result.summary["classes"])


def test_classes_go_by_prevalence_for_surveys_and_by_training_presences_for_records() -> None:
    values = scored(kinds=("po", "po", "pa", "pa"), background=0.3, rows=2000)
    values = replace(values, presences=np.array([40, 4000, 40, 4000]))
    named = {(one["class"], one["against"]): one["n_species"] for one in judged(values).summary["classes"]}
    assert named == {
        ("prevalence 20 % or more", "survey"): 2,
        ("10 to 99 training presences", "background"): 1,
        ("1000 or more training presences", "background"): 1,
    }


def test_the_same_seed_gives_the_same_judgement() -> None:
    values = scored()
    assert judged(values, seed=3).summary == judged(values, seed=3).summary
    assert judged(values, seed=3).summary["auc_low"] != judged(values, seed=4).summary["auc_low"]


def test_about_95_in_100_intervals_hold_the_true_auc() -> None:
    """Sites are independent here, so that blocks lose nothing; the truth is taken from many sites."""
    truth = scored(rows=200_000, species=1, folds=1, seed=99)
    expected = roc_auc_score(truth.found[:, 0], truth.logit[:, 0])
    inside = 0
    for seed in range(100):
        row = judge(scored(rows=400, species=1, folds=1, seed=seed), seed=seed).species[0]
        inside += row["auc_low"] <= expected <= row["auc_high"]
    assert inside >= 88  # 95 less three standard errors of a share of 100


def test_coordinates_alone_stand_beside_the_network_on_the_same_species() -> None:
    values = scored()
    worse = replace(values, logit=values.logit * 0 + np.random.default_rng(0).normal(size=values.logit.shape))
    known = values.known.copy()
    known[:, 2] = False
    null = replace(worse, known=known)
    summary = judged(values, null=null).summary["coordinates"]
    rows = [judged(values).species[i]["auc"] for i in (0, 1, 3)]
    assert summary["n_species"] == 3 and np.isclose(summary["network_auc_mean"], np.mean(rows))
    assert np.isclose(summary["gain_mean"], np.mean(rows) - summary["auc_mean"])
    assert 0 < summary["gain_low"] < summary["gain_mean"] < summary["gain_high"]
    with pytest.raises(InputError, match="other species or sites"):
        judged(values, null=values.with_species(["Species 0"]))


def test_the_files_hold_the_promised_columns_and_no_nan(tmp_path: Path) -> None:
    values = scored(kinds=("po", "pa", "pa-balanced", "pa"), background=0.3)
    found = values.found.copy()
    found[:, 3] = False
    write_judgement(judged(replace(values, found=found)), tmp_path / "out")
    text = (tmp_path / "out" / "species.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    assert tuple(header) == COLUMNS
    promised = (
        "species,n_presence,n_absence,n_blocks,against,auc,auc_low,auc_high,"
        "average_precision,tss,threshold,boyce,brier,flag"
    )
    assert text.splitlines()[0] == promised
    assert len(rows) == 4 and rows[3][5] == "" and "nan" not in text.lower()
    assert rows[0][1].isdigit()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"), parse_constant=refuse)
    wanted = {
        "auc_median",
        "auc_mean",
        "auc_low",
        "auc_high",
        "micro_f1",
        "f1_threshold",
        "n_species",
        "against",
    }
    assert wanted <= set(summary) and summary["against"] == "survey and background"
    assert (tmp_path / "out" / "report.html").exists()
    long = list(csv.DictReader((tmp_path / "out" / "figures.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["figure"] for row in long if row["species"] == "Species 0"} >= {
        "auc", "boyce", "threshold: largest TSS", "threshold: minimum presence",
    }  # fmt: skip


def test_species_that_coordinates_reach_are_flagged_and_others_are_not() -> None:
    values = scored(species=2, rows=900)
    better = values.logit.copy()
    better[:, 0] += 3 * values.found[:, 0]  # coordinates tell the first species better than the network
    better[:, 1] = np.random.default_rng(0).normal(size=len(values))
    result = judge(values, draws=100, null=replace(values, logit=better))
    assert [row["flag"] for row in result.species] == ["no better than coordinates", ""]
    same = judge(values, draws=100, null=values)
    assert all(row["flag"] == "no better than coordinates" for row in same.species)
