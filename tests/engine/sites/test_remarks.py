"""What tables say of their records: absences, obscured places, what is captive, as GBIF and iNaturalist do."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from record_tables import DARWIN_CORE, left_out, names, read, read_text, write_points
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.reasons import (
    ABSENCE,
    CAPTIVE,
    CASUAL,
    COUNTED_NONE,
    NO_COORDINATES,
    NOT_WILD,
    OBSCURED,
    UNCERTAIN,
    UNCLEAR,
    UNSURVEYED,
)
from site_files import pixel_grid, prepared

POINTS = [f"POINT ({n} 4{n})" for n in range(1, 6)]
FIVE = list("ABCDE")


def darwin_core(
    folder: Path, column: str, cells: list[str], **source: object
) -> tuple[list[str], dict[str, int]]:
    """Species that are kept of a table with one more column, and what is left out."""
    text = f"species\tdecimalLongitude\tdecimalLatitude\t{column}\n"
    text += "".join(
        f"{name}\t{n}\t40\t{cell}\n" for n, (name, cell) in enumerate(zip(FIVE, cells, strict=False), 1)
    )
    rows, report = read_text(folder, text, "a.txt", **{**DARWIN_CORE, **source})
    return names(rows), left_out(report)


@pytest.mark.parametrize("column", ["occurrenceStatus", "occurrencestatus", "occurrence_status", "occurrence"])
@pytest.mark.parametrize(
    "word", ["ABSENT", "absent", "Absent", " absent ", "0", "0.0", "Not detected", "ausente"]
)
def test_an_absence_is_no_presence_however_it_is_written(tmp_path: Path, column: str, word: str) -> None:
    present = "1" if word in ("0", "0.0") else "PRESENT"
    kept, gone = darwin_core(tmp_path, column, [present, word, present, word, ""])
    assert kept == ["A", "C", "E"] and gone == {ABSENCE: 2}


def test_a_status_that_says_neither_is_left_out(tmp_path: Path) -> None:
    kept, gone = darwin_core(tmp_path, "occurrenceStatus", ["present", "doubtful", "NA", "common", "excluded"])
    assert kept == ["A", "C", "D"] and gone == {UNCLEAR: 1, ABSENCE: 1}


@pytest.mark.parametrize("column", ["individualCount", "organismQuantity", "individual"])
def test_a_count_of_none_is_an_absence(tmp_path: Path, column: str) -> None:
    kept, gone = darwin_core(tmp_path, column, ["1", "0", "0.0", "", "12"])
    assert kept == ["A", "D", "E"] and gone == {ABSENCE: 2}


def test_a_count_of_none_that_is_said_to_be_present_is_left_out(tmp_path: Path) -> None:
    kept, gone = darwin_core(
        tmp_path, "occurrenceStatus\tindividualCount", ["PRESENT\t0", "ABSENT\t3", "\t0", "\t2"]
    )
    assert kept == ["D"] and gone == {COUNTED_NONE: 1, ABSENCE: 2}


def test_absences_of_surveys_stay_absences(tmp_path: Path) -> None:
    kept, gone = darwin_core(
        tmp_path, "occurrenceStatus\tindividualCount", ["\t2", "absent\t", "\t0"], kind="pa"
    )
    assert kept == ["A", "", ""] and gone == {}


def test_a_table_of_presences_with_a_column_of_what_was_found_keeps_those(tmp_path: Path) -> None:
    rows, report = read_text(
        tmp_path, "x,y,f\n1,40,TRUE\n2,41,FALSE\n3,42,NA\n4,43,TRUE\n",
        species=None, species_name="A", presence="f",
    )  # fmt: skip
    assert names(rows) == ["A", "A"] and left_out(report) == {ABSENCE: 1, UNSURVEYED: 1}


def test_true_and_false_beside_na_tell_found_from_not_surveyed(tmp_path: Path) -> None:
    for cells in (["TRUE", "FALSE", "NA"], ["true", "0", ""], ["1", "False", "n/a"]):
        text = "x,y,f,g\n" + "".join(f"{n},40,{cell},{cell}\n" for n, cell in enumerate(cells, 1))
        for told in ({"species_name": "A", "presence": "f"}, {"species_columns": ("f",)}):
            rows, _ = read_text(tmp_path, text, species=None, kind="pa", **told)
            assert rows.found.toarray().ravel().tolist() == [True, False, False]
            assert rows.holes.toarray().ravel().tolist() == [False, False, True]


def test_names_that_a_shapefile_cuts_are_known_by_what_their_columns_hold(tmp_path: Path) -> None:
    file = write_points(
        tmp_path / "a.shp",
        POINTS,
        species=FIVE,
        occurrenceID=["PRESENT-1", "u2", "u3", "u4", "u5"],
        occurrenceStatus=["PRESENT", "ABSENT", "present", "PRESENT", "PRESENT"],
        coordinatePrecision=[0.1, 0.01, 0.5, 0.1, 0.2],
        coordinateUncertaintyInMeters=[10.0, 10.0, 30_000.0, 20.0, 5.0],
        basisOfRecord=["HUMAN_OBSERVATION"] * 3 + ["FOSSIL_SPECIMEN", "HUMAN_OBSERVATION"],
        informationWithheld=["", "", "", "", "Coordinates hidden"],
    )
    rows, report = read(file, max_uncertainty_m=1000.0, **DARWIN_CORE)
    assert names(rows) == ["A"]
    assert left_out(report) == {ABSENCE: 1, UNCERTAIN: 1, NOT_WILD: 1, OBSCURED: 1}
    assert "a.shp: the column occurren_1 is taken for occurrenceStatus." in report.warnings


@pytest.mark.parametrize("name", ["occrrnS", "pres_abs"])
def test_a_status_under_a_mangled_name_is_found_in_a_shapefile(tmp_path: Path, name: str) -> None:
    words = ["present", "absent", "Present", "", "ABSENT"]
    file = write_points(tmp_path / "a.shp", POINTS, species=FIVE, **{name: words})
    rows, report = read(file, **DARWIN_CORE)
    assert names(rows) == ["A", "C", "D"] and left_out(report) == {ABSENCE: 2}
    assert any(f"the column {name} is taken for occurrenceStatus" in one for one in report.warnings)


def test_counts_of_a_shapefile_are_counts(tmp_path: Path) -> None:
    file = write_points(tmp_path / "a.shp", POINTS, species=FIVE, individualCount=[1, 0, 2, 0, 3])
    rows, report = read(file, **DARWIN_CORE)
    assert names(rows) == ["A", "C", "E"] and left_out(report) == {ABSENCE: 2}


@pytest.mark.parametrize("column", ["presence", "pr_ab", "Pres/Abs", "status"])
def test_a_column_that_sounds_like_absences_is_said_unless_the_config_follows_it(
    tmp_path: Path, column: str
) -> None:
    text = f"species,x,y,{column}\nA,1,40,1\nB,2,41,0\nC,3,42,1\n"
    rows, report = read_text(tmp_path, text)
    assert names(rows) == ["A", "B", "C"]
    said = f"a.csv: the column {column} says no in 1 row (for example row 3) and is not followed"
    assert any(one.startswith(said) for one in report.warnings)
    rows, report = read_text(tmp_path, text, where=f"`{column}` == 1")
    assert names(rows) == ["A", "C"] and report.warnings == []
    rows, report = read_text(tmp_path, text.replace(",1\n", ",present\n").replace(",0\n", ",absent\n"))
    assert names(rows) == ["A", "C"] and left_out(report) == {ABSENCE: 1}


INATURALIST = (
    "id,quality_grade,captive_cultivated,latitude,longitude,positional_accuracy,public_positional_accuracy,"
    "geoprivacy,taxon_geoprivacy,coordinates_obscured,scientific_name\n"
    "1,research,false,37.0,-122,10,10,,,false,A b\n"
    "2,research,false,37.1,-122,10,28000,obscured,,true,A b\n"
    "3,research,false,37.2,-122,10,28000,,obscured,true,A b\n"
    "4,casual,true,37.3,-122,10,10,,,false,A b\n"
    "5,casual,false,37.4,-122,,,,,false,A b\n"
    "6,needs_id,false,37.5,-122,5,40,,open,false,A b\n"
    "7,research,false,37.6,-122,5,4000,,open,false,A b\n"
    "8,research,false,,,5,,private,,false,A b\n"
    "9,research,false,37.7,-122,5,,,private,false,A b\n"
)
INATURALIST_ALONE = {"species": "scientific_name", **DARWIN_CORE}


def test_an_export_of_inaturalist_is_read_as_it_comes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "observations.zip", "w") as archive:
        archive.writestr("README.txt", "What is in here, and how to cite it")
        archive.writestr("observations-123456.csv", INATURALIST)
    rows, report = read(tmp_path / "observations.zip", max_uncertainty_m=1000.0, **INATURALIST_ALONE)
    assert rows.row.tolist() == [2, 7] and rows.y.tolist() == [37.0, 37.5] and rows.x.tolist() == [-122, -122]
    assert rows.uncertainty.tolist() == [10, 40], "the larger of the two"
    assert left_out(report) == {NO_COORDINATES: 1, OBSCURED: 3, CAPTIVE: 1, CASUAL: 1, UNCERTAIN: 1}
    assert any("1 kept without a confirmed identification" in one for one in report.warnings)
    assert rows.crs.epsg == 4326


@pytest.mark.parametrize("column", ["coordinates_obscured", "geoprivacy", "taxon_geoprivacy"])
def test_each_of_inaturalists_columns_tells_what_is_obscured(tmp_path: Path, column: str) -> None:
    word = "TRUE" if column == "coordinates_obscured" else "obscured"
    text = f"scientific_name,latitude,longitude,quality_grade,{column}\n"
    text += f"A,37,-122,research,\nB,38,-122,research,{word}\n"
    rows, report = read_text(tmp_path, text, **INATURALIST_ALONE)
    assert names(rows) == ["A"] and left_out(report) == {OBSCURED: 1}


def test_obscured_places_can_be_kept_and_are_said(tmp_path: Path) -> None:
    rows, report = read_text(tmp_path, INATURALIST, keep_obscured=True, **INATURALIST_ALONE)
    assert rows.row.tolist() == [2, 3, 4, 7, 8, 10] and OBSCURED not in left_out(report)
    assert any(f"3 kept {OBSCURED} (for example row 3" in one for one in report.warnings)


@pytest.mark.parametrize(
    ("column", "cells", "reason"),
    [
        (
            "informationWithheld",
            ["Coordinate uncertainty increased to 28km at the request of the observer"],
            OBSCURED,
        ),
        ("informationWithheld", ["Exact location withheld", "Coordenadas ocultas"], OBSCURED),
        (
            "dataGeneralizations",
            ["Coordinates are rounded to the nearest 0.1 degree", "10 km square"],
            OBSCURED,
        ),
        ("dataGeneralizations", ["Koordinaten vergröbert"], OBSCURED),
        ("establishmentMeans", ["MANAGED", "cultivated", "captive"], CAPTIVE),
        ("degreeOfEstablishment", ["captive", "Cultivated"], CAPTIVE),
        ("basisOfRecord", ["LIVING_SPECIMEN", "FossilSpecimen", "FOSSIL_SPECIMEN"], NOT_WILD),
    ],
)
def test_columns_of_gbif_say_what_is_of_no_use(
    tmp_path: Path, column: str, cells: list[str], reason: str
) -> None:
    kept, gone = darwin_core(tmp_path, column, ["", *cells])
    assert kept == ["A"] and gone == {reason: len(cells)}


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("informationWithheld", ["collector's name", "field notes available on request", "NA"]),
        ("establishmentMeans", ["NATIVE", "introduced", "invasive", "naturalised"]),
        ("degreeOfEstablishment", ["established", "casual", "released"]),
        ("basisOfRecord", ["HUMAN_OBSERVATION", "PRESERVED_SPECIMEN"]),
    ],
)
def test_columns_of_gbif_that_say_nothing_against_a_record_leave_it(
    tmp_path: Path, column: str, cells: list[str]
) -> None:
    assert darwin_core(tmp_path, column, cells) == (FIVE[: len(cells)], {})


def test_uncertainties_that_stand_for_something_else_are_said_where_there_is_no_limit(tmp_path: Path) -> None:
    text = "species,decimalLongitude,decimalLatitude,coordinateUncertaintyInMeters\nA,1,40,301\nB,2,40,30\n"
    rows, report = read_text(tmp_path, text, **DARWIN_CORE)
    assert len(rows) == 2 and not report.dropped
    assert any("1 kept with an uncertainty that stands for a centroid" in one for one in report.warnings)
    assert np.isfinite(rows.uncertainty).all()


@pytest.mark.parametrize("column", ["occurrenceStatus", "individualCount"])
@pytest.mark.parametrize("kind", ["pa", "pa-balanced"])
def test_a_survey_of_records_keeps_its_absences_to_the_sites(tmp_path: Path, column: str, kind: str) -> None:
    words = ("present", "absent") if column == "occurrenceStatus" else ("3", "0")
    lines = [f"{'AB'[n // 10]},{1000.5 + n},1950.5,{words[n % 2]}" for n in range(20)]
    (tmp_path / "a.csv").write_text("\n".join([f"species,x,y,{column}", *lines]), encoding="utf-8")
    table = f'train = "a.csv"\nkind = "{kind}"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "EPSG:32631"'
    sites = prepared(tmp_path, table, "EPSG:32631", grid=pixel_grid(1.0, left=1000, top=2000)).sites
    assert len(sites) == 20 and sites.presences().tolist() == [5, 5]
    labels, known = sites.labels(np.arange(len(sites)))
    assert labels.sum(axis=0).tolist() == [5, 5] and known.sum(axis=0).min() >= 10


@pytest.mark.parametrize("found", ["species_columns", "presence"])
def test_a_table_that_says_found_and_absent_of_one_row_is_refused(tmp_path: Path, found: str) -> None:
    text = "Q,x,y,occurrenceStatus\n1,1,40,present\n1,2,41,absent\n0,3,42,absent\n"
    named = {"species_columns": ["Q"]} if found == "species_columns" else {"presence": "Q", "species_name": "Q"}
    with pytest.raises(InputError, match=r"1 row of a.csv says by .* that a species was found.*example row 3"):
        read_text(tmp_path, text, kind="pa", species=None, **named)
    rows, _ = read_text(tmp_path, text.replace("41,absent", "41,"), kind="pa", species=None, **named)
    assert rows.found.sum() == 2


def test_a_datum_beside_points_is_said_where_it_is_another(tmp_path: Path) -> None:
    columns = {"species": FIVE, "geodeticDatum": ["NAD27", "WGS84", "", "NAD27", "unknown"]}
    points = [f"POINT (-12{n} 4{n})" for n in range(5)]
    rows, report = read(write_points(tmp_path / "a.gpkg", points, **columns), x=None, y=None, crs=None)
    assert rows.x.tolist() == [-120, -121, -122, -123, -124]
    (said,) = [one for one in report.warnings if "geodeticDatum" in one]
    assert "names another in 2 rows (for example row 2: NAD27); the file's system counts." in said
