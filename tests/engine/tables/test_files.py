"""Files in which tables come: zips with folders, spreadsheets, vector files with several layers or without a
place."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from record_tables import DARWIN_CORE, left_out, names, places, read, write_points, write_sheet
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.reasons import NO_COORDINATES

TABLE = "species,x,y\nA,1,40\n"
GBIF = "species\tdecimalLatitude\tdecimalLongitude\nA\t40\t1\n"


def packed_as(file: Path, members: Mapping[str, str | bytes]) -> Path:
    """Write a zip of files by their names in it."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, held in members.items():
            archive.writestr(name, held)
    return file


@pytest.mark.parametrize(
    "members",
    [
        {"data/": "", "data/observations.csv": TABLE},
        {"a b/c d/é.csv": TABLE, "__MACOSX/a b/c d/._é.csv": "x", ".DS_Store": "x"},
        {"README.txt": "read, me; please", "observations.csv": TABLE},
        {"export/readme.txt": "read me", "export/licence.txt": "CC0", "export/table.txt": TABLE},
        {"x/citation.csv": "who,when\n", "x/records.tsv": TABLE.replace(",", "\t")},
        {"notes.txt": "something else", "records.csv": TABLE},
    ],
)
def test_the_table_of_a_zip_is_found_in_whatever_folder(tmp_path: Path, members: dict[str, str]) -> None:
    assert places(read(packed_as(tmp_path / "a.zip", members))[0]) == [("A", 1.0, 40.0)]


def test_a_darwin_core_archive_in_a_folder_gives_its_occurrences(tmp_path: Path) -> None:
    members = {"d/multimedia.txt": "gbifID\n", "d/verbatim.txt": "a\n", "d/occurrence.txt": GBIF}
    assert places(read(packed_as(tmp_path / "a.zip", members), **DARWIN_CORE)[0]) == [("A", 1.0, 40.0)]


def test_a_zipped_shapefile_is_read_from_its_folder(tmp_path: Path) -> None:
    write_points(tmp_path / "p.shp", ["POINT (1 40)"], species=["A"])
    members = {
        f"my points/p{end}": (tmp_path / f"p{end}").read_bytes() for end in (".shp", ".shx", ".dbf", ".prj")
    }
    assert places(read(packed_as(tmp_path / "a.zip", members), **DARWIN_CORE)[0]) == [("A", 1.0, 40.0)]


def test_of_several_tables_one_is_named(tmp_path: Path) -> None:
    file = packed_as(tmp_path / "a.zip", {"one.csv": TABLE, "two.csv": TABLE.replace("A", "B")})
    with pytest.raises(
        InputError, match=r"a.zip holds 2 tables; name one as a.zip\|layername=one.csv; .*two.csv"
    ):
        read(file)
    assert names(read(f"{file}|layername=two.csv")[0]) == ["B"]
    with pytest.raises(InputError, match="a.zip holds no three.csv; it holds one.csv, two.csv"):
        read(f"{file}|layername=three.csv")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.pdf": "x", "b.doc": "x"}, "holds no table of records; it holds a.pdf, b.doc"),
        ({}, "it holds nothing"),
    ],
)
def test_a_zip_without_a_table_says_what_it_holds(tmp_path: Path, members: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(packed_as(tmp_path / "a.zip", members))


def test_a_damaged_zip_and_a_missing_one_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="a.zip is no zip, or a damaged one"):
        read(tmp_path / "a.zip")
    with pytest.raises(InputError, match=r"b.zip can't be read \(No such file or directory\)"):
        read(tmp_path / "b.zip")


def test_a_workbook_is_read_as_a_table(tmp_path: Path) -> None:
    file = write_sheet(
        tmp_path / "a.xlsx", species=[12.0, 13.0, 14.0], x=[1.5, 2.0, 3.0], y=[40.25, 41.0, 42.0]
    )
    rows, _ = read(file)
    assert places(rows) == [("12", 1.5, 40.25), ("13", 2.0, 41.0), ("14", 3.0, 42.0)]
    assert rows.row.tolist() == [2, 3, 4]


def test_cells_of_a_workbook_are_those_of_a_table_of_text(tmp_path: Path) -> None:
    file = write_sheet(
        tmp_path / "a.xlsx", species=["A", "NA", "B  b"], x=["1,5", "2,5", "3,5"], y=[40.5, 41.0, 42.0],
        cc=["NA", "", "DE"],
    )  # fmt: skip
    rows, report = read(file, where='cc != "DE"')
    assert places(rows) == [("A", 1.5, 40.5)]
    assert left_out(report) == {'not meeting cc != "DE"': 2}


def test_of_several_sheets_the_one_that_is_not_empty_is_read_or_one_is_named(tmp_path: Path) -> None:
    file = write_sheet(tmp_path / "a.xlsx", species=["A"], x=[1.0], y=[40.0])
    write_sheet(file, "Sheet2", append=True, a=[1.0])
    with pytest.raises(
        InputError, match=r"several sheets \(Sheet1, Sheet2\); name one as a.xlsx\|layername=Sheet1"
    ):
        read(file)
    assert names(read(f"{file}|layername=Sheet1")[0]) == ["A"]


def test_an_old_workbook_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(InputError, match="save it as .xlsx or CSV UTF-8"):
        read(tmp_path / "a.xls")


def test_of_several_layers_one_is_named_and_tables_beside_points_do_not_count(tmp_path: Path) -> None:
    file = write_points(tmp_path / "one.gpkg", ["POINT (1 40)"], species=["A"])
    pyogrio.raw.write(
        file, None, [np.array([1])], ["n"], layer="layer_styles", geometry_type=None, crs=None,
        append=True,
    )  # fmt: skip
    assert names(read(file, **DARWIN_CORE)[0]) == ["A"]
    other = write_points(tmp_path / "b.gpkg", ["POINT (2 41)"], species=["B"])
    meta, _, shapes, values = pyogrio.raw.read(other)
    pyogrio.raw.write(
        file,
        shapes,
        values,
        meta["fields"],
        layer="second",
        geometry_type="Point",
        crs="EPSG:4326",
        append=True,
    )
    with pytest.raises(InputError, match=r"one.gpkg has several layers \(one, second\); name one"):
        read(file, **DARWIN_CORE)
    assert names(read(f"{file}|layername=second", **DARWIN_CORE)[0]) == ["B"]


@pytest.mark.parametrize(
    ("name", "kind", "empty"),
    [
        ("a.gpkg", "Point", "POINT EMPTY"),
        ("a.gpkg", "Point", None),
        ("a.gpkg", "MultiPoint", "MULTIPOINT EMPTY"),
        ("a.geojson", "Point", None),
        ("a.geojson", "Point", "POINT EMPTY"),
        ("a.shp", "Point", None),
    ],
)
def test_a_record_without_a_point_is_left_out_and_counted(
    tmp_path: Path, name: str, kind: str, empty: str | None
) -> None:
    shape = "MULTIPOINT ((1 40))" if kind == "MultiPoint" else "POINT (1 40)"
    file = write_points(tmp_path / name, [shape, empty, shape], kind=kind, species=["A", "B", "C"])
    rows, report = read(file, **DARWIN_CORE)
    assert places(rows) == [("A", 1.0, 40.0), ("C", 1.0, 40.0)]
    assert left_out(report) == {NO_COORDINATES: 1}
    assert report.dropped[0].example == "for example row 3"


def test_a_row_of_several_points_is_refused_by_its_number(tmp_path: Path) -> None:
    shapes = ["MULTIPOINT ((1 40))", "MULTIPOINT ((1 40), (2 41))"]
    file = write_points(tmp_path / "a.gpkg", shapes, kind="MultiPoint", species=["A", "B"])
    with pytest.raises(
        InputError, match=r"holds more than single points \(row 3 is a MultiPoint of 2 points\)"
    ):
        read(file, **DARWIN_CORE)


@pytest.mark.parametrize("inside", ["b.xlsx", "folder/b.xlsx"])
def test_a_workbook_in_a_zip_is_read(tmp_path: Path, inside: str) -> None:
    sheet = write_sheet(tmp_path / "b.xlsx", species=["A", "B"], x=["1", "2"], y=["40", "41"])
    packed = packed_as(tmp_path / "x.zip", {inside: sheet.read_bytes(), "README.txt": "about"})
    assert places(read(packed)[0]) == [("A", 1.0, 40.0), ("B", 2.0, 41.0)]
