"""What values may be is said where they say it themselves, and not where two readings fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import LEFT, TOP, band, write_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.protocol import CheckJob, RasterInput
from scalescape.engine.rasters.unit_guess import guess
from scalescape.models.card import Band

HEAT = band("heat", 11, 3, "°C")
RAIN = band("rain", 900, 200, "mm")
COLOURS = [
    band(name, mean, 0.04) for name, mean in (("red", 0.12), ("green", 0.15), ("blue", 0.1), ("nir", 0.35))
]


def drawn(*bands: Band, spread: float = 0.5, seed: int = 0) -> list[np.ndarray]:
    """Samples of an area that the model knows, with so much of the training's spread, slightly off its mean."""
    draw = np.random.default_rng(seed)
    return [draw.normal(one.mean + 0.3 * one.std, spread * one.std, 2000) for one in bands]


def asked(bands: list[Band], values: list[np.ndarray]) -> str:
    far = [i for i, one in enumerate(bands) if abs(values[i].mean() - one.mean) > 6 * one.std]
    assert far
    return guess(bands, [one.astype(np.float32) for one in values], far)


CHANGES = {
    "are these Kelvin?": lambda celsius: celsius + 273.15,
    "are these Kelvin tenths?": lambda celsius: (celsius + 273.15) * 10,
    "are these Kelvin hundredths?": lambda celsius: (celsius + 273.15) * 100,
    "are these Kelvin in steps of 0.02, as MODIS has them?": lambda celsius: (celsius + 273.15) * 50,
    "are these tenths of a degree?": lambda celsius: celsius * 10,
    "are these a hundred times too large?": lambda celsius: celsius * 100,
    "are these degrees Fahrenheit?": lambda celsius: celsius * 1.8 + 32,
}


@pytest.mark.parametrize("question", CHANGES)
@pytest.mark.parametrize("spread", [0.05, 0.5, 1.5])
def test_temperatures_in_another_unit_are_recognised(question: str, spread: float) -> None:
    heat, rain = drawn(HEAT, RAIN, spread=spread)
    assert asked([HEAT, RAIN], [CHANGES[question](heat), rain]) == question


def test_kelvin_is_recognised_though_the_model_names_no_unit() -> None:
    """A tenth of them is near enough to the training, too; the mean says which it is."""
    surface = band("ca-surfacetemp-mean", 20.1, 3.66)
    (heat,) = drawn(surface)
    assert asked([surface], [heat + 273.15]) == "are these Kelvin?"
    assert asked([replace(surface, unit="mm")], [heat + 273.15]) != "are these Kelvin?"


def test_where_two_readings_fit_nothing_is_said() -> None:
    warm = band("heat", 28.5, 4, "°C")
    tenths = np.random.default_rng(0).normal(291, 8, 2000)  # 29.1 degrees in tenths, or 17.9 degrees in Kelvin
    assert asked([warm], [tenths]) != "are these Kelvin?"
    between = np.random.default_rng(0).normal(301.65 - 0.6, 8, 2000)
    assert asked([warm], [between]) == ""


SCALES = {
    "are these ten thousand times too large?": 10_000.0,
    "are these numbers from 0 to 255 in place of 0 to 1?": 255.0,
    "are these a hundred times too large?": 100.0,
    "are these ten times too large?": 10.0,
}


@pytest.mark.parametrize("question", SCALES)
def test_reflectance_of_another_scale_is_recognised(question: str) -> None:
    values = [one * SCALES[question] for one in drawn(*COLOURS)]
    assert asked(COLOURS, values) == question


@pytest.mark.parametrize(
    ("scale", "factor", "question"),
    [
        (10_000.0, 1e-4, "are these ten thousand times too small?"),
        (10_000.0, 255e-4, "are these numbers from 0 to 255 in place of 0 to 10,000?"),
        (255.0, 10_000 / 255, "are these numbers from 0 to 10,000 in place of 0 to 255?"),
        (255.0, 1 / 255, "are these numbers from 0 to 1 in place of 0 to 255?"),
    ],
)
def test_and_the_other_way_round(scale: float, factor: float, question: str) -> None:
    bands = [band(one.name, one.mean * scale, one.mean * scale / 10) for one in COLOURS]
    assert asked(bands, [one * factor for one in drawn(*bands)]) == question


def test_swapped_bands_are_named_and_a_longer_round_is_told() -> None:
    """One of two swapped bands alone may be far off, and a hundredth of it would do."""
    heat, rain = drawn(HEAT, RAIN)
    assert asked([HEAT, RAIN], [rain, heat]) == "are heat and rain swapped?"
    sun = band("sun", 2e5, 1e4)
    values = drawn(HEAT, RAIN, sun)
    assert asked([HEAT, RAIN, sun], [values[1], values[2], values[0]]) == "are the bands in another order?"
    assert asked([HEAT, RAIN, sun], [values[0], values[2], values[1]]) == "are rain and sun swapped?"


def test_logarithms_are_recognised_in_both_directions() -> None:
    rain = band("rain", 900, 100, "mm")
    assert asked([rain], [np.log(drawn(rain)[0])]) == "are these logarithms?"
    assert asked([rain], [np.log10(drawn(rain)[0])]) in ("are these logarithms to base 10?", "")
    logs = band("rain", 6.8, 0.2)
    assert asked([logs], [np.exp(drawn(logs)[0])]) == "are these no logarithms, which the model has?"
    tens = band("rain", 2.95, 0.1)
    assert asked([tens], [10 ** drawn(tens)[0]]) == "are these no logarithms to base 10, which the model has?"


def test_another_raster_altogether_gets_no_guess() -> None:
    heat, _ = drawn(HEAT, RAIN)
    wild = np.random.default_rng(0).uniform(-1e5, 1e5, 2000)
    assert asked([HEAT, RAIN], [heat, wild + 3e4]) == ""


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-5, 30), st.floats(1, 6), st.floats(-1, 1), st.floats(0.02, 1.2),
    st.sampled_from(sorted(CHANGES)), st.integers(0, 9),
)  # fmt: skip
def test_a_guess_at_temperatures_is_right_or_none(
    mean: float, std: float, off: float, spread: float, question: str, seed: int
) -> None:
    """Whatever the training was, and wherever within a deviation of it the area lies."""
    heat = band("heat", mean, std, "°C")
    celsius = np.random.default_rng(seed).normal(mean + off * std, spread * std, 1000)
    values = CHANGES[question](celsius)
    if abs(values.mean() - mean) <= 6 * std:
        return
    said = guess([heat], [values.astype(np.float32)], [0])
    assert said in (question, "") or abs(off) > 0.5


def test_the_range_is_told_even_without_a_guess(
    small_model: Path, landscape: dict[str, Path], tmp_path: Path
) -> None:
    scene = np.full((2, 90, 100), 12345.0, np.float32)
    odd = write_raster(tmp_path / "odd.tif", scene, 10, names=["red", "nir"], corner=(LEFT, TOP))
    inputs = (RasterInput("satellite", str(odd)), RasterInput("bioclim", str(landscape["bioclim"])))
    (caution,) = [one for one in run_check(CheckJob(str(small_model), inputs, "")).warnings if one.blocking]
    assert caution.kind == "range" and "red averages 1.234e+04" in caution.message
    assert caution.message.endswith("is it the right raster, in the right unit?")
