"""Names of bands: one is found under every spelling that people use, and never another's."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.models.band_names import matched, same_name, says_nothing, says_other

SPELLINGS = [
    "bio{}", "bio_{}", "bio0{}", "BIO{}", "Bio {}", "BIO-{}", "bioclim_{}", "bio_{}_mean", "wc2.1_30s_bio_{}",
    "wc2.1_2.5m_bio_{}", "wc2.1_10m_bio_{}", "CHELSA_bio{}_1981-2010_V.2.1", "CHELSA_bio10_0{}", "mp45bi70{}",
    "hd85bi50{}", "ccmidbi{}", "wc2.1_30s_bioc_ACCESS-CM2_ssp126_2021-2040_{}", "bio_30s_0{}", "ｂｉｏ{}",
]  # fmt: skip


def places(wanted: list[str], offered: list[str], *about: str) -> tuple[int | None, ...]:
    return matched(wanted, [(name,) for name in offered], about).places


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("model", ["bio{}", "BIO_0{}", "wc2.1_30s_bio_{}", "CHELSA_bio{}_1981-2010_V.2.1"])
def test_a_bioclimatic_variable_is_found_under_any_spelling_in_any_order(spelling: str, model: str) -> None:
    wanted = [model.format(number) for number in (1, 2, 5)]
    assert places(wanted, [spelling.format(number) for number in (5, 2, 1)]) == (2, 1, 0)


@pytest.mark.parametrize("spelling", [one for one in SPELLINGS if "0{}" not in one and "70" not in one])
def test_bio1_is_never_bio10_to_bio19(spelling: str) -> None:
    assert places(["bio1"], [spelling.format(number) for number in range(10, 20)]) == (None,)
    assert places(["bio10"], [spelling.format(number) for number in range(1, 10)]) == (None,)


def test_all_nineteen_of_chelsa_1_are_told_apart() -> None:
    offered = [f"CHELSA_bio10_{number:02d}" for number in range(1, 20)]
    assert places([f"bio{number}" for number in range(1, 20)], offered) == tuple(range(19))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 19), min_size=2, max_size=19, unique=True), st.randoms())
def test_any_order_of_any_variables_is_undone(numbers: list[int], draw: random.Random) -> None:
    spelling = draw.choice(["bio{}", "bio_{:02d}", "wc2.1_30s_bio_{}", "CHELSA_bio{}_1981-2010_V.2.1"])
    order = numbers[:]
    draw.shuffle(order)
    found = places([f"bio{number}" for number in numbers], [spelling.format(number) for number in order])
    assert found == tuple(order.index(number) for number in numbers)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abB01_- é", min_size=1, max_size=6), min_size=1, max_size=5))
def test_a_name_is_its_own_and_no_place_is_given_twice(names: list[str]) -> None:
    found = matched(names, [(name,) for name in names])
    taken = [place for place in found.places if place is not None]
    assert len(taken) == len(set(taken))
    for i, place in enumerate(found.places):
        twins = [name for name in names if same_name(name, names[i])]
        if len(twins) == 1 and any(c.isalnum() for c in names[i]):
            assert place == i


RGBN = ["red", "green", "blue", "nir"]


@pytest.mark.parametrize(
    ("offered", "wanted"),
    [
        (["B02", "B03", "B04", "B08"], (2, 1, 0, 3)),
        (["B02", "B03", "B04", "B05", "B08", "B8A"], (2, 1, 0, 4)),
        (["T31TFJ_20200101T103021_B08_10m", "T31TFJ_20200101T103021_B04_10m",
          "T31TFJ_20200101T103021_B03_10m", "T31TFJ_20200101T103021_B02_10m"], (1, 2, 3, 0)),
        (["B2", "B3", "B4", "B8"], (2, 1, 0, 3)),
        ([f"B{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 11, 12)], (3, 2, 1, 7)),
        (["SR_B2", "SR_B3", "SR_B4", "SR_B5"], (2, 1, 0, 3)),
        ([f"SR_B{n}" for n in range(1, 8)], (3, 2, 1, 4)),
        (["LT05_L2SP_SR_B1", "LT05_L2SP_SR_B2", "LT05_L2SP_SR_B3", "LT05_L2SP_SR_B4"], (2, 1, 0, 3)),
        (["R", "G", "B", "N"], (0, 1, 2, 3)),
        (["N", "R", "G", "B"], (1, 2, 3, 0)),
        (["Blue", "Green", "Red", "Near Infrared"], (2, 1, 0, 3)),
        (["coastal_blue", "blue", "green_i", "green", "yellow", "red", "rededge", "nir"], (5, 3, 1, 7)),
        ([f"sur_refl_b0{n}" for n in range(1, 8)], (0, 3, 2, 1)),
        (["B02", "B03", "B04", "B05"], (2, 1, 0, 3)),  # only HLS's Landsat has its near infrared there
    ],
)  # fmt: skip
def test_sensors_call_light_by_numbers(offered: list[str], wanted: tuple[int, ...]) -> None:
    assert places(RGBN, offered) == wanted


def test_two_readings_of_a_sensor_are_rivals() -> None:
    found = matched(["red", "nir"], [(name,) for name in ("SR_B2", "SR_B3", "SR_B4", "SR_B5")])
    assert found.places == (None, None) and found.rivals == ((1, 2), (2, 3)) and found.doubtful == 0
    assert places(["red", "nir"], ["SR_B2", "SR_B3", "SR_B4", "SR_B5"], "LC09_L2SP_199030") == (2, 3)
    assert places(["red", "nir"], ["SR_B2", "SR_B3", "SR_B4", "SR_B5"], "LE07_L2SP_199030") == (1, 2)


def test_counted_names_may_be_an_order_or_a_sensors() -> None:
    assert matched(RGBN, [(f"b{n}",) for n in (1, 2, 3, 4)]).doubtful == 0
    assert places(["red", "nir", "height"], ["b1", "b2", "b3"]) == (None,) * 3


def test_the_narrow_near_infrared_is_not_the_near_infrared() -> None:
    found = matched(RGBN, [(name,) for name in ("B02", "B03", "B04", "B8A")])
    assert found.places == (2, 1, 0, None)


def test_red_edge_is_not_red() -> None:
    assert places(["red", "nir"], ["red_edge_1", "nir"]) == (None, 1)
    assert places(["red_edge", "red"], ["s2_red", "s2_red_edge"]) == (1, 0)


@pytest.mark.parametrize(
    ("wanted", "offered", "found"),
    [
        (["bio1", "bio12"], ["a_bio1", "b_bio1", "bio12"], (None, 2)),
        (["slope", "height"], ["x_slope", "x_height", "y_slope", "y_height"], (None, None)),
        (["slope"], ["slope", "Slope"], (None,)),
        (["bio1", "bio2"], ["bio1", "bio2", "2050_bio1", "2050_bio2"], (0, 1)),
        (["bio1", "bio1_sd"], ["CHELSA_bio1_sd", "CHELSA_bio1"], (1, 0)),
        (["tmin_1", "tmin_12"], ["tmin_12", "tmin_01", "tmin_10"], (1, 0)),
        (["ca_heat_mean", "ca_heat_sd"], ["heat-sd", "heat-mean"], (1, 0)),
        (["bio_1"], ["bio"], (None,)),
        (["near_infrared"], ["NIR"], (0,)),
        (["CFP_1", "CFP_2"], ["CFP_2", "CFP_1"], (1, 0)),
    ],
)  # fmt: skip
def test_what_fits_twice_is_nobodys_and_longer_names_are_understood(
    wanted: list[str], offered: list[str], found: tuple[int | None, ...]
) -> None:
    assert places(wanted, offered) == found


def test_a_band_may_be_recognised_by_its_file_as_well() -> None:
    assert matched(["elev", "slope"], [("", "slope"), ("Band 1", "elev")]).places == (1, 0)
    confused = matched(["bio1", "bio2"], [("bio2", "bio1"), ("", "bio3")])
    assert confused.places == (None, None) and confused.doubtful == 0


@pytest.mark.parametrize(
    ("names", "silent"),
    [
        (["", ""], True), (["Band 1", "Band 2"], True), (["scene_1", "scene_2", "scene_3"], True),
        (["lyr.1"], True), (["3", "1"], True), (["scene_2", "scene_1"], False), (["bio_1", "bio_2"], False),
        (["heat", "rain"], False), (["heat"], False),
    ],
)  # fmt: skip
def test_what_says_no_more_than_an_order(names: list[str], silent: bool) -> None:
    assert says_nothing(names) is silent


def test_a_name_may_say_that_it_is_something_else() -> None:
    assert says_other("bio1", ["bio_5"]) and says_other("red", ["", "near infrared"])
    assert not says_other("bio1", ["temperature"]) and not says_other("bio1", ["CHELSA_bio1"])
