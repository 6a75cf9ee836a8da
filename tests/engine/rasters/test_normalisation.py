"""Channels of the network from values of bands, against plain loops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import band
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.engine.rasters.foreign_categories import ForeignCategories
from scalescape.engine.rasters.normalisation import Normalisation
from scalescape.models.card import Band, Card, Modality, read_card
from scalescape.models.errors import CardError

QUANTILES = tuple(float(q) for q in np.linspace(0, 10, 101))
COVER = Band("landcover", 0.0, 1.0, 0.0, QUANTILES, categories=(1, 5, 7))
HEIGHT = Band("height", 100.0, 20.0, 90.0, QUANTILES)


def plain_channels(bands: list[Band], values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Channels of one window, value by value."""
    found = []
    for one, held, ok in zip(bands, values, valid, strict=True):
        for category in one.categories or (None,):
            channel = np.empty(held.shape)
            for at in np.ndindex(held.shape):
                if category is None:
                    channel[at] = ((held[at] if ok[at] else one.fill) - one.mean) / one.std
                else:
                    channel[at] = float(bool(ok[at]) and held[at] == category)
            found.append(channel)
    return np.stack(found)


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.booleans(), min_size=1, max_size=4),
    leading=st.sampled_from([(), (1,), (3,)]),
    rows=st.integers(1, 4),
    columns=st.integers(1, 5),
    dtype=st.sampled_from(["uint8", "int16", "uint16", "float32"]),
    seed=st.integers(0, 2**16),
)
def test_channels_equal_a_plain_loop(
    kinds: list[bool], leading: tuple[int, ...], rows: int, columns: int, dtype: str, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    bands = [COVER if kind else HEIGHT for kind in kinds]
    shape = (*leading, len(bands), rows, columns)
    values = draw.integers(0, 9, shape).astype(dtype)
    valid = draw.random(shape) < 0.8
    normalisation = Normalisation(bands)
    got = normalisation.channels_of(values, valid)
    assert got.dtype == np.float32 and got.shape == (*leading, normalisation.channels, rows, columns)
    for at in np.ndindex(leading):
        np.testing.assert_allclose(got[at], plain_channels(bands, values[at], valid[at]), rtol=1e-5)
    everywhere = np.ones(shape, np.bool_)
    np.testing.assert_array_equal(
        normalisation.channels_of(values, None), normalisation.channels_of(values, everywhere)
    )


def test_a_category_that_was_not_seen_is_nodata() -> None:
    normalisation = Normalisation([COVER, HEIGHT])
    values = np.array([[[1, 5, 9]], [[1, 5, 9]]], np.float32)
    valid = np.array([[[True, False, True]], [[True, True, True]]])
    known = normalisation.known(values, valid)
    assert known.tolist() == [[[True, False, False]], [[True, True, True]]]
    assert valid[0, 0, 2], "what was given stays as it is"
    assert normalisation.channels_of(values, known)[:3, 0].T.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_nothing_is_copied_where_no_band_is_categorical() -> None:
    valid = np.ones((1, 2, 2), np.bool_)
    assert Normalisation([HEIGHT]).known(np.zeros((1, 2, 2)), valid) is valid


def test_a_modality_counts_its_channels() -> None:
    modality = Modality("habitat", (COVER, HEIGHT, band("slope")), 10.0, "metre", (1,))
    assert modality.channels == Normalisation(modality.bands).channels == 5


@settings(max_examples=25, deadline=None)
@given(
    windows=st.lists(
        st.tuples(st.integers(-300, 300), st.integers(-300, 300), st.integers(1, 9), st.integers(1, 300)),
        min_size=1,
        max_size=5,
    ),
    seed=st.integers(0, 99),
)
def test_a_pixel_that_is_read_twice_counts_once(windows: list[tuple[int, int, int, int]], seed: int) -> None:
    """Each pixel of an endless raster is foreign or not by its place; windows overlap as they like."""
    met = ForeignCategories([HEIGHT, COVER])
    truth: set[tuple[int, int]] = set()
    for row, column, down, across in windows:
        rows, columns = np.mgrid[row : row + down, column : column + across]
        foreign = ((rows * 7 + columns * 3 + seed) % 5 == 0)[None]
        truth |= set(zip(rows[foreign[0]].tolist(), columns[foreign[0]].tolist(), strict=True))
        stack = np.concatenate([np.zeros_like(foreign), foreign])
        met.note(np.full(stack.shape, 9, np.float32), stack, row, column)
    sentences = met.sentences()
    assert sentences == (
        [
            f"{len(truth)} {'pixel of landcover holds' if len(truth) == 1 else 'pixels of landcover hold'} "
            "categories that the model was not trained on (9): they are NoData."
        ]
        if truth
        else []
    )


def test_many_categories_are_shortened() -> None:
    met = ForeignCategories([COVER])
    values = np.arange(20, 40, dtype=np.float32).reshape(1, 4, 5)
    met.note(values, np.ones(values.shape, np.bool_), 0, 0)
    assert "(20, 21, 22, 23, 24, 25, 26, 27, 28, 29 ...)" in met.sentences()[0]


@pytest.mark.parametrize("categories", [(1, 5, 1), (2, 2)])
def test_a_card_that_names_a_category_twice_is_refused(categories: tuple[int, ...], small_model: Path) -> None:
    card = read_card(small_model)
    first = card.modalities[0]
    faulty = replace(first, bands=(replace(first.bands[0], categories=categories), *first.bands[1:]))
    text = replace(card, modalities=(faulty, *card.modalities[1:])).to_json()
    with pytest.raises(CardError, match="names a category twice"):
        Card.from_json(text, "a.safetensors")
