"""Gains, their intervals and their verdicts, on standings whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scalescape.engine.errors import InputError
from scalescape.engine.judging.resampling import Estimate, Resampling
from scalescape.engine.judging.scored import Scored
from scalescape.engine.study.findings import (
    CHANCE,
    HELPS,
    HURTS,
    NO_EVIDENCE,
    UNTESTED,
    Findings,
    Gain,
    findings_of,
)
from scalescape.engine.study.scoreboard import Scoreboard
from scalescape.engine.study.standing import Repeats, Standing
from scalescape.engine.study.trial import Outcome, Trial, runs_of
from scalescape.engine.study.variant import (
    COORDINATES,
    MAXENT,
    NETWORK,
    RANDOM_FOREST,
    Variant,
    everything,
    networks,
    one_pixel,
)
from scipy.stats import t
from sklearn.metrics import roc_auc_score

OFFERED = {"climate": (1, 5)}
SPECIES = 40
BLOCKS, A_BLOCK = 24, 30
FOLDS = 2


def interval(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, low, high)


@pytest.mark.parametrize(
    ("real", "excess", "verdict"),
    [
        (interval(0.02, 0.01, 0.03), interval(0.02, 0.005, 0.03), HELPS),
        (interval(0.02, 0.01, 0.03), interval(0.01, -0.005, 0.03), CHANCE),
        (interval(0.02, 0.01, 0.03), Estimate(), UNTESTED),
        (interval(0.02, -0.01, 0.03), interval(0.02, 0.005, 0.03), NO_EVIDENCE),
        (interval(0.02, 0.0, 0.03), interval(0.02, 0.005, 0.03), NO_EVIDENCE),
        (interval(-0.02, -0.03, -0.01), interval(-0.02, -0.03, -0.01), HURTS),
        (Estimate(0.02), Estimate(0.02), NO_EVIDENCE),
        (Estimate(), Estimate(), ""),
    ],
)
def test_verdicts(real: Estimate, excess: Estimate, verdict: str) -> None:
    assert Gain(real, Estimate(), excess).verdict == verdict


def board(species: int = SPECIES, seed: int = 0, draws: int = 200) -> Scoreboard:
    """Presences and background points in blocks, alike for all species."""
    draw = np.random.default_rng(seed)
    rows = BLOCKS * A_BLOCK
    background = np.arange(rows) % 2 == 1
    found = (draw.random((rows, species)) < 0.5) & ~background[:, None]
    block = np.repeat(np.arange(BLOCKS), A_BLOCK)
    fold = block % FOLDS
    scored = Scored(
        species=tuple(f"Species {number}" for number in range(species)),
        logit=np.zeros((rows, species)),
        found=found,
        known=np.ones((rows, species), np.bool_),
        block=block,
        fold=fold,
        x=np.zeros(rows),
        y=np.zeros(rows),
        crs="EPSG:3035",
        background=background,
        kinds=("po",) * species,
        presences=found.sum(axis=0),
    )
    rows_of_folds = tuple(np.flatnonzero(fold == number) for number in range(FOLDS))
    return Scoreboard(scored, rows_of_folds, False, Resampling.of(block, fold, draws, 0))


def outcomes(
    at: Scoreboard, variant: Variant, skill: dict[str, float], draw: np.random.Generator
) -> dict[Trial, Outcome]:
    """Outcomes whose logits tell presences by ``skill`` and share a part within each block, as real ones do."""
    made = {}
    for run in runs_of(variant, (1, 2, 3), 3):
        shape = at.scored.logit.shape
        of_block = draw.normal(0, 0.7, (BLOCKS, shape[1]))[at.scored.block]
        logit = skill[run.predictors] * at.scored.present + of_block + draw.normal(size=shape)
        for fold, rows in enumerate(at.rows):
            part = logit[rows].astype(np.float32)
            made[Trial(variant, run, fold)] = Outcome(part, part[:0], 1.0, 1)
    return made


def study(skills: dict[Variant, dict[str, float]], seed: int = 0, species: int = SPECIES) -> Findings:
    at, draw = board(species, seed), np.random.default_rng([seed, 1])
    standings = {one: at.standing(one, outcomes(at, one, skill, draw)) for one, skill in skills.items()}
    return findings_of(at, standings, OFFERED, "climate")


def skills(real: float, placebo: float, base: float = 0.5) -> dict[Variant, dict[str, float]]:
    found = {one: {"real": base, "placebo": base} for one in networks(OFFERED, "climate")}
    found[everything(OFFERED)] = {"real": real, "placebo": placebo}
    return found


def share(findings: Findings, verdict: str) -> float:
    (question,) = findings.questions
    return float(np.mean([gain is not None and gain.verdict == verdict for gain in question.species]))


def test_the_auc_is_that_of_scikit_learn_fold_by_fold_and_averaged() -> None:
    at, draw = board(3), np.random.default_rng(2)
    variant = one_pixel("climate")
    made = outcomes(at, variant, {"real": 1.0, "placebo": 0.2}, draw)
    standing = at.standing(variant, made)
    for number, run in enumerate(standing.runs):
        for column in range(3):
            expected = []
            for fold, rows in enumerate(at.rows):
                outcome = next(o for t, o in made.items() if (t.run, t.fold) == (run, fold))
                mine = at.scored.present[rows, column] | at.scored.absent[rows, column]
                expected.append(
                    roc_auc_score(at.scored.present[rows, column][mine], outcome.held_out[mine, column])
                )
            np.testing.assert_allclose(standing.fold_auc[number, :, column], expected)
            np.testing.assert_allclose(standing.auc[number, 0, column], np.mean(expected))


def test_a_draw_of_blocks_is_the_auc_with_its_rows_repeated() -> None:
    at = board(1, draws=5)
    variant = one_pixel("climate")
    made = outcomes(at, variant, {"real": 1.0, "placebo": 0.2}, np.random.default_rng(3))
    standing = at.standing(variant, made)
    draw = 4
    expected = []
    for fold, rows in enumerate(at.rows):
        times = at.resampling.weights[draw][at.resampling.position[rows]].astype(int)
        outcome = next(o for t, o in made.items() if (t.run, t.fold) == (standing.runs[0], fold))
        present = np.repeat(at.scored.present[rows, 0], times)
        mine = np.repeat(at.scored.present[rows, 0] | at.scored.absent[rows, 0], times)
        expected.append(roc_auc_score(present[mine], np.repeat(outcome.held_out[:, 0], times)[mine]))
    assert standing.auc[0, draw, 0] == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_true_gain_helps_nearly_everywhere() -> None:
    assert share(study(skills(real=2.0, placebo=0.5)), HELPS) > 0.9


def test_a_gain_that_a_placebo_has_too_is_chance_structure() -> None:
    found = study(skills(real=2.0, placebo=2.0))
    assert share(found, CHANCE) > 0.8
    assert share(found, HELPS) <= 0.05


def test_a_loss_hurts() -> None:
    assert share(study(skills(real=-1.0, placebo=0.5)), HURTS) > 0.9


def test_without_any_gain_hardly_a_species_is_said_to_be_helped() -> None:
    """200 verdicts: 40 species on each of five data sets; one interval in forty lies above 0 by chance."""
    found = [share(study(skills(0.5, 0.5), seed), HELPS) for seed in range(5)]
    assert np.mean(found) <= 0.05


def test_gains_are_means_over_species_of_differences_to_the_one_pixel_network() -> None:
    found = study(skills(real=1.5, placebo=0.5))
    gain = next(one for one in found.gains if one.model == everything(OFFERED))
    ours, base = (found.standings[one].real[:, 0].mean(axis=0) for one in (gain.model, one_pixel("climate")))
    assert gain.mean.real.value == pytest.approx((ours - base).mean())
    assert gain.median.real.value == pytest.approx(np.median(ours) - np.median(base))
    for column, one in enumerate(gain.species):
        assert one is not None and one.real.value == pytest.approx((ours - base)[column])


def test_species_in_few_blocks_or_with_few_presences_are_shown_apart() -> None:
    at = board(3)
    found = at.scored.found.copy()
    found[at.scored.block >= 4, 0] = False  # presences in four blocks
    found[np.flatnonzero(found[:, 1])[9:], 1] = False  # nine presences
    found[np.flatnonzero(found[:, 1]), 1] = False
    spread = [np.flatnonzero(~at.scored.background & (at.scored.block == block))[0] for block in range(9)]
    found[spread, 1] = True
    at = replace(at, scored=replace(at.scored, found=found))
    assert at.flags == ("few blocks", "few presences", "")
    draw = np.random.default_rng(0)
    standings = {
        one: at.standing(one, outcomes(at, one, skill, draw)) for one, skill in skills(1.0, 0.5).items()
    }
    result = findings_of(at, standings, OFFERED, "climate")
    figures = result.figures[0]
    assert figures.n_species == 1
    assert figures.species[0] == Estimate(), "no spatial AUC"
    assert figures.species[1].value is not None
    assert figures.auc_mean.value == pytest.approx(figures.species[2].value)
    assert [gain is not None for gain in result.gains[0].species] == [False, False, True]


def test_runs_seeds_and_placebos() -> None:
    whole = everything(OFFERED)
    assert len(runs_of(whole, (1, 2, 3), 2)) == 5
    assert [run.seed for run in runs_of(whole, (7, 8), 3) if run.draw] == [7, 8, 7]
    assert len(runs_of(Variant(MAXENT, whole.scales), (1, 2, 3), 2)) == 1 + 2, "nothing random in it"
    assert len(runs_of(Variant(RANDOM_FOREST, whole.scales), (1, 2, 3), 2)) == 3 + 2
    assert all(run.predictors == "real" for run in runs_of(Variant(COORDINATES), (1, 2, 3), 2))


def planted(made: dict[Trial, Outcome], *lost: tuple[str, int, int]) -> dict[Trial, Outcome]:
    """The outcomes, but those of (predictors, placebo or seed, fold) diverged."""

    def falls(trial: Trial) -> bool:
        return (trial.run.predictors, trial.run.draw or trial.run.seed, trial.fold) in lost

    return {
        trial: replace(one, held_out=np.full_like(one.held_out, np.nan), epochs=0, diverged=True)
        if falls(trial)
        else one
        for trial, one in made.items()
    }


def with_losses(*lost: tuple[str, int, int]) -> tuple[Findings, dict[Trial, Outcome], dict[Trial, Outcome]]:
    """A study in which fits of the network of everything diverged; its outcomes, and those of one pixel."""
    at, draw = board(5), np.random.default_rng(4)
    made = {one: outcomes(at, one, skill, draw) for one, skill in skills(2.0, 0.5).items()}
    whole = everything(OFFERED)
    made[whole] = planted(made[whole], *lost)
    found = findings_of(at, {one: at.standing(one, its) for one, its in made.items()}, OFFERED, "climate")
    return found, made[whole], made[one_pixel("climate")]


def plain_auc(at: Scoreboard, made: dict[Trial, Outcome], predictors: str, number: int) -> np.ndarray:
    """The mean over folds of a run's AUC by species, through scikit-learn."""
    of_run = [
        (trial.fold, one)
        for trial, one in made.items()
        if (trial.run.predictors, trial.run.draw or trial.run.seed) == (predictors, number)
    ]
    found = np.empty((len(of_run), len(at.scored.species)))
    for fold, one in of_run:
        rows = at.rows[fold]
        for column in range(found.shape[1]):
            mine = at.scored.present[rows, column] | at.scored.absent[rows, column]
            found[fold, column] = roc_auc_score(
                at.scored.present[rows, column][mine], one.held_out[mine, column]
            )
    return found.mean(axis=0)


def test_a_run_with_a_fit_that_diverged_is_left_out_whole_and_placebos_stay_paired() -> None:
    found, whole, pixel = with_losses(("real", 2, 1), ("placebo", 1, 0))
    at = found.board
    standing = found.standings[everything(OFFERED)]
    assert [run.key for run in standing.runs] == [
        "real_seed1", "real_seed3", "placebo2_seed2", "placebo3_seed3"
    ]  # fmt: skip
    assert [trial.key.split("_", 3)[-1] for trial in standing.diverged] == [
        "seed2_fold2", "seed1_fold1"
    ]  # fmt: skip
    assert standing.fits == 12
    gain = next(one for one in found.gains if one.model == everything(OFFERED)).mean
    real = np.mean([plain_auc(at, whole, "real", seed) for seed in (1, 3)], axis=0)
    base = np.mean([plain_auc(at, pixel, "real", seed) for seed in (1, 2, 3)], axis=0)
    assert gain.real.value == pytest.approx((real - base).mean(), abs=1e-6)
    placebo = [plain_auc(at, whole, "placebo", n) - plain_auc(at, pixel, "placebo", n) for n in (2, 3)]
    assert gain.placebo.value == pytest.approx(np.mean(placebo), abs=1e-6)
    assert None not in (gain.real.low, gain.real.high, gain.excess.low)
    (note,) = found.diverged
    assert note.startswith("The training of 2 networks diverged.")
    assert "climate 1-5, seed 2, fold 2; climate 1-5, placebo 1, fold 1." in note


def test_a_network_without_a_seed_left_has_no_figures_and_stops_nothing() -> None:
    found, *_ = with_losses(("real", 1, 0), ("real", 2, 0), ("real", 3, 1))
    whole = everything(OFFERED)
    assert (whole, "real") not in {(one.variant, one.predictors) for one in found.figures}
    (question,) = found.questions
    assert question.mean.verdict == "" and question.mean.real == Estimate()
    assert found.best() != whole
    assert found.diverged[1] == "No seed is left, so there are no figures, of the networks of climate 1-5."


def test_a_study_whose_networks_all_diverged_has_no_best_one() -> None:
    at, draw = board(5), np.random.default_rng(0)
    every = [(kind, number, fold) for kind in ("real", "placebo") for number in (1, 2, 3) for fold in (0, 1)]
    standings = {
        one: at.standing(one, planted(outcomes(at, one, skill, draw), *every))
        for one, skill in skills(1.0, 0.5).items()
    }
    found = findings_of(at, standings, OFFERED, "climate")
    assert not found.figures and not found.questions
    with pytest.raises(InputError, match="every network diverged; lower training.learning_rate"):
        found.best()


def test_repeats_are_drawn_with_the_blocks() -> None:
    repeats = Repeats.of(3, 500, 0)
    values = np.broadcast_to(np.array([0.0, 1.0, 2.0])[:, None], (3, 501))
    mean, another = repeats.mean(values), repeats.another(values)
    assert mean[0] == another[0] == pytest.approx(1)
    assert mean[1:].std() == pytest.approx(np.sqrt(2 / 3 / 3), rel=0.1), "of a mean of three of them"
    half = t.ppf(0.975, 2) * np.sqrt(1 + 1 / 3)  # Student's prediction interval of a further value
    assert np.quantile(another[1:], [0.025, 0.975]) == pytest.approx([1 - half, 1 + half], rel=0.25)


def test_predictors_that_are_a_placebo_seldom_help() -> None:
    """The rate at which a gain that is one more placebo's beats those made, where nothing else varies."""
    draw, beaten = np.random.default_rng(1), 0
    repeats = Repeats.of(3, 400, 0)
    for _ in range(300):
        real, *made = 0.03 + 0.03 * draw.standard_normal(4)
        placebo = np.broadcast_to(np.array(made)[:, None], (3, 401))
        beaten += np.quantile((real - repeats.another(placebo))[1:], 0.025) > 0
    assert beaten / 300 < 0.05


def test_a_standing_without_placebos_leaves_a_gain_untested() -> None:
    at, draw = board(5), np.random.default_rng(0)
    standings = {}
    for one, skill in skills(2.5, 0.5).items():
        made = {
            trial: outcome
            for trial, outcome in outcomes(at, one, skill, draw).items()
            if trial.run.predictors == "real"
        }
        standings[one] = at.standing(one, made)
    assert isinstance(standings[one_pixel("climate")], Standing)
    found = findings_of(at, standings, OFFERED, "climate")
    assert share(found, UNTESTED) == 1.0
    assert found.best() == Variant(NETWORK, (("climate", (1, 5)),))
