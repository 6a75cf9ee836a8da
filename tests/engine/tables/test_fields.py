"""Rows of delimited text: a field for every name, or the row is left out by its number and never shifted."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from record_tables import DARWIN_CORE, left_out, names, places, read_text
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.reasons import RAGGED
from scalescape.engine.tables import text_blocks
from scalescape.engine.tables.table_file import TableFile

HEADER = "species,x,y,note\n"
THREE = [("A", 1.0, 40.0), ("B", 2.0, 41.0), ("C", 3.0, 42.0)]


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "A,1,40,n,\nB,2,41,,\nC,3,42,k,\n",
        HEADER + "A,1,40,n,,\nB,2,41,m,,\nC,3,42,k,,\n",
        "species,x,y,note,\nA,1,40,n\nB,2,41,\nC,3,42,k\n",
        "species,x,y,note,\nA,1,40,n,\nB,2,41,m,\nC,3,42,k,\n",
        (HEADER + "A,1,40,n,\nB,2,41,m,\nC,3,42,k,\n").replace(",", ";"),
        (HEADER + "A,1,40,n,\nB,2,41,m,\nC,3,42,k,\n").replace(",", "\t"),
        (HEADER + "A,1,40,n\nB,2,41,m\nC,3,42,k\n").replace(",", "|"),
        HEADER + "\n  \nA,1,40,n\n\nB,2,41,m\n,,,\nC,3,42,k\n,,\n\n",
        "sep=;\nspecies;x;y\nA;1;40\nB;2;41\nC;3;42\n",
        '"","species","x","y"\n"1","A",1,40\n"2","B",2,41\n"3","C",3,42\n',
        '"species"\t"x"\t"y"\n"A"\t1\t40\n"B"\t2\t41\n"C"\t3\t42\n',
        '"species; by name",x,y,species\n"1,5",1,40,A\n"a; b",2,41,B\nc,3,42,C\n',
        'species,x,y,note\nA,1,40,"two\nlines, and a comma"\nB,2,41,"a ""word"""\nC,3,42,\n',
        'species , x, y\nA, 1, 40\n B ,2,41\n"C", 3, 42\n',
        'species,note,x,y\nA,5" pipe,1,40\nB,a 3" one,2,41\nC,"",3,42\n',
        "species\tx (m, east)\ty (m, north), UTM\tx\ty\nA\t0\t0\t1\t40\nB\t0\t0\t2\t41\nC\t0\t0\t3\t42\n",
        "species,x,y\rA,1,40\rB,2,41\rC,3,42\r",
        "\ufeffspecies,x,y\r\nA,1,40\r\nB,2,41\r\nC,3,42",
    ],
)  # fmt: skip
def test_whole_rows_are_read_as_they_stand(tmp_path: Path, text: str) -> None:
    rows, report = read_text(tmp_path, text)
    assert places(rows) == THREE
    assert left_out(report) == {}


def test_text_as_excel_saves_it_in_utf_16_is_read(tmp_path: Path) -> None:
    text = "species\tx\ty\nÁcer\t1\t40\n".encode("utf-16")
    assert places(read_text(tmp_path, text, "a.txt")[0]) == [("Ácer", 1.0, 40.0)]


@pytest.mark.parametrize(
    ("text", "first", "kept"),
    [
        (HEADER + "A,1,40,n\nB,2,41,m,\nC,3,42,k\n", "row 3: 5 in place of 4", "AC"),
        (HEADER + "A,1,40,n\nB,41,m\nC,3,42,k\n", "row 3: 3 in place of 4", "AC"),
        (HEADER + "A,1,40,n\n\nB, var. b,2,41,\nC,3,42,k\n", "row 4: 5 in place of 4", "AC"),
        (HEADER + "A,1,40,n\nB,2,5,41,m\nC,3,42,k\n", "row 3: 5 in place of 4", "AC"),
        (HEADER + "A,1,40,n,\nB,2,41,m\nC,3,42,k,\n", "row 3: 4 in place of 5", "AC"),
        ((HEADER + "A,1,40,n\nB;b,2,41,m\nC,3,42,k\n").replace(",", ";"), "row 3: 5 in place of 4", "AC"),
        ((HEADER + "A,1,40,n\nB\tb,2,41,m\nC,3,42,k\n").replace(",", "\t"), "row 3: 5 in place of 4", "AC"),
        (HEADER + '"A",1,40,n\n"B",2,41\nC,3,42,"k, l"\n', "row 3: 3 in place of 4", "AC"),
    ],
)  # fmt: skip
def test_a_row_with_another_number_of_fields_is_left_out_by_its_number(
    tmp_path: Path, text: str, first: str, kept: str
) -> None:
    rows, report = read_text(tmp_path, text)
    assert "".join(names(rows)) == kept
    assert left_out(report) == {RAGGED: 1} and report.read == {"a.csv": 3}
    assert first in report.dropped[0].example


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "A,1,40,n,7\nB,2,41,m,8\nC,3,42,k,9\n",
        HEADER + "A,1,40\nB,2,41\nC,3,42\n",
        '"species","x","y"\n"1","A",1,40\n"2","B",2,41\n',
    ],
)
def test_a_file_whose_names_do_not_match_its_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"Most rows of a.csv have \d fields and its header has \d \(row 2"):
        read_text(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (HEADER + 'A,1,40,n\nB,2,41,"m\nC,3,42,k\n', 3),
        ('species,note,x,y\nA,"near the oak,1,40\nB,by the sea",2,41\nC,c,3,42\n', 2),
        ('species,note,x,y\nA,a,1,40\nB,"near,2,41\nC,c,3,42\nD,by ""the"" sea",4,43\n', 3),
        ('species,note,x,y\nA,"near" the oak,1,40\nB,b,2,41\n', 2),
    ],
)
def test_a_quotation_mark_that_may_swallow_rows_is_refused_by_its_row(
    tmp_path: Path, text: str, row: int
) -> None:
    with pytest.raises(InputError, match=rf"ow {row} of a.csv"):
        read_text(tmp_path, text)


CELL = st.text(st.sampled_from('ab1.,;"\n é'), max_size=6)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    st.sampled_from(",;|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(16, 64),
)
def test_what_pythons_csv_writes_is_read_back(
    cells: list[tuple[str, str, str]], delimiter: str, quoting: int, size: int
) -> None:
    """However the file falls into blocks; the values are those that were written, but for rows that are
    blank."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)
    writer.writerow(["key", "first", "second", "third"])
    for number, row in enumerate(cells):
        writer.writerow([f"k{number}", *row])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "SIZE", size)
        file = Path(folder) / "a.csv"
        file.write_text(stream.getvalue(), encoding="utf-8", newline="")
        try:
            table = TableFile(str(file)).read(["first", "second", "third"], ["key"])
        except InputError as error:
            assert "quotation mark that is closed only lines later" in str(
                error
            )  # both readings have as many fields
            return
    columns = zip(*cells, strict=True)
    for name, expected in zip(("first", "second", "third"), columns, strict=True):
        texts = table.texts[name]
        read = [texts.values[code] for code in texts.codes]
        assert [one.strip() for one in read] == [one.strip() for one in expected]
    assert table.numbers["key"].tolist() == [f"k{number}" for number in range(len(cells))]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(2, 5), min_size=1, max_size=30), st.integers(8, 80), st.booleans())
def test_rows_count_as_a_loop_over_lines_counts_them(counts: list[int], size: int, quoted: bool) -> None:
    """The header's three fields, or what most rows have; all others are left out, in blocks of any size."""
    lines = [
        ",".join([f"r{row}", *[str(field + 1) for field in range(count - 1)]])
        for row, count in enumerate(counts)
    ]
    whole = [row for row, count in enumerate(counts) if count == 3]
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "SIZE", size)
        file = Path(folder) / "a.csv"
        file.write_text("\n".join(['"name",x,y' if quoted else "name,x,y", *lines, ""]), encoding="utf-8")
        table = TableFile(str(file))
        if len(whole) < max(counts.count(other) for other in (2, 4, 5)):
            with pytest.raises(InputError, match="Most rows"):
                table.read(["name"], ["x", "y"])
            return
        cells = table.read(["name"], ["x", "y"])
    assert cells.row.tolist() == [row + 2 for row in whole]
    assert [cells.texts["name"].values[code] for code in cells.texts["name"].codes] == [
        f"r{row}" for row in whole
    ]
    assert cells.ragged == len(counts) - len(whole)
    np.testing.assert_array_equal(cells.numbers["y"].astype(float), np.full(len(whole), 2.0))


def test_numbers_and_text_of_blocks_are_those_of_single_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comma in the last block changes what all others are read as, and nothing else."""
    draw = np.random.default_rng(3)
    x, y = draw.uniform(-180, 180, 500), draw.uniform(-90, 90, 500)
    lines = [
        f"{n % 7:03d};{a!r};{b!r};{n % 11}" for n, a, b in zip(range(500), x.tolist(), y.tolist(), strict=True)
    ]
    for last, size in (("", 2**23), ("", 999), ("001;1,5;2,25;NA\n", 999)):
        monkeypatch.setattr(text_blocks, "SIZE", size)
        text = "\n".join(["species;x;y;n", *lines, last])
        rows, _ = read_text(tmp_path, text)
        assert rows.x[:500].tolist() == x.tolist() and rows.y[:500].tolist() == y.tolist()
        assert rows.species == tuple(f"{n:03d}" for n in range(7))
        assert rows.row[:500].tolist() == list(range(2, 502))
        assert len(rows) == (501 if last else 500)
    assert (rows.x[-1], rows.y[-1]) == (1.5, 2.25)


def test_darwin_core_names_may_be_written_otherwise(tmp_path: Path) -> None:
    for header in ("species,decimallongitude,decimallatitude", "species,decimal_longitude,dwc:decimalLatitude"):
        rows, _ = read_text(tmp_path, f"{header}\nA,1,40\n", **DARWIN_CORE)
        assert places(rows) == [("A", 1.0, 40.0)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"PK\x03\x04rest", "a zip or Excel file by what it holds"),
        (b"\x1f\x8brest", "a gzip file by what it holds"),
        ("Species,x,y\nA,1,40\n", r"no column 'species' \(did you mean Species\?\)"),
        ("\n\n", "a.csv is empty"),
    ],
)
def test_what_a_file_is_instead_is_said(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_text(tmp_path, text)


def named_by_r(filled: int, names: bool = True, delimiter: str = ",") -> str:
    """Rows with a name in front as R writes them; in the first ``filled`` of ten the last column is filled."""
    rows = [
        [str(n) if names else f"r{n}", "A", f"{n}.5", f"4{n % 10}", "note" if n <= filled else ""]
        for n in range(1, 11)
    ]
    return "\n".join(delimiter.join(row) for row in [["species", "x", "y", "note"], *rows]) + "\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("filled", "names"), [(10, True), (4, True), (1, True), (1, False), (0, True)])
def test_names_of_rows_without_a_column_are_refused_however_empty_the_last_column_is(
    tmp_path: Path, filled: int, names: bool, delimiter: str
) -> None:
    with pytest.raises(InputError, match=r"names and columns (may|do) not match.*row\.names = FALSE"):
        read_text(tmp_path, named_by_r(filled, names, delimiter))


def test_a_first_column_that_counts_by_its_name_may_count(tmp_path: Path) -> None:
    rows, _ = read_text(tmp_path, "id,species,x,y\n1,A,1,40,\n2,B,2,41,\n3,C,3,42,\n")
    assert places(rows) == THREE
