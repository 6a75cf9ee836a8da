"""Conditions name any column, and only an empty cell of text is empty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_tables import left_out, names, read, read_text, write_points
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.observed_rows import Predictors
from scalescape.engine.tables.condition import Condition

COUNTRIES = (
    "species,x,y,countryCode,class,ALL SPECIES REPORTED,from\n"
    "A,1,40,NA,Aves,1,2\nB,2,41,ZA,Insecta,0,3\nC,3,42,,Aves,1,\nD,4,43,DE,,TRUE,2\nE,5,44,null,Aves,FALSE,NA\n"
)


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ('countryCode in ["NA", "ZA"]', "AB"),
        ('countryCode == "NA"', "A"),
        ('countryCode != "DE"', "ABE"),
        ('countryCode not in ["DE"]', "ABE"),
        ('not countryCode == "DE"', "ABE"),
        ('not (countryCode == "DE" or countryCode == "ZA")', "AE"),
        ("countryCode is empty", "C"),
        ("countryCode is not empty", "ABDE"),
        ("from is empty", "C"),
        ("countryCode IS NOT EMPTY and `from` is not empty", "ABDE"),
        ('class == "Aves"', "ACE"),
        ("from == 2", "AD"),
        ("from != 2", "B"),
        ("2 <= from < 3", "AD"),
        ("3 > from", "AD"),
        ("not 2 < from", "AD"),
        ("`ALL SPECIES REPORTED` == 1", "ACD"),
        ('"ALL SPECIES REPORTED" == 1', "ACD"),
        ("`ALL SPECIES REPORTED` == TRUE and from == 2", "AD"),
        ("`ALL SPECIES REPORTED` == false", "BE"),
        ('class == "Aves" AND NOT countryCode IN ["NA"]', "E"),
        ('class in ["Aves"] and class is not empty and from > -1', "A"),
        ("x in [1, 3]\n  or x == 5", "ACE"),
    ],
)  # fmt: skip
def test_rows_are_kept_where_the_condition_holds(tmp_path: Path, where: str, kept: str) -> None:
    rows, report = read_text(tmp_path, COUNTRIES, where=where)
    assert "".join(names(rows)) == kept
    assert left_out(report) == {f"not meeting {where}": 5 - len(kept)}


def test_a_word_that_often_means_nothing_is_read_as_text_and_said(tmp_path: Path) -> None:
    _, report = read_text(tmp_path, COUNTRIES, where='countryCode != "DE"')
    assert any(
        "NA in countryCode is read as text, not as an empty cell, in 2 rows" in one for one in report.warnings
    )
    _, report = read_text(tmp_path, COUNTRIES, where='countryCode in ["NA", "null"]')
    assert report.warnings == []


def test_a_cell_that_is_no_number_meets_no_comparison_and_is_said(tmp_path: Path) -> None:
    rows, report = read_text(
        tmp_path, "species,x,y,year\nA,1,40,2001\nB,2,41,c. 1999\nC,3,42,NA\n", where="year > 0"
    )
    assert names(rows) == ["A"]
    assert any("1 cell of year without a number" in one and "row 3: c. 1999" in one for one in report.warnings)


def test_nulls_of_a_vector_file_are_empty_and_its_words_are_not(tmp_path: Path) -> None:
    file = write_points(
        tmp_path / "a.gpkg", ["POINT (1 40)", "POINT (2 41)", "POINT (3 42)"], species=["A", "B", "C"],
        country=["NA", None, "DE"],
    )  # fmt: skip
    told = {"x": None, "y": None, "crs": None}
    assert names(read(file, where='country != "DE"', **told)[0]) == ["A"]
    assert names(read(file, where="country is empty", **told)[0]) == ["B"]


@pytest.mark.parametrize(
    ("cells", "categories", "said"),
    [
        (["NA", "PA", "OC"], ["NA", "PA", "OC"], True),
        (["None", "wood", "nan"], ["None", "wood", "nan"], True),
        (["1", "NA", "2.0"], ["1", "", "2"], False),
    ],
)
def test_a_category_may_be_called_na_unless_the_others_are_numbers(
    tmp_path: Path, cells: list[str], categories: list[str], said: bool
) -> None:
    text = "species,x,y,realm\n" + "".join(f"A,{n},40,{cell}\n" for n, cell in enumerate(cells, 1))
    rows, report = read_text(tmp_path, text, predictors=Predictors(("realm",), frozenset(["realm"])))
    assert rows.columns["realm"].tolist() == categories
    assert any("read as text" in one for one in report.warnings) == said


def test_na_is_no_species_and_said(tmp_path: Path) -> None:
    rows, report = read_text(tmp_path, "species,x,y\nA,1,40\nNA,2,41\nnull,3,42\n,4,43\n")
    assert names(rows) == ["A"] and left_out(report) == {"without the name of a species": 3}
    assert any(
        "NA in species is no name of a species, in 2 rows (for example row 3)" in one for one in report.warnings
    )


@pytest.mark.parametrize("text", ["`class == 1", "class` == 1", "x is 3", "x is empty < 3", "x not 3", "empty"])
def test_what_is_no_condition_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(
        InputError, match=r"can't be understood; .*in backquotes, as in `number of birds` > 0\.$"
    ):
        Condition(text)


NUMBERS = st.one_of(st.none(), st.integers(0, 4))
TEXTS = st.sampled_from(["", "a", "b", "NA"])


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> tuple[str, object]:
    """A condition, and what a plain reading of it says of a row: True, False, or None for an empty cell."""
    kind = draw(
        st.sampled_from(["number", "chain", "text", "in", "not", "and", "or"] if depth else ["number", "text"])
    )
    if kind == "number":
        sign, value = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="])), draw(st.integers(0, 4))
        return f"n {sign} {value}", lambda row: None if row[0] is None else eval(f"{row[0]} {sign} {value}")
    if kind == "chain":
        low, high = draw(st.integers(0, 4)), draw(st.integers(0, 4))
        return f"{low} <= n < {high}", lambda row: None if row[0] is None else low <= row[0] < high
    if kind == "text":
        value = draw(st.sampled_from(["a", "NA"]))
        return f'`the text` == "{value}"', lambda row: None if not row[1] else row[1] == value
    if kind == "in":
        other = draw(st.booleans())
        text = f"`the text` {'not in' if other else 'in'} ['a', 'NA']"
        return text, lambda row: None if not row[1] else (row[1] in ["a", "NA"]) != other
    left, holds_left = draw(conditions(depth - 1))
    if kind == "not":
        return f"not ({left})", lambda row: None if holds_left(row) is None else not holds_left(row)
    right, holds_right = draw(conditions(depth - 1))

    def joined(row: object) -> bool | None:
        both = [holds_left(row), holds_right(row)]
        decisive = kind == "or"
        return decisive if decisive in both else None if None in both else not decisive

    return f"({left}) {kind} ({right})", joined


@settings(deadline=None, max_examples=200)
@given(conditions(), st.lists(st.tuples(NUMBERS, TEXTS), min_size=1, max_size=8))
def test_conditions_hold_where_a_plain_reading_of_each_row_says(
    condition: tuple[str, object], rows: list[tuple[int | None, str]]
) -> None:
    text, holds = condition
    table = {
        "n": np.array([np.nan if n is None else n for n, _ in rows]),
        "the text": np.array([one for _, one in rows], np.str_),
    }
    assert Condition(text).holds(table).tolist() == [holds(row) is True for row in rows]


@pytest.mark.parametrize("where", ['n > "9"', '"9" <= n', '1 < n and n < "99"'])
def test_numbers_are_not_put_in_order_as_words(tmp_path: Path, where: str) -> None:
    with pytest.raises(InputError, match="holds numbers and the condition has '99?' in quotes"):
        read_text(tmp_path, "species,x,y,n\nA,1,40,5\nB,2,41,10\nC,3,42,\n", where=where)
    rows, _ = read_text(tmp_path, "species,x,y,n\nA,1,40,2001-02-03\nB,2,41,1999-01-01\n", where='n > "2000"')
    assert names(rows) == ["A"]
