"""Coordinates and the system that is declared for them: followed, converted, or refused with what fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from odc.geo.crs import CRS
from pyproj import Transformer
from record_tables import DARWIN_CORE, left_out, places, read, read_text, write_points
from scalescape.engine.rasters.same_system import is_same_system
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.geodetic_datum import datum_of
from scalescape.engine.sites.preparation import Prepared
from scalescape.engine.sites.reasons import DEGREES, METRES, UNKNOWN_DATUM
from site_files import pixel_grid, prepared

LAND = "EPSG:3310"  # about its origin lie both California and degrees that are taken for metres
COUNT = 60
TABLE = 'train = "po.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "{}"\n'


def moved(x: np.ndarray, y: np.ndarray, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    return Transformer.from_crs(source, target, always_xy=True).transform(x, y)


@pytest.fixture
def places_on_land() -> tuple[np.ndarray, np.ndarray]:
    """Places in EPSG:3310 that lie on the rasters; with x and y swapped they do not."""
    draw = np.random.default_rng(5)
    return draw.uniform(-300_000, 300_000, COUNT), draw.uniform(-40_000, 40_000, COUNT)


def on_land(x: np.ndarray, y: np.ndarray, crs: CRS) -> np.ndarray:
    assert str(crs) == LAND
    return (np.abs(x) < 310_000) & (np.abs(y) < 50_000)


Train = Callable[..., Prepared]


@pytest.fixture
def train(tmp_path: Path) -> Train:
    def prepare(x: np.ndarray, y: np.ndarray, crs: str, **changes: object) -> Prepared:
        lines = [f"A,{a!r},{b!r}" for a, b in zip(np.asarray(x).tolist(), np.asarray(y).tolist(), strict=True)]
        (tmp_path / "po.csv").write_text("\n".join(["species,x,y", *lines, ""]), encoding="utf-8")
        grid = pixel_grid(1000.0, LAND, side=700, left=-350_000, top=350_000)
        return prepared(tmp_path, TABLE.format(crs), crs=LAND, grid=grid, inside=on_land, **changes)

    return prepare


def test_the_right_system_is_not_questioned(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train
) -> None:
    for crs in (LAND, "EPSG:4326", "EPSG:32610", "EPSG:4267", "EPSG:3857"):
        done = train(*moved(*places_on_land, LAND, crs), crs)
        assert done.report.thinned["A"][0] == COUNT and not done.report.dropped and not done.report.warnings


@pytest.mark.parametrize("crs", [LAND, "EPSG:32610", "EPSG:3857", "EPSG:2225"])
@pytest.mark.parametrize("swapped", [False, True])
def test_degrees_in_a_system_that_has_none_are_refused_with_what_they_are(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train, crs: str, swapped: bool
) -> None:
    x, y = moved(*places_on_land, LAND, "EPSG:4326")
    with pytest.raises(
        InputError, match=rf"look like degrees.* \(for example row 2.*, and {crs} has none; name EPSG:4326"
    ) as told:
        train(*((y, x) if swapped else (x, y)), crs, min_records=50)
    assert ("the other way round" in str(told.value)) == swapped
    assert "min_records" not in str(told.value)


def test_degrees_of_samples_with_data_are_refused_too(tmp_path: Path) -> None:
    rows = "".join(f"A,{-120 + n / 7:.4f},{37 + n / 9:.4f},{n}\n" for n in range(9))
    (tmp_path / "po.csv").write_text("species,x,y,heat\n" + rows, encoding="utf-8")
    (tmp_path / "bg.csv").write_text("x,y,heat\n1000000,2000000,3\n", encoding="utf-8")
    with pytest.raises(InputError, match="look like degrees"):
        prepared(tmp_path, TABLE.format(LAND) + 'background = "bg.csv"', modality='columns = ["heat"]')


@pytest.mark.parametrize(
    ("crs", "named"), [(LAND, f"on the rasters in {LAND}"), ("EPSG:32610", "name the system")]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_metres_in_a_system_of_degrees_are_refused_with_what_they_are(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train, crs: str, named: str, swapped: bool
) -> None:
    x, y = moved(*places_on_land, LAND, crs)
    named = "name the system" if swapped else named
    with pytest.raises(InputError, match=rf"look like metres .*EPSG:4326 is in degrees; .*{named}"):
        train(*((y, x) if swapped else (x, y)), "EPSG:4326")


@pytest.mark.parametrize("crs", [LAND, "EPSG:32610", "EPSG:4326"])
def test_swapped_coordinates_are_refused_in_any_system(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train, crs: str
) -> None:
    x, y = moved(*places_on_land, LAND, crs)
    with pytest.raises(
        InputError, match=r"lie on them with x and y swapped; name x and y the other way round|look swapped"
    ):
        train(y, x, crs)


def test_coordinates_of_the_rasters_under_another_name_are_refused(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train
) -> None:
    with pytest.raises(
        InputError, match=rf"60 lie outside the rasters as EPSG:32610, and 60 lie .* as {LAND}; name {LAND}"
    ):
        train(*places_on_land, "EPSG:32610")


@pytest.mark.parametrize(
    ("crs", "other", "reason"), [(LAND, "EPSG:4326", DEGREES), ("EPSG:4326", LAND, METRES)]
)
def test_a_few_records_in_other_units_are_left_out_and_counted(
    places_on_land: tuple[np.ndarray, np.ndarray], train: Train, crs: str, other: str, reason: str
) -> None:
    most, few = moved(*places_on_land, LAND, crs), moved(*places_on_land, LAND, other)
    x, y = (np.concatenate([one[:50], two[50:]]) for one, two in zip(most, few, strict=True))
    done = train(x, y, crs)
    assert left_out(done.report) == {reason: 10} and done.report.thinned["A"][0] == 50


def test_records_of_the_whole_world_are_no_reason_to_doubt_a_system(train: Train) -> None:
    draw = np.random.default_rng(1)
    x, y = draw.uniform(-180, 180, 400), draw.uniform(-90, 90, 400)
    here = moved(*(draw.uniform(-40_000, 40_000, (2, 20))), LAND, "EPSG:4326")
    done = train(np.concatenate([x, here[0]]), np.concatenate([y, here[1]]), "EPSG:4326")
    assert done.report.thinned["A"][0] >= 20


def test_longitudes_beyond_180_are_west_and_said(tmp_path: Path) -> None:
    text = "species,decimalLongitude,decimalLatitude\nA,237.5,37\nB,-122,37\nC,200,95\n"
    rows, report = read_text(tmp_path, text, **DARWIN_CORE)
    assert places(rows) == [("A", -122.5, 37.0), ("B", -122.0, 37.0)]
    assert any("1 longitude beyond 180, read as west (for example row 2" in one for one in report.warnings)


DATUM = "species,decimalLongitude,decimalLatitude,geodeticDatum\n"


def test_the_system_that_is_named_is_that_of_darwin_cores_columns(tmp_path: Path) -> None:
    rows, _ = read_text(
        tmp_path, "species,decimalLongitude,decimalLatitude\nA,-122,37\n", x=None, y=None, crs="EPSG:4267"
    )
    assert rows.crs.epsg == 4267 and rows.x.tolist() == [-122]


@pytest.mark.parametrize("columns", [{"x": None, "y": None}, {"x": "decimalLongitude", "y": "decimalLatitude"}])
def test_a_projected_system_for_degrees_is_refused(tmp_path: Path, columns: dict[str, object]) -> None:
    text = "species,decimalLongitude,decimalLatitude\nA,-122,37\n"
    with pytest.raises(InputError, match=r"of a.csv are degrees, and the crs that is named, EPSG:3310, is not"):
        read_text(tmp_path, text, crs="EPSG:3310", **columns)


def test_columns_that_are_missing_are_replaced_by_those_of_darwin_core_and_that_is_said(tmp_path: Path) -> None:
    text = "species,decimalLongitude,decimalLatitude\nA,-122,37\n"
    rows, report = read_text(tmp_path, text, x="lon", y="lat", crs="EPSG:3310")
    assert rows.crs.epsg == 4326 and any("are taken, in WGS84" in one for one in report.warnings)
    with pytest.raises(InputError, match="may be in EPSG:4267 or in WGS84; name x, y and crs"):
        read_text(tmp_path, text, x="lon", y="lat", crs="EPSG:4267")


@pytest.mark.parametrize(
    "name", ["NAD27", "nad 27", "EPSG:4267", "North American Datum 1927", "NAD1927", "4267"]
)
def test_rows_in_another_datum_are_brought_to_that_of_the_table(tmp_path: Path, name: str) -> None:
    text = f"{DATUM}A,-122,37,WGS84\nB,-122,37,{name}\nC,-122,37,EPSG:4326\n"
    rows, report = read_text(tmp_path, text, **DARWIN_CORE)
    east, north = moved(np.array([-122.0]), np.array([37.0]), "EPSG:4267", "EPSG:4326")
    assert rows.x.tolist() == [-122, east[0], -122] and rows.y.tolist() == [37, north[0], 37]
    assert abs(east[0] + 122) > 5e-4
    assert any(f"1 place brought from {name} (1) to EPSG:4326" in one for one in report.warnings)


def test_rows_without_a_datum_are_said_and_those_of_one_that_nobody_knows_left_out(tmp_path: Path) -> None:
    text = DATUM + "A,-122,37,WGS84\nB,-122,37,unknown\nC,-122,37,\nD,-122,37,Foo 12\nE,-122,37,WGS 1984\n"
    rows, report = read_text(tmp_path, text, **DARWIN_CORE)
    assert [name for name, _, _ in places(rows)] == ["A", "B", "C", "E"]
    assert left_out(report) == {UNKNOWN_DATUM: 1}
    assert any(
        "2 without a geodetic datum, taken for EPSG:4326 (for example row 3)" in one for one in report.warnings
    )


def test_a_named_system_against_the_rows_own_datum_is_refused(tmp_path: Path) -> None:
    text = DATUM + "A,-122,37,WGS84\nB,-122,37,NAD27\n"
    with pytest.raises(
        InputError, match=r"crs of a.csv is EPSG:4326, and its column geodeticDatum says 'NAD27' in row 3"
    ):
        read_text(tmp_path, text, x=None, y=None, crs="EPSG:4326")
    rows, _ = read_text(tmp_path, DATUM + "A,-122,37,NAD27\n", x=None, y=None, crs="EPSG:4267")
    assert rows.crs.epsg == 4267 and rows.x.tolist() == [-122]


def test_a_datum_says_nothing_of_projected_coordinates(tmp_path: Path) -> None:
    rows, report = read_text(tmp_path, "species,x,y,geodeticDatum\nA,500000,4000000,NAD27\n", crs="EPSG:32610")
    assert rows.x.tolist() == [500000] and report.warnings == []


@pytest.mark.parametrize(
    ("named", "refused"), [("EPSG:4326", False), ("OGC:CRS84", False), ("EPSG:3310", True), ("EPSG:4267", True)]
)
def test_a_system_against_that_of_a_vector_file_is_refused(tmp_path: Path, named: str, refused: bool) -> None:
    file = write_points(tmp_path / "a.gpkg", ["POINT (-122 37)"], species=["A"])
    if refused:
        with pytest.raises(
            InputError, match=rf"a.gpkg is in EPSG:4326 by what it says itself, and crs is {named}"
        ):
            read(file, x=None, y=None, crs=named)
    else:
        assert read(file, x=None, y=None, crs=named)[0].crs.epsg == 4326
    rows, report = read(file, x="species", y="species", crs=named)  # of other tables
    assert rows.x.tolist() == [-122]
    assert any("the points of the file are taken" in one for one in report.warnings)


def test_systems_are_the_same_where_they_give_a_place_the_same_coordinates() -> None:
    utm = CRS("EPSG:32631")
    esri = CRS(utm.proj.to_wkt("WKT1_ESRI"))
    assert is_same_system(utm, esri) and is_same_system(CRS("EPSG:4326"), CRS("OGC:CRS84"))
    assert not is_same_system(utm, CRS("EPSG:32632")) and not is_same_system(CRS("EPSG:4326"), CRS("EPSG:4267"))
    for text in ("World Geodetic System 1984 (WGS84)", "GCS_WGS_1984", "urn:ogc:def:crs:EPSG::4326", "GPS"):
        assert datum_of(text) == CRS("EPSG:4326"), text
    for text in ("WGS84, converted from NAD27", "EPSG:27700", "unknown", "Foo 12"):
        assert datum_of(text) is None, text
    assert datum_of("ED50") == CRS("EPSG:4230")
