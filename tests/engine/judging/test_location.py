"""What location alone says: the forest, the trend surface and the densities that the null is the mean of."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging import location
from scalescape.engine.judging.forest import balanced_forest_logits
from scalescape.engine.judging.location import location_logits
from scipy.stats import gaussian_kde
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.slow

CENTRES = np.array([[0.3, 0.2], [0.75, 0.7]])


def clumped(presences: int, absences: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Presences around two centres of a unit square among absences all over it."""
    draw = np.random.default_rng(seed)
    centre = CENTRES[draw.integers(0, 2, presences)]
    places = np.concatenate([centre + draw.normal(0, 0.08, (presences, 2)), draw.random((absences, 2))])
    return places, np.arange(len(places)) < presences


def held_out_auc(logits: np.ndarray, present: np.ndarray) -> float:
    return float(roc_auc_score(present, logits))


@pytest.mark.parametrize("scale", [(1.0, 1.0), (1e5, 2e5), (0.01, 3.0)])
def test_units_and_origin_of_coordinates_do_not_matter(scale: tuple[float, float]) -> None:
    places, present = clumped(40, 400, 0)
    new, truth = clumped(200, 2000, 1)
    plain = location_logits(places, present, new, 3)
    moved = location_logits(places * scale + 4e6, present, new * scale + 4e6, 3)
    assert held_out_auc(plain, truth) > 0.85
    assert held_out_auc(moved, truth) == pytest.approx(held_out_auc(plain, truth), abs=0.01)


def test_the_mean_is_no_weaker_than_the_weakest_part_and_about_as_strong_as_the_best() -> None:
    gained = []
    for seed in range(6):
        places, present = clumped(25, 2000, seed)
        new, truth = clumped(200, 2000, 100 + seed)
        parts = [
            balanced_forest_logits(places, present, new, 100, seed),
            location._trend_surface(places, present, new),
            location._kernel_ratio(places, present, new, seed),
        ]
        alone = [held_out_auc(one, truth) for one in parts]
        gained.append(held_out_auc(location_logits(places, present, new, seed), truth) - max(alone))
    assert np.mean(gained) > -0.005


def test_it_beats_an_ordinary_forest_among_many_background_points() -> None:
    better = []
    for seed in range(4):
        places, present = clumped(20, 4000, seed)
        new, truth = clumped(200, 2000, 100 + seed)
        ordinary = RandomForestClassifier(100, min_samples_leaf=3, random_state=seed).fit(places, present)
        better.append(
            held_out_auc(location_logits(places, present, new, seed), truth)
            - held_out_auc(ordinary.predict_proba(new)[:, 1], truth)
        )
    assert min(better) > 0 and np.mean(better) > 0.03


def test_a_balanced_forest_learns_as_much_with_ten_times_the_background() -> None:
    new, truth = clumped(200, 2000, 9)
    few, many = (
        held_out_auc(balanced_forest_logits(*clumped(30, absences, 4), new, 100, 0), truth)
        for absences in (400, 4000)
    )
    assert many > few - 0.02 and many > 0.88


def test_surveyed_species_of_high_prevalence_are_balanced_too() -> None:
    """Where absences are the rare class it is presences that are drawn down."""
    places, rare = clumped(25, 1000, 2)
    new, truth = clumped(200, 1000, 12)
    assert held_out_auc(location_logits(places, ~rare, new, 0), ~truth) > 0.85


def test_the_density_is_that_of_scipy() -> None:
    """Uncorrelated coordinates: scipy's kernel then is a product of two, with the same rule for both widths."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, 12), np.linspace(0, 3, 9)), axis=-1).reshape(-1, 2)
    new = np.random.default_rng(0).random((50, 2)) * [1, 3]
    ours = location._log_density(grid, new)
    theirs = gaussian_kde(grid.T, bw_method=lambda kde: kde.n ** (-1 / 6) * np.sqrt((kde.n - 1) / kde.n))
    np.testing.assert_allclose(ours, np.log(theirs(new.T)) + np.log(2 * np.pi), atol=1e-6)


@pytest.mark.parametrize("presences", [1, 2])
def test_one_or_two_presences_are_enough_for_a_number(presences: int) -> None:
    places, present = clumped(presences, 300, 5)
    new, _ = clumped(20, 200, 6)
    assert np.isfinite(location_logits(places, present, new, 0)).all()


def test_places_on_a_line_or_in_a_point_are_no_obstacle() -> None:
    places, present = clumped(30, 300, 7)
    for flat in (places * [1, 0], np.zeros_like(places)):
        assert np.isfinite(location_logits(flat, present, flat, 0)).all()


def test_far_away_it_stays_finite_and_as_unlikely_as_can_be() -> None:
    places, present = clumped(30, 300, 8)
    far = location_logits(places, present, np.array([[1e6, -1e6], [0.3, 0.2]]), 0)
    assert np.isfinite(far).all()
