"""Which models a study takes, and what they are called."""

from __future__ import annotations

import math
from itertools import combinations

from scalescape.engine.study.variant import (
    COORDINATES,
    MAXENT,
    NETWORK,
    RANDOM_FOREST,
    Variant,
    best_of_each,
    everything,
    networks,
    one_pixel,
    rivals,
)

OFFERED = {"bioclim": (1, 5), "satellite": (25, 59, 115)}


def seen(*parts: tuple[str, tuple[int, ...]]) -> Variant:
    return Variant(NETWORK, parts)


def test_the_papers_comparison_is_there_each_network_once() -> None:
    found = networks(OFFERED, "bioclim")
    singles = {seen((name, (scale,))) for name, scales in OFFERED.items() for scale in scales}
    pairs = {seen((name, pair)) for name, scales in OFFERED.items() for pair in combinations(scales, 2)}
    bimodal = {seen(("bioclim", (a,)), ("satellite", (b,))) for a in (1, 5) for b in (25, 59, 115)}
    whole = {seen(("satellite", (25, 59, 115))), everything(OFFERED)}
    assert set(found) == singles | pairs | bimodal | whole
    assert len(found) == len(set(found)) == 5 + 4 + 6 + 2


def test_the_one_pixel_network_comes_first_even_where_the_config_has_no_such_scale() -> None:
    found = networks({"bioclim": (5,), "satellite": (25,)}, "bioclim")
    assert found[0] == one_pixel("bioclim") == seen(("bioclim", (1,)))


def test_one_modality_has_no_mixture() -> None:
    found = networks({"bioclim": (1, 5)}, "bioclim")
    assert set(found) == {seen(("bioclim", s)) for s in ((1,), (5,), (1, 5))}
    assert best_of_each({"bioclim": (1, 5)}, {}) is None


def test_the_best_of_each_modality_are_joined_in_the_configs_order() -> None:
    scores = dict.fromkeys(networks(OFFERED, "bioclim"), 0.5)
    scores[seen(("satellite", (25, 59)))] = 0.9
    scores[seen(("bioclim", (5,)))] = 0.8
    scores[everything(OFFERED)] = 1.0  # of two modalities, so no candidate
    assert best_of_each(OFFERED, scores) == seen(("bioclim", (5,)), ("satellite", (25, 59)))


def test_no_network_joins_a_modality_in_which_all_diverged() -> None:
    scores = dict.fromkeys(networks(OFFERED, "bioclim"), 0.5)
    lost = [one for one in scores if one.modalities == "satellite"]
    scores |= dict.fromkeys(lost, -math.inf)
    assert best_of_each(OFFERED, scores) is None
    scores[lost[-1]] = 0.4
    assert best_of_each(OFFERED, scores) == seen(("bioclim", (1,)), lost[-1].scales[0])


def test_rivals_learn_from_pixels_and_from_window_means() -> None:
    pixel = (("bioclim", (1,)), ("satellite", (1,)))
    windows = (("bioclim", (1, 5)), ("satellite", (1, 25, 59, 115)))
    expected = {Variant(model, scales) for model in (RANDOM_FOREST, MAXENT) for scales in (pixel, windows)}
    assert set(rivals(OFFERED)) == expected | {Variant(COORDINATES)}
    assert len(rivals({"bioclim": (1,)})) == 3, "without a window there is nothing to take means of"


def test_names_for_tables_people_and_files() -> None:
    one = seen(("bioclim", (1, 5)), ("satellite", (25,)))
    assert (one.modalities, one.scales_text) == ("bioclim+satellite", "1-5+25")
    assert one.name == "network, bioclim 1-5 + satellite 25"
    assert one.key == "network_bioclim-1-5_satellite-25"
    assert len({variant.key for variant in (*networks(OFFERED, "bioclim"), *rivals(OFFERED))}) == 17 + 5
