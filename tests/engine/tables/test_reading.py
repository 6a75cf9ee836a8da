"""Tables of records as they come: delimiters, packing, quotes, vector files, conditions."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from scalescape.engine.recipes.config import SourceConfig
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.cleaning import Cleaning
from scalescape.engine.sites.observations import Observations, Predictors, read_observations
from scalescape.engine.tables.condition import Condition

ROWS = [("Ariolimax buttoni", 1.5, 40.0), ("Quercus ilex", 2.25, 41.0), ("Ariolimax buttoni", 3.0, 42.5)]


def read(file: Path | str, predictors: Predictors | None = None, **source: object) -> Observations:
    told = {"kind": "po", "species": "species", "x": "x", "y": "y", "crs": "EPSG:4326", **source}
    given = SourceConfig(file=str(file), **{name: value for name, value in told.items() if value is not None})
    return read_observations(given, predictors or Predictors(), Cleaning())


def names(rows: Observations) -> list[str]:
    """The species of each row."""
    dense = rows.found.toarray()
    return ["+".join(rows.species[i] for i in np.flatnonzero(row)) for row in dense]


def written(path: Path, delimiter: str = ",", header: str = "species,x,y", bom: str = "") -> Path:
    lines = [header.replace(",", delimiter)] + [delimiter.join(map(str, row)) for row in ROWS]
    text = bom + "\r\n".join(lines) + "\r\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("0001234-240321.csv", text)
    else:
        path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize(
    ("name", "delimiter", "bom"),
    [
        ("a.csv", ",", ""), ("a.csv", ";", "\ufeff"), ("a.tsv", "\t", ""), ("a.txt", "\t", "\ufeff"),
        ("a.csv.gz", ",", ""), ("a.tsv.gz", "\t", "\ufeff"), ("a.zip", "\t", ""),
    ],
)  # fmt: skip
def test_delimiter_packing_and_byte_order_mark_do_not_matter(
    tmp_path: Path, name: str, delimiter: str, bom: str
) -> None:
    rows = read(written(tmp_path / name, delimiter, bom=bom))
    assert names(rows) == [species for species, _, _ in ROWS]
    assert rows.x.tolist() == [1.5, 2.25, 3.0] and rows.y.tolist() == [40.0, 41.0, 42.5]
    assert rows.row.tolist() == [2, 3, 4]


def test_a_gbif_download_with_unbalanced_quotes_keeps_all_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "occurrence.txt"
    file.write_text(
        "gbifID\tspecies\tlocality\tdecimalLatitude\tdecimalLongitude\n"
        '1\tQuercus ilex\t"near the oak\t43.5\t3.5\n'
        "2\tQuercus ilex\tplain\t43.6\t3.6\n"
        '3\tPinus pinea\t"\t43.7\t3.7\n'
        "4\tPinus pinea\tby the sea\t\t\n",
        encoding="utf-8",
    )
    rows = read(file, x=None, y=None, crs=None)
    assert names(rows) == ["Quercus ilex"] * 2 + ["Pinus pinea"] * 2
    assert rows.x[:3].tolist() == [3.5, 3.6, 3.7] and np.isnan(rows.x[3])
    assert str(rows.crs) == "EPSG:4326"


def test_a_darwin_core_archive_gives_its_occurrences(tmp_path: Path) -> None:
    file = tmp_path / "download.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("multimedia.txt", "gbifID\ttype\n1\tImage\n")
        archive.writestr("occurrence.txt", "species\tdecimalLatitude\tdecimalLongitude\nA b\t1\t2\n")
    assert read(file, x=None, y=None, crs=None).x.tolist() == [2.0]


def test_decimal_commas_are_numbers(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("species;x;y\nA;1,5;40,25\nB;nothing;1\n", encoding="utf-8")
    rows = read(file)
    assert rows.x[0] == 1.5 and rows.y[0] == 40.25 and np.isnan(rows.x[1])


def test_ids_of_species_stay_text_and_names_are_trimmed(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("species,x,y\n007,1,1\n 007 ,2,2\n10,3,3\n,4,4\n  ,5,5\nNA,6,6\n", encoding="utf-8")
    report = Cleaning()
    source = SourceConfig(file=str(file), kind="po", species="species", x="x", y="y", crs="EPSG:4326")
    rows = read_observations(source, Predictors(), report)
    assert names(rows) == ["007", "007", "10"] and rows.species == ("007", "10")
    assert report.count("without the name of a species") == 3
    assert report.dropped[0].example == "for example row 5: 4, 4"


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp"])
def test_points_of_a_vector_file_bring_their_own_system(tmp_path: Path, name: str) -> None:
    file, crs = tmp_path / name, "EPSG:4326" if name == "a.geojson" else "EPSG:32631"
    points = shapely.to_wkb(shapely.points([[row[1], row[2]] for row in ROWS]))
    columns = {"species": np.array([row[0] for row in ROWS], object), "veg": np.array([1.0, 2.0, np.nan])}
    pyogrio.raw.write(file, points, list(columns.values()), list(columns), geometry_type="Point", crs=crs)
    rows = read(file, Predictors(("veg",), frozenset(["veg"])), x=None, y=None, crs=None)
    assert names(rows) == [row[0] for row in ROWS]
    assert rows.x.tolist() == [row[1] for row in ROWS]
    assert rows.crs.epsg == int(crs[5:])
    assert rows.columns["veg"].tolist() == ["1", "2", ""]
    assert read(file, x=None, y=None, crs=None, where="veg == 2").x.tolist() == [2.25]


def test_a_layer_is_named_after_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    for layer, x in (("first", 1.0), ("second", 2.0)):
        pyogrio.raw.write(
            file, shapely.to_wkb(shapely.points([[x, 5.0]])), [np.array(["A"], object)], ["species"],
            geometry_type="Point", crs="EPSG:32631", layer=layer, append=file.exists(),
        )  # fmt: skip
    assert read(f"{file}|layername=second", x=None, y=None, crs=None).x.tolist() == [2.0]


def test_polygons_are_no_records(tmp_path: Path) -> None:
    file = tmp_path / "a.gpkg"
    shape = shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)]))
    pyogrio.raw.write(
        file, shape, [np.array(["A"], object)], ["species"], geometry_type="Polygon", crs="EPSG:32631"
    )
    with pytest.raises(InputError, match=r"a.gpkg holds more than single points"):
        read(file, x=None, y=None, crs=None)


def test_a_column_a_species_with_empty_cells_not_surveyed(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x,y,sp1,sp2,other\n1,1,1,,9\n2,2,0,1.0,9\n3,3,,3,9\n", encoding="utf-8")
    rows = read(file, species=None, species_columns=("sp[0-9]*",), kind="pa")
    assert rows.species == ("sp1", "sp2")
    assert rows.found.toarray().tolist() == [[True, False], [False, True], [False, True]]
    assert rows.holes.toarray().tolist() == [[False, True], [False, False], [True, False]]


def test_presence_tells_found_from_not_found_of_one_species(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("x,y,pr_ab\n1,1,12.0\n2,2,0.0\n3,3,\n", encoding="utf-8")
    rows = read(file, species=None, species_name="Abies concolor", presence="pr_ab", kind="pa-balanced")
    assert rows.species == ("Abies concolor",)
    assert rows.found.toarray().ravel().tolist() == [True, False, False]
    assert rows.holes.toarray().ravel().tolist() == [False, False, True]


@pytest.mark.parametrize("cell", ["-1", "yes", "0.5"])
def test_a_cell_that_is_neither_found_nor_not_is_refused(tmp_path: Path, cell: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"x,y,sp1\n1,1,1\n2,2,{cell}\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"'sp1' of a.csv holds .*{cell}.* in row 3"):
        read(file, species=None, species_columns=("sp1",), kind="pa")


@pytest.mark.parametrize(
    ("text", "source", "words"),
    [
        ("species,lon,lat\nA,1,1\n", {}, "no column 'x'; it has species, lon, lat"),
        ("species,lon,lat\nA,1,1\n", {"x": None, "y": None}, "decimalLatitude; name those"),
        ("species,x,y\nA,1,1\n", {"crs": None}, "The CRS of x, y in a.csv is not specified"),
        ("species,x,y\nA,1,1\n", {"crs": "EPSG:99999"}, "'EPSG:99999' of a.csv is unknown"),
        ("species,x,y\nA,1,1\n", {"species": "taxon"}, "no column 'taxon'"),
        ("species,x,y\nA,1,1\n", {"species": None, "species_columns": ("nz*",)}, "No column of a.csv"),
        ("species,x,x,y\nA,1,1,1\n", {}, "two columns 'x'"),
        ("species,x,y\n", {}, "holds no record"),
        ("", {}, "a.csv is empty"),
        ("species,x,y\nA,1,1\n", {"where": "x > 1"}, "No row of a.csv meets x > 1"),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(tmp_path: Path, text: str, source: dict[str, object], words: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read(file, **source)


def test_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes("species,x,y\nQuercus à feuilles,1,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"a.csv is not in UTF-8"):
        read(file)


TABLE = {
    "year": np.array([1999, 2005, 2020, np.nan]),
    "pr_ab": np.array([1.0, 0.0, 1.0, 1.0]),
    "country": np.array(["FR", "CH", "", "FR"]),
}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("pr_ab == 1", [0, 2, 3]),
        ("pr_ab != 1", [1]),
        ("year >= 2005 and pr_ab == 1", [2]),
        ("year < 2000 or (pr_ab == 0 and country == 'CH')", [0, 1]),
        ("year != 2005", [0, 2]),
        ("country in ['FR', 'IT']", [0, 3]),
        ("year in (1999, 2020)", [0, 2]),
        ("country != 'FR'", [1]),
        ("year > -1", [0, 1, 2]),
    ],
)
def test_conditions_hold_where_they_should(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(Condition(text).holds(TABLE)).tolist() == rows


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "pr_ab", "pr_ab = 1", "1 < 3", "1 < 2 < 3",
        "pr_ab == year", "pr_ab == f()", "year in 3", "year in []", "year in [1, 'a']", "", "pr_ab ==",
        "a.b == 1", "(lambda: 1) == 1", "country == ['FR']", "pr_ab == None", "(" * 5000,
    ],
)  # fmt: skip
def test_anything_else_is_no_condition(text: str) -> None:
    with pytest.raises(InputError, match="can't be understood"):
        Condition(text)
