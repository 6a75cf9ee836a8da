"""A landscape: every species occurs, truth is what the drivers say, and a seed gives one landscape."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scalescape.engine.demo import landscape as module
from scalescape.engine.demo.climate import MARGIN_CELLS
from scalescape.engine.demo.land_cover import CLASSES
from scalescape.engine.demo.landscape import COVER_MARGIN, Landscape, make_landscape
from scalescape.engine.demo.virtual_species import OPTIMUM_BREADTH, SPECIES, TYPICAL, Driver


@pytest.mark.parametrize("size", [1024, 1300])
@pytest.mark.parametrize("seed", [0, 1, 2, 42, 2**31])
def test_every_species_occurs_on_a_twentieth_to_three_fifths_of_the_pixels(seed: int, size: int) -> None:
    landscape = make_landscape(seed, size)
    shown = (landscape.truth >= 0.5).mean(axis=(1, 2))
    assert landscape.size == size
    assert shown.min() >= 0.05
    assert shown.max() <= 0.60


def test_a_draw_that_breaks_the_prevalence_rule_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = np.full(len(SPECIES), 0.2)
    verdicts = [np.where(np.arange(len(SPECIES)) == 4, 0.04, shown), np.where(shown > 0, 0.61, 0), shown]
    monkeypatch.setattr(module, "prevalence", lambda truth: verdicts.pop(0))
    drawn = make_landscape(5, 1024)
    assert drawn.attempt == 2
    assert not verdicts


def test_a_seed_gives_the_same_landscape_each_time_and_another_seed_another(landscape: Landscape) -> None:
    again = make_landscape(landscape.seed, landscape.size)
    other = make_landscape(landscape.seed + 1, landscape.size)
    np.testing.assert_array_equal(again.satellite, landscape.satellite)
    np.testing.assert_array_equal(again.bioclim, landscape.bioclim)
    np.testing.assert_array_equal(again.truth, landscape.truth)
    assert (other.satellite != landscape.satellite).mean() > 0.5


def test_truth_is_the_logistic_of_the_drivers_counted_pixel_by_pixel(landscape: Landscape) -> None:
    rng = np.random.default_rng(0)
    corners = [
        (0, 0),
        (0, landscape.size - 1),
        (landscape.size - 1, 0),
        (landscape.size - 1, landscape.size - 1),
    ]
    for row, column in [*corners, *rng.integers(0, landscape.size, (8, 2)).tolist()]:
        for index, species in enumerate(SPECIES):
            logit = species.intercept
            logit += sum(response_counted_by_hand(landscape, driver, row, column) for driver in species.drivers)
            expected = 1 / (1 + math.exp(-logit))
            assert landscape.truth[index, row, column] == pytest.approx(expected, abs=1e-4), species.name


def response_counted_by_hand(landscape: Landscape, driver: Driver, row: int, column: int) -> float:
    quantity = driver.quantity
    reach, hole = quantity.outer // 2, quantity.inner // 2 if quantity.inner else -1
    if quantity.kind == "climate":
        mean, deviation = {"bio1": (11.0, 3.0), "bio12": (900.0, 200.0)}[quantity.subject]
        band = landscape.bioclim[["bio1", "bio12"].index(quantity.subject)].astype(float)
        cells = [
            band[MARGIN_CELLS + row // 100 + i, MARGIN_CELLS + column // 100 + j]
            for i in range(-reach, reach + 1)
            for j in range(-reach, reach + 1)
        ]
        value = (sum(cells) / len(cells) - mean) / deviation
    else:
        cover = landscape.surroundings.cover
        y, x = row + COVER_MARGIN, column + COVER_MARGIN
        pixels = [
            (y + i, x + j)
            for i in range(-reach, reach + 1)
            for j in range(-reach, reach + 1)
            if max(abs(i), abs(j)) > hole
        ]
        counts = [0] * len(CLASSES)
        borders = 0
        for i, j in pixels:
            counts[cover[i, j]] += 1
            borders += int(cover[i, j] != cover[i - 1, j]) + int(cover[i, j] != cover[i, j - 1])
        if quantity.kind == "share":
            value = counts[CLASSES.index(quantity.subject)] / len(pixels)
        elif quantity.kind == "edge_density":
            value = borders / len(pixels)
        else:
            value = 1 - sum((count / len(pixels)) ** 2 for count in counts)
    mean, deviation = TYPICAL[quantity]
    score = (value - mean) / deviation
    if driver.optimum is None:
        return driver.amplitude * score
    return driver.amplitude * math.exp(-0.5 * ((score - driver.optimum) / OPTIMUM_BREADTH) ** 2)


def test_shares_say_how_much_of_the_logit_varies_with_each_driver(landscape: Landscape) -> None:
    for index, species in enumerate(SPECIES):
        assert sum(landscape.shares[index]) == pytest.approx(1)
        if len(species.drivers) == 1:
            continue
        terms = [driver.response(landscape.surroundings.measure(driver.quantity)) for driver in species.drivers]
        covariance = np.cov([term.ravel() for term in terms])
        expected = covariance.sum(axis=1) / covariance.sum()
        np.testing.assert_allclose(landscape.shares[index], expected, atol=1e-3)
        assert landscape.shares[index][0] > 0.6, "the first driver must dominate clearly"


def test_a_seed_or_size_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is -1"):
        make_landscape(-1)
    with pytest.raises(ValueError, match="size is 0"):
        make_landscape(1, 0)
