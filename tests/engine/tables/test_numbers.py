"""Numbers as people write them: one reading is taken, two are refused by the row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_tables import DARWIN_CORE, left_out, read_text
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.reasons import STAND_IN, UNCERTAIN
from scalescape.engine.tables.cell_numbers import Numbers, numbers_of
from scalescape.engine.tables.cells import TEXT


def numbers(*cells: str, largest: float = np.inf) -> Numbers:
    return numbers_of(np.array(cells, TEXT), np.arange(2, len(cells) + 2), "n", "a.csv", largest)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["25,000", "1,234.5"], [25000, 1234.5]),
        (["25,000", "12.5"], [25000, 12.5]),
        (["25,000", "1,000,000"], [25000, 1e6]),
        (["25,000", "0,25"], [25, 0.25]),
        (["25,000", "1234,567"], [25, 1234.567]),
        (["25,000", "1.234,5"], [25, 1234.5]),
        (["25,000", "0,250"], [25, 0.25]),
        (["1,5", "2.5", "3"], [1.5, 2.5, 3]),
        (["1.234.567", "2"], [1234567, 2]),
        (["-1,5", "+2,5", "1,5e3"], [-1.5, 2.5, 1500]),
        (["25 000", "1\u00a0234\u202f567", "12'500", "30"], [25000, 1234567, 12500, 30]),
        (["\u22121.5", "–2"], [-1.5, -2]),
        ([" 7 ", "8.", ".5", "1e3"], [7, 8, 0.5, 1000]),
        (["TRUE", "false", "NA", ""], [1, 0, np.nan, np.nan]),
        (["n/a", "NULL", "#N/A", "None", "nan", r"\N"], [np.nan] * 6),
        (["25.000", "12"], [25, 12]),
    ],
)
def test_what_has_one_reading_is_read(cells: list[str], values: list[float]) -> None:
    read = numbers(*cells)
    np.testing.assert_array_equal(read.values, values)
    assert not read.odd.any()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["30", "25,000"], "'25,000' in row 3, which may be read with a decimal comma or as thousands"),
        (["25.000", "25,000"], "'25,000' in row 3, which may be read"),
        (["1,234.5", "0,25"], "'1,234.5' in row 2, and '0,25' in row 3"),
        (["1.234,5", "1,234.5"], "'1,234.5' in row 3, and '1.234,5' in row 2"),
        (
            ["25.000", "0,25"],
            "'25.000' in row 2, which may be thousands beside the decimal comma of '0,25' in row 3",
        ),
    ],
)
def test_what_has_two_readings_is_refused_by_its_row(cells: list[str], words: str) -> None:
    with pytest.raises(InputError) as told:
        numbers(*cells)
    assert words in str(told.value) and "'n' of a.csv" in str(told.value)


@pytest.mark.parametrize("cell", ["30 m", "12,34,567", "1,2,3", "east", "1.2.3", "12;5", "1,23.4", "-"])
def test_what_has_none_is_no_number(cell: str) -> None:
    read = numbers("1", cell, "NA")
    assert read.values[0] == 1 and np.isnan(read.values[1:]).all()
    assert read.odd.tolist() == [False, True, False] and read.shown == cell


@settings(deadline=None)
@given(
    st.lists(st.integers(-(10**9), 10**9).map(lambda n: n / 100), min_size=1, max_size=12),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", "."), ("", ",")]),
)
def test_numbers_of_every_locale_come_back(values: list[float], signs: tuple[str, str]) -> None:
    """Two decimals tell the decimal sign, so that every cell has one reading."""
    cells = [f"{one:,.2f}".replace(",", "_").replace(".", signs[1]).replace("_", signs[0]) for one in values]
    np.testing.assert_allclose(numbers(*cells).values, values, rtol=1e-12)


UNCERTAIN_TABLE = "species,decimalLongitude,decimalLatitude,coordinateUncertaintyInMeters\n"


@pytest.mark.parametrize(
    ("cells", "kept", "reasons"),
    [
        (['"25,000"', '"1,234.5"', "30"], 1, {UNCERTAIN: 2}),
        (["25 000", "30", "40"], 2, {UNCERTAIN: 1}),
        (["301", "3036", "30"], 1, {UNCERTAIN: 1, STAND_IN: 1}),
        (["999", "999.0", "NA"], 1, {STAND_IN: 2}),
        (["0", "-1", "30 m"], 3, {}),
    ],
)
def test_uncertainty_is_what_the_cell_says(
    tmp_path: Path, cells: list[str], kept: int, reasons: dict[str, int]
) -> None:
    text = UNCERTAIN_TABLE + "".join(f"A,{n},40,{cell}\n" for n, cell in enumerate(cells, 1))
    rows, report = read_text(tmp_path, text, max_uncertainty_m=1000.0, **DARWIN_CORE)
    assert len(rows) == kept and left_out(report) == reasons
    unknown = int(np.isnan(rows.uncertainty).sum())
    assert any(f"{unknown} kept though their uncertainty is not known" in one for one in report.warnings) == (
        unknown > 0
    )


def test_an_uncertainty_of_two_readings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"coordinateUncertaintyInMeters' of a.csv holds '25,000' in row 3"):
        read_text(tmp_path, UNCERTAIN_TABLE + 'A,1.5,40.5,30\nA,2,41,"25,000"\n', **DARWIN_CORE)


def test_degrees_with_three_decimals_and_a_comma_have_one_reading(tmp_path: Path) -> None:
    rows, _ = read_text(tmp_path, "species;x;y\nA;-5,125;40,250\nB;-6,250;41,375\n")
    assert rows.x.tolist() == [-5.125, -6.25] and rows.y.tolist() == [40.25, 41.375]
    with pytest.raises(InputError, match=r"'x' of a.csv holds '500,125' in row 2"):
        read_text(tmp_path, "species;x;y\nA;500,125;400,250\n", crs="EPSG:32631")


@pytest.mark.parametrize("uncertain", ["25.000", " 25.000 "])
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_point_before_three_digits_beside_another_columns_decimal_comma_is_refused(
    tmp_path: Path, uncertain: str, delimiter: str
) -> None:
    rows = [["species", "x", "y", "coordinateUncertaintyInMeters"]]
    rows += [["A", "5,1064", "6,272", "500"], ["B", "5,2", "6,3", uncertain]]
    text = "\n".join(delimiter.join(row) for row in rows)
    with pytest.raises(InputError, match="holds '.*25.000.*' in row 3, which may be thousands, since 'x' has"):
        read_text(tmp_path, text, max_uncertainty_m=1000)
    read_text(tmp_path, text.replace("5,", "5.").replace("6,", "6."), max_uncertainty_m=1000)
    read_text(tmp_path, text.replace("25.000", "25"), max_uncertainty_m=1000)
