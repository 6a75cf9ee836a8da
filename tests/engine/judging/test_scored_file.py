"""MODEL.oof.csv gives back what was written, to the bit."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_values import scored
from scalescape.engine.judging.scored import Scored
from scalescape.engine.judging.scored_file import read_scored, write_scored
from scalescape.engine.running.errors import InputError


def read_back(values: Scored, path: Path) -> Scored:
    write_scored(values, path)
    kinds = dict(zip(values.species, values.kinds, strict=True))
    presences = dict(zip(values.species, values.presences.tolist(), strict=True))
    return read_scored(path, values.crs, kinds, presences)


def assert_same(one: Scored, other: Scored) -> None:
    for field in fields(Scored):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype, field.name
            assert mine.tobytes() == theirs.tobytes(), field.name
        else:
            assert mine == theirs, field.name


def test_the_table_comes_back_to_the_bit_with_odd_names_and_holes(tmp_path: Path) -> None:
    names = ('Comma, "quoted"', "Quercus ilex", "ünïcödé × hybrid", "found:x")
    values = scored(names=names, kinds=("po", "pa", "pa-balanced", "pa"), background=0.2)
    known = np.random.default_rng(3).random(values.known.shape) < 0.7
    logit = np.where(known | values.background[:, None], values.logit, np.nan)
    values = replace(values, known=known, found=values.found & known, x=values.x / 3 + 0.1, logit=logit)
    assert_same(values, read_back(values, tmp_path / "model.oof.csv"))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays(np.float32, (20, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    arrays(np.float64, 20, elements=st.floats(allow_nan=False, allow_infinity=False)),
)
def test_any_float32_logit_and_any_coordinate_come_back(
    tmp_path: Path, logit: np.ndarray, x: np.ndarray
) -> None:
    values = replace(scored(20, 3), logit=logit.astype(np.float64), x=x)
    assert_same(values, read_back(values, tmp_path / "model.oof.csv"))


def test_the_columns_are_those_that_are_promised(tmp_path: Path) -> None:
    values = scored(3, 2, names=("a", "b"))
    values = replace(values, known=np.array([[1, 0], [1, 1], [1, 1]], np.bool_), found=np.eye(3, 2) > 0)
    write_scored(values, tmp_path / "model.oof.csv")
    lines = (tmp_path / "model.oof.csv").read_text().splitlines()
    assert lines[0] == "x,y,block,fold,background,logit:a,found:a,logit:b,found:b"
    assert [line.split(",")[6::2] for line in lines[1:]] == [["1", ""], ["0", "1"], ["0", "0"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y,block,fold,background\n1,2,0,0,0\n", "no column logit:NAME"),
        ("x,y,fold,background,logit:a,found:a\n1,2,0,0,1,1\n", "no column block"),
        ("x,y,block,fold,background,logit:a,found:a\n1,2,0,0,0,many,1\n", "can't be read"),
        ("x,y,block,fold,background,logit:b,found:b\n1,2,0,0,0,1,1\n", "species b, which the card"),
        ("x,y,block,fold,background,logit:a,found:a\n1,,0,0,0,1,1\n", "lack a coordinate"),
        ("", "can't be read"),
        (None, "can't be read"),
    ],
)
def test_a_table_that_is_none_is_refused_in_a_sentence(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "model.oof.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_scored(path, "EPSG:4326", {"a": "pa"}, {"a": 3})
