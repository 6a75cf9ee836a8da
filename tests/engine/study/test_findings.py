"""Gains, their intervals and their verdicts, on standings whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scalescape.engine.judging.resampling import Estimate, Resampling
from scalescape.engine.judging.scored import Scored
from scalescape.engine.running.errors import InputError
from scalescape.engine.study.findings import (
    Findings,
    additions_of,
    askable,
    findings_of,
    gains_asked,
    questions_asked,
)
from scalescape.engine.study.gain import CHANCE, HELPS, HURTS, UNTESTED
from scalescape.engine.study.scoreboard import Scoreboard
from scalescape.engine.study.standing import Repeats
from scalescape.engine.study.trial import Outcome, Run, Trial, placebo_runs, runs_of
from scalescape.engine.study.variant import (
    COORDINATES,
    MAXENT,
    NETWORK,
    RANDOM_FOREST,
    Addition,
    Variant,
    everything,
    networks,
    one_pixel,
)
from sklearn.metrics import roc_auc_score

OFFERED = {"climate": (1, 5)}
SPECIES = 40
BLOCKS, A_BLOCK = 24, 30
FOLDS = 2


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


PLACEBOS = 6
SEEDS = (1, 2, 3)
Skills = dict[Variant | Addition, float]


def outcomes(
    at: Scoreboard, one: Variant | Addition, skill: float, draw: np.random.Generator
) -> dict[Trial, Outcome]:
    """Outcomes whose logits tell presences by ``skill`` and share a part within each block, as real ones do."""
    variant = one.variant if isinstance(one, Addition) else one
    runs = placebo_runs(one, SEEDS, PLACEBOS) if isinstance(one, Addition) else runs_of(variant, SEEDS)
    made = {}
    for run in runs:
        shape = at.scored.logit.shape
        of_block = draw.normal(0, 0.7, (BLOCKS, shape[1]))[at.scored.block]
        logit = skill * at.scored.present + of_block + draw.normal(size=shape)
        for fold, rows in enumerate(at.rows):
            part = logit[rows].astype(np.float32)
            made[Trial(variant, run, fold)] = Outcome(part, part[:0], 1.0, 1)
    return made


Made = dict[Variant | Addition, dict[Trial, Outcome]]


def found_of(at: Scoreboard, made: Made) -> Findings:
    standings = {one: at.standing(one, its) for one, its in made.items() if isinstance(one, Variant)}
    placebos = {one: at.standing(one.variant, its) for one, its in made.items() if isinstance(one, Addition)}
    return findings_of(at, standings, placebos, OFFERED, "climate")


def study(skills: Skills, seed: int = 0, species: int = SPECIES) -> Findings:
    at, draw = board(species, seed), np.random.default_rng([seed, 1])
    return found_of(at, {one: outcomes(at, one, skill, draw) for one, skill in skills.items()})


WHOLE, PIXEL, FIVE = everything(OFFERED), one_pixel("climate"), Variant(NETWORK, (("climate", (5,)),))


def skills(real: float, placebo: float, base: float = 0.5) -> Skills:
    """Of the networks, and of placebos beside what each reference sees; one pixel is the best single scale."""
    found: Skills = dict.fromkeys(networks(OFFERED, "climate"), base)
    found[FIVE], found[WHOLE] = base - 0.3, real
    return found | {Addition(FIVE, PIXEL.scales): base, Addition(WHOLE, PIXEL.scales): placebo}


def share(findings: Findings, verdict: str) -> float:
    (question,) = findings.questions
    return float(np.mean([gain is not None and gain.verdict == verdict for gain in question.species]))


def test_the_auc_is_that_of_scikit_learn_fold_by_fold_and_averaged() -> None:
    at, draw = board(3), np.random.default_rng(2)
    variant = one_pixel("climate")
    made = outcomes(at, variant, 1.0, draw)
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
    made = outcomes(at, variant, 1.0, np.random.default_rng(3))
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


def test_a_gain_that_a_placebo_has_too_is_not_told_from_one() -> None:
    found = study(skills(real=2.0, placebo=2.0))
    assert share(found, f"{CHANCE} ({PLACEBOS} draws)") > 0.8
    assert share(found, HELPS) <= 0.05


def test_a_loss_hurts() -> None:
    assert share(study(skills(real=-1.0, placebo=0.5)), HURTS) > 0.9


def test_without_any_gain_hardly_a_species_is_said_to_be_helped() -> None:
    """400 verdicts: 40 species on each of ten data sets."""
    found = [share(study(skills(0.5, 0.5), seed), HELPS) for seed in range(10)]
    assert np.mean(found) <= 0.03


def test_gains_are_means_over_species_of_differences_to_the_one_pixel_network() -> None:
    found = study(skills(real=1.5, placebo=0.5))
    gain = next(one for one in found.gains if one.model == everything(OFFERED))
    ours, base = (found.standings[one].auc[:, 0].mean(axis=0) for one in (gain.model, PIXEL))
    assert gain.mean.real.value == pytest.approx((ours - base).mean())
    assert gain.median.real.value == pytest.approx(np.median(ours) - np.median(base))
    for column, one in enumerate(gain.species):
        assert one is not None and one.real.value == pytest.approx((ours - base)[column])
        assert one.headroom == pytest.approx(1 - base[column])
    on_placebos = found.placebos[Addition(WHOLE, PIXEL.scales)].auc[:, 0]
    np.testing.assert_allclose(gain.mean.placebos, on_placebos.mean(axis=1) - base.mean())
    np.testing.assert_allclose(gain.median.placebos, np.median(on_placebos, axis=1) - np.median(base))


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
    result = found_of(at, {one: outcomes(at, one, skill, draw) for one, skill in skills(1.0, 0.5).items()})
    figures = result.figures[0]
    assert figures.n_species == 1
    assert figures.species[0] == Estimate(), "no spatial AUC"
    assert figures.species[1].value is not None
    assert figures.auc_mean.value == pytest.approx(figures.species[2].value)
    assert [gain is not None for gain in result.gains[0].species] == [False, False, True]


def test_runs_seeds_and_placebos() -> None:
    assert len(runs_of(WHOLE, SEEDS)) == 3
    assert len(runs_of(Variant(MAXENT, WHOLE.scales), SEEDS)) == 1, "nothing random in it"
    assert len(runs_of(Variant(RANDOM_FOREST, WHOLE.scales), SEEDS)) == 3
    runs = placebo_runs(Addition(WHOLE, PIXEL.scales), (7, 8), 3)
    assert [(run.draw, run.seed) for run in runs] == [(1, 7), (2, 8), (3, 7)]
    assert {run.kept for run in runs} == {PIXEL.scales}
    assert not placebo_runs(Addition(Variant(COORDINATES), PIXEL.scales), SEEDS, 3), "nothing to randomise"
    assert not placebo_runs(Addition(PIXEL, PIXEL.scales), SEEDS, 3)


def test_fits_on_placebos_beside_different_references_are_kept_in_different_files() -> None:
    keys = {
        Trial(WHOLE, run, 0).key
        for kept in (PIXEL.scales, FIVE.scales)
        for run in placebo_runs(Addition(WHOLE, kept), SEEDS, 2)
    }
    assert len(keys | {Trial(WHOLE, Run("real", 0, 1), 0).key}) == 5


def test_what_is_asked_names_the_best_reference_and_what_is_random_in_its_placebos() -> None:
    offered = {"climate": (1, 5), "modis": (1, 17)}
    at, draw = board(4), np.random.default_rng(0)
    better = {
        Variant(NETWORK, (("climate", (5,)),)): 2.0,
        Variant(NETWORK, (("modis", (1, 17)),)): 2.5,
        Variant(NETWORK, (("climate", (1,)), ("modis", (17,)))): 3.0,
    }
    standings = {
        one: at.standing(one, outcomes(at, one, better.get(one, 0.2), draw))
        for one in networks(offered, "climate")
    }
    asked = questions_asked(at, standings, offered)
    said = [(text, other.sees, Addition(model, other.scales).randomised) for text, model, other in asked]
    assert said == [
        ("several scales of climate", "climate 5", (("climate", (1,)),)),
        ("several scales of modis", said[1][1], (("modis", (17 if said[1][1].endswith(" 1") else 1,)),)),
        ("several scales of all modalities", "climate 1 + modis 17", (("climate", (5,)), ("modis", (1,)))),
        ("several modalities", "modis 1-17", (("climate", (1, 5)),)),
        ("several scales and modalities", "climate 5", (("climate", (1,)), ("modis", (1, 17)))),
    ]
    assert [text for text, *_ in askable(offered)] == [text for text, *_ in asked]
    gains = gains_asked(standings, "climate")
    assert len(gains) == len(standings) - 1 and {other for *_, other in gains} == {one_pixel("climate")}
    additions = additions_of([*gains, *asked])
    assert len(additions) == len(set(additions)) == len(gains) + 5
    lone = Addition(Variant(NETWORK, (("modis", (17,)),)), PIXEL.scales)
    assert lone.randomised == (("modis", (17,)),)
    assert lone.whole == Variant(NETWORK, (("climate", (1,)), ("modis", (17,)))), "what its placebos see"


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


def with_losses(*lost: tuple[str, int, int]) -> tuple[Findings, Made]:
    """A study in which fits of the network of everything diverged, and its outcomes."""
    at, draw = board(5), np.random.default_rng(4)
    made: Made = {one: outcomes(at, one, skill, draw) for one, skill in skills(2.0, 0.5).items()}
    for one in (WHOLE, Addition(WHOLE, PIXEL.scales)):
        made[one] = planted(made[one], *lost)
    return found_of(at, made), made


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


def test_a_run_with_a_fit_that_diverged_is_left_out_whole() -> None:
    found, made = with_losses(("real", 2, 1), ("placebo", 1, 0))
    at = found.board
    addition = Addition(WHOLE, PIXEL.scales)
    standing, on_placebos = found.standings[WHOLE], found.placebos[addition]
    assert [run.seed for run in standing.runs] == [1, 3]
    assert [run.draw for run in on_placebos.runs] == [2, 3, 4, 5, 6]
    assert [(trial.run.seed, trial.fold) for trial in standing.diverged] == [(2, 1)]
    assert (standing.fits, on_placebos.fits) == (6, 12)
    gain = next(one for one in found.gains if one.model == WHOLE).mean
    real = np.mean([plain_auc(at, made[WHOLE], "real", seed) for seed in (1, 3)], axis=0)
    base = np.mean([plain_auc(at, made[PIXEL], "real", seed) for seed in SEEDS], axis=0)
    assert gain.real.value == pytest.approx((real - base).mean(), abs=1e-6)
    placebos = [(plain_auc(at, made[addition], "placebo", n) - base).mean() for n in range(2, 7)]
    np.testing.assert_allclose(gain.placebos, placebos, atol=1e-6)
    assert None not in (gain.real.low, gain.real.high, gain.excess.low)
    (note,) = found.diverged
    assert note.startswith("The training of 2 networks diverged.")
    assert "climate 1-5, seed 2, fold 2; climate 1-5, placebo 1 beside climate 1, fold 1." in note


def test_a_network_without_a_seed_left_has_no_figures_and_stops_nothing() -> None:
    found, _ = with_losses(("real", 1, 0), ("real", 2, 0), ("real", 3, 1))
    assert (WHOLE, "real") not in {(one.variant, one.predictors) for one in found.figures}
    (question,) = found.questions
    assert question.mean.verdict == "" and question.mean.real == Estimate()
    assert found.best() != WHOLE
    assert found.diverged[1] == "No seed is left, so there are no figures, of the networks of climate 1-5."


def test_a_study_whose_networks_all_diverged_has_no_best_one() -> None:
    at, draw = board(5), np.random.default_rng(0)
    every = [("real", seed, fold) for seed in SEEDS for fold in (0, 1)]
    every += [("placebo", number, fold) for number in range(1, PLACEBOS + 1) for fold in (0, 1)]
    found = found_of(
        at,
        {one: planted(outcomes(at, one, skill, draw), *every) for one, skill in skills(1.0, 0.5).items()},
    )
    assert not found.figures and not found.questions
    with pytest.raises(InputError, match="every network diverged; lower training.learning_rate"):
        found.best()


def test_repeats_are_drawn_with_the_blocks() -> None:
    repeats = Repeats.of(3, 500, 0)
    values = np.broadcast_to(np.array([0.0, 1.0, 2.0])[:, None], (3, 501))
    mean = repeats.mean(values)
    assert mean[0] == pytest.approx(1)
    assert mean[1:].std() == pytest.approx(np.sqrt(1 / 3), rel=0.1), "the error of a mean of three: s / √3"


def test_without_placebos_a_gain_is_untested() -> None:
    at, draw = board(5), np.random.default_rng(0)
    found = found_of(
        at,
        {
            one: outcomes(at, one, skill, draw)
            for one, skill in skills(2.5, 0.5).items()
            if isinstance(one, Variant)
        },
    )
    assert share(found, UNTESTED) == 1.0
    assert found.best() == WHOLE
