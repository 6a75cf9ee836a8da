"""The plugin's writer of TOML, read back by Python's own reader."""

from __future__ import annotations

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st
from scalescape.plugin.core.toml_text import toml_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.one_of(
    TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.dictionaries(TEXT, st.one_of(PLAIN, st.lists(PLAIN)))


@given(VALUES, VALUES)
def test_what_is_written_is_read_back(sites: dict, modality: dict) -> None:
    read = tomllib.loads(toml_text({"sites": sites, "modality.sat-1": modality}))
    assert read == {"sites": sites, "modality": {"sat-1": modality}}


@pytest.mark.parametrize(
    "text", [r"C:\new data\tiles.tif", 'a "quoted" name', "tab\tline\n", "é – “x”", "\x00\x7f"]
)
def test_paths_and_odd_characters_survive(text: str) -> None:
    assert tomllib.loads(toml_text({"sites": {"train": text}}))["sites"]["train"] == text


def test_none_is_left_out_and_what_toml_has_not_is_refused() -> None:
    assert toml_text({"sites": {"a": None, "b": True, "c": 3}}) == "[sites]\nb = true\nc = 3\n"
    for value in (float("nan"), {"a": 1}, object()):
        with pytest.raises(TypeError):
            toml_text({"sites": {"a": value}})
