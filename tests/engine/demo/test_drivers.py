"""Drivers of a larger scale say something that smaller windows don't, or no method could name the scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scalescape.engine.demo.climate import cell_coverage, draw_climate, scores
from scalescape.engine.demo.drivers import Quantity, Surroundings
from scalescape.engine.demo.landscape import draw_surroundings
from scalescape.engine.demo.virtual_species import SPECIES, TYPICAL

MOST_ALIKE = 0.7
# The window of the truths of the next smaller scale, by nominal scale; a ring is compared with its hole.
NEXT_SMALLER = {59: 13, 115: 39}


@pytest.fixture(scope="module")
def drawn() -> list[Surroundings]:
    return [draw_surroundings(seed, 0, 1024) for seed in (11, 12, 13)]


def correlation(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    return float(np.corrcoef(one[::8, ::8].ravel(), other[::8, ::8].ravel())[0, 1])


def test_a_driver_of_a_larger_scale_is_no_copy_of_what_the_next_smaller_window_holds(
    drawn: list[Surroundings],
) -> None:
    wide = [driver for species in SPECIES for driver in species.drivers if driver.scale in NEXT_SMALLER]
    assert {driver.scale for driver in wide} == {59, 115}
    for driver in wide:
        quantity = driver.quantity
        for window in {NEXT_SMALLER[driver.scale], quantity.inner or NEXT_SMALLER[driver.scale]}:
            inside = Quantity(quantity.kind, quantity.subject, window)
            alike = [correlation(one.measure(quantity), one.measure(inside)) for one in drawn]
            assert max(map(abs, alike)) < MOST_ALIKE, (quantity.name, window, alike)


def test_the_drivers_of_one_species_are_not_copies_of_each_other(drawn: list[Surroundings]) -> None:
    for species in SPECIES:
        if len(species.drivers) == 2:
            first, second = (driver.quantity for driver in species.drivers)
            for one in drawn:
                assert abs(correlation(one.measure(first), one.measure(second))) < MOST_ALIKE, species.name


@pytest.mark.parametrize("variable", ["bio1", "bio12"])
def test_a_climate_cell_and_its_neighbourhood_correlate_by_about_a_half(variable: str) -> None:
    coverage = cell_coverage(2048, 100)
    alike = []
    for seed in range(20):
        bioclim = draw_climate(np.random.default_rng(seed), coverage)
        cell, around = (scores(bioclim, variable, cells)[coverage > 0] for cells in (1, 5))
        alike.append(np.corrcoef(cell, around)[0, 1])
    assert 0.45 < np.mean(alike) < 0.65


def test_drivers_use_effective_windows_inside_the_nominal_scale() -> None:
    widest = {1: 1, 5: 5, 25: 13, 59: 39, 115: 91}
    for species in SPECIES:
        for driver in species.drivers:
            assert driver.quantity.outer <= widest[driver.scale]


def test_typical_figures_are_those_of_the_landscapes(drawn: list[Surroundings]) -> None:
    for quantity, (mean, deviation) in TYPICAL.items():
        values = np.stack([one.measure(quantity)[::8, ::8] for one in drawn])
        assert abs(values.mean() - mean) < 0.25 * deviation, quantity.name
        assert 0.75 < values.std() / deviation < 1.25, quantity.name


def test_all_five_scales_of_the_demo_network_dominate_some_species() -> None:
    dominant = {(species.drivers[0].modality, species.drivers[0].scale) for species in SPECIES}
    assert dominant == {
        ("bioclim", 1),
        ("bioclim", 5),
        ("satellite", 25),
        ("satellite", 59),
        ("satellite", 115),
    }
