"""Verdicts on gains, and how often they are right where the truth is known."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalescape.engine.judging.resampling import Estimate
from scalescape.engine.study.gain import CHANCE, HELPS, HURTS, NO_EVIDENCE, TOO_FEW, UNTESTED, Gain
from scipy.stats import t

TOOL = Path(__file__).resolve().parents[3] / "tools" / "study_power.py"
NEAR = (-0.010, -0.004, -0.008, -0.002, -0.006, -0.011, -0.001, -0.007, -0.003, -0.008)
WIDE = (0.10, -0.08, 0.02)
ABOVE = Estimate(0.02, 0.01, 0.03)


@pytest.mark.parametrize(
    ("real", "placebos", "verdict"),
    [
        (ABOVE, NEAR, HELPS),
        (ABOVE, NEAR[:5], HELPS),
        (ABOVE, NEAR[:3], HELPS),
        (ABOVE, WIDE, f"{CHANCE} (3 draws)"),
        (ABOVE, (0.03,), f"{CHANCE} (1 draw)"),
        (ABOVE, (*NEAR, 0.021), f"{CHANCE} (11 draws)"),
        (ABOVE, (0.001, 0.0, 0.008), TOO_FEW),
        (ABOVE, (-0.01, -0.01), TOO_FEW),
        (ABOVE, (-0.01,), TOO_FEW),
        (ABOVE, (), UNTESTED),
        (Estimate(0.02, -0.01, 0.03), NEAR, NO_EVIDENCE),
        (Estimate(0.02, 0.0, 0.03), NEAR, NO_EVIDENCE),
        (Estimate(-0.02, -0.03, -0.01), NEAR, HURTS),
        (Estimate(-0.02, -0.03, -0.01), (), HURTS),
        (Estimate(0.02), NEAR, NO_EVIDENCE),
        (Estimate(), NEAR, ""),
    ],
)
def test_verdicts(real: Estimate, placebos: tuple[float, ...], verdict: str) -> None:
    assert Gain(real, placebos, 0.1).verdict == verdict


def test_a_placebo_far_below_does_not_stop_a_gain_as_long_as_they_scatter_little() -> None:
    """The placebos of the worked example lose 0.006: a gain of 0.02 is more than that, and is said to be."""
    gain = Gain(ABOVE, NEAR, 0.105)
    assert gain.verdict == HELPS
    assert gain.limit is not None and gain.limit < 0.005
    assert gain.least == pytest.approx(0.01), "its own interval is what a smaller gain would fail by"


def test_a_further_placebo_is_predicted_as_student_has_it() -> None:
    gain = Gain(ABOVE, WIDE, 0.1)
    mean, spread = np.mean(WIDE), np.std(WIDE, ddof=1)
    reach = t.ppf(0.99, 2) * spread * np.sqrt(1 + 1 / 3)
    assert gain.placebo.value == pytest.approx(mean)
    assert (gain.placebo.low, gain.placebo.high) == (pytest.approx(mean - reach), pytest.approx(mean + reach))
    assert gain.excess.value == pytest.approx(0.02 - mean)
    assert gain.excess.low == pytest.approx(0.02 - mean - reach)
    assert gain.least == gain.limit == pytest.approx(mean + reach)


@pytest.mark.parametrize("blocks", [5, 8, 47])
def test_the_interval_of_a_mean_over_few_blocks_holds_the_truth_as_often_as_it_says(blocks: int) -> None:
    """Of 5 blocks, plain draws with replacement would hold it in 84 % of cases only."""
    draw = np.random.default_rng(2)
    times = draw.multinomial(blocks, np.full(blocks, 1 / blocks), size=400) / blocks
    weights = np.vstack([np.full(blocks, 1 / blocks), times])
    held = 0
    for _ in range(2000):
        found = Gain.of(weights @ draw.normal(0.02, 0.05, blocks), 0.9, np.empty(0), blocks).real
        held += found.low is not None and found.high is not None and found.low <= 0.02 <= found.high
    assert 0.93 <= held / 2000 <= 0.98


@given(
    value=st.floats(-0.2, 0.2),
    half=st.floats(0.001, 0.1),
    placebos=st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=12),
)
def test_what_helps_is_above_the_least_gain_that_could_and_what_could_not_does_not_help(
    value: float, half: float, placebos: list[float]
) -> None:
    gain = Gain(Estimate(value, value - half, value + half), tuple(placebos), 0.1)
    assert gain.least is not None
    if gain.verdict == HELPS:
        assert value > gain.least or value == pytest.approx(gain.least)
        assert value > max(placebos)
    if value > gain.least * (1 + 1e-9) + 1e-12:
        assert gain.verdict == HELPS
        higher = Gain(Estimate(value + 0.01, value + 0.01 - half, value + 0.01 + half), tuple(placebos), 0.1)
        assert higher.verdict == HELPS


@pytest.fixture(scope="module")
def power() -> ModuleType:
    specification = importlib.util.spec_from_file_location("study_power", TOOL)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["study_power"] = module
    specification.loader.exec_module(module)
    return module


def test_a_true_gain_of_five_hundredths_is_found_with_ten_placebos(power: ModuleType) -> None:
    """Sizes of a real study: intervals of ±0.03, placebos of -0.006 ± 0.005."""
    assert power.helped(power.SCENARIOS[0], 10, 400, 7) / 400 >= 0.6


def test_five_placebos_are_nearly_as_good(power: ModuleType) -> None:
    assert power.helped(power.SCENARIOS[0], 5, 400, 7) / 400 >= 0.6


@pytest.mark.parametrize("placebos", [3, 5, 10])
@pytest.mark.parametrize("scenario", [2, 3, 4])
def test_where_nothing_is_gained_help_is_seldom_claimed(
    power: ModuleType, scenario: int, placebos: int
) -> None:
    """No gain at all; that of a further placebo; and that of one whose gains are large."""
    assert power.helped(power.SCENARIOS[scenario], placebos, 1000, 11) / 1000 <= 0.03


def test_one_of_several_placebos_taken_for_real_seldom_beats_the_others() -> None:
    """Where the blocks leave no doubt, and also where placebos scatter unevenly."""
    draw = np.random.default_rng(1)
    scatters = (
        lambda n: draw.normal(0, 1, n),
        lambda n: draw.exponential(1, n),
        lambda n: draw.uniform(size=n),
    )
    for scatter, most in zip(scatters, (0.03, 0.06, 0.03), strict=True):
        for placebos in (3, 10):
            beaten = 0
            for _ in range(2000):
                real, *made = 1 + 0.03 * scatter(placebos + 1)
                beaten += Gain(Estimate(real, real - 1e-6, real + 1e-6), tuple(made), 0.1).verdict == HELPS
            assert beaten / 2000 <= most
