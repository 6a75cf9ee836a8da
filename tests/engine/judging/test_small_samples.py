"""Figures of few presences claim no more than there is: on pure noise, and for a perfect model."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging.resampling import Estimate, Resampling
from scalescape.engine.judging.scored import Scored
from scalescape.engine.judging.species_figures import SpeciesFigures, species_figures
from scalescape.engine.judging.thresholds import LARGEST_TSS, thresholds
from scalescape.models.flags import CHANCE, UNPROVEN

pytestmark = pytest.mark.slow

SIMULATIONS = 200


def judged(logit: np.ndarray, present: np.ndarray, kind: str, seed: int, blocks: int = 50) -> SpeciesFigures:
    """Figures of one species whose rows are dealt to 5 folds by ``blocks`` blocks."""
    rows = len(logit)
    block = np.random.default_rng([seed, 1]).integers(blocks, size=rows)
    scored = Scored(
        ("Noise",), logit[:, None], present[:, None], np.ones((rows, 1), np.bool_), block, block % 5,
        np.zeros(rows), np.zeros(rows), "EPSG:3857", ~present if kind == "po" else np.zeros(rows, np.bool_),
        (kind,), np.array([present.sum()]),
    )  # fmt: skip
    resampling = Resampling.of(scored.block, scored.fold, seed=seed)
    return species_figures(scored, resampling, np.full((rows, 1), np.nan)).species[0]


def noise(presences: int, others: int, kind: str, blocks: int = 50) -> list[SpeciesFigures]:
    """Figures of species that scores know nothing of, one per simulation."""
    found = []
    for seed in range(SIMULATIONS):
        draw = np.random.default_rng(seed)
        present = np.arange(presences + others) < presences
        found.append(judged(draw.normal(size=present.size), present, kind, seed, blocks))
    return found


def share(held: list[bool]) -> float:
    return sum(held) / SIMULATIONS


@pytest.mark.parametrize(("kind", "others", "blocks"), [("po", 1000, 50), ("pa", 180, 50), ("po", 1000, 12)])
def test_twenty_presences_of_noise_seldom_look_like_skill(kind: str, others: int, blocks: int) -> None:
    figures = noise(20, others, kind, blocks)
    known = [one.tss for one in figures if one.tss.low is not None]
    assert len(known) > 0.9 * SIMULATIONS
    assert share([one.low > 0 for one in known if one.low is not None]) <= 0.06
    assert abs(np.mean([one.value for one in known])) < 0.03
    assert all(one.boyce == Estimate() for one in figures)  # too few for it
    assert share([CHANCE in one.flags or bool(UNPROVEN & set(one.flags)) for one in figures]) >= 0.94


def test_the_boyce_index_of_noise_seldom_leaves_zero_out() -> None:
    figures = [one.boyce for one in noise(60, 1000, "po")]
    assert all(one.low is not None and one.high is not None for one in figures)
    assert share([one.low > 0 or one.high < 0 for one in figures]) <= 0.1  # type: ignore[operator]


def test_the_boyce_index_of_a_perfect_model_is_high_from_fifty_presences_on() -> None:
    values = []
    for seed in range(60):
        draw = np.random.default_rng(seed)
        suitability = draw.beta(0.5, 2, 20_000)
        presences = draw.choice(suitability, 50, p=suitability / suitability.sum())
        share_of = np.clip(np.concatenate([presences, draw.choice(suitability, 3000)]), 1e-9, 1 - 1e-9)
        figures = judged(np.log(share_of / (1 - share_of)), np.arange(3050) < 50, "po", seed)
        values.append(figures.boyce.value)
    assert np.mean(values) >= 0.9


def test_each_fold_is_called_by_the_threshold_of_the_other_folds() -> None:
    draw = np.random.default_rng(3)
    present = np.arange(300) < 60
    logit = draw.normal(size=300) + present
    found = judged(logit, present, "pa", 3)
    block = np.random.default_rng([3, 1]).integers(50, size=300)
    fold, skill = block % 5, []
    for number in range(5):
        others = fold != number
        weight = np.zeros(300)
        for other in set(range(5)) - {number}:
            rows = fold == other
            weight[rows & present] = 1 / (rows & present).sum()
            weight[rows & ~present] = 1 / (rows & ~present).sum()
        score = 1 / (1 + np.exp(-logit))
        limit = thresholds(score[others], present[others], weight[others])[LARGEST_TSS].value
        mine = fold == number
        skill.append((score >= limit)[mine & present].mean() - (score >= limit)[mine & ~present].mean())
    assert np.isclose(found.tss.value, np.mean(skill))


def test_intervals_reach_further_where_few_blocks_hold_presences() -> None:
    values = np.concatenate([[0.0], np.random.default_rng(0).normal(size=4000)])
    plain, many, few = (Estimate.of(values, units=units) for units in (None, 1000, 5))
    assert plain.high is not None and many.high is not None and few.high is not None
    assert np.isclose(plain.high, 1.96, atol=0.1) and np.isclose(many.high, plain.high, atol=0.05)
    assert np.isclose(few.high, 3.1, atol=0.25)  # t of 4 degrees of freedom (2.776) times √(5 / 4)
