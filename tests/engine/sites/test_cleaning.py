"""Records that can't be used are left out, counted and explained; the rest is thinned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites import reasons as checks
from scalescape.engine.sites.merging import REPEATED
from scalescape.engine.sites.preparation import UNREACHED, WITHOUT_SPECIES
from site_files import found_at, pixel_grid, prepared

LONLAT = 'train = "po.csv"\nkind = "po"\nspecies = "species"\n'
PLAIN = LONLAT + 'x = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
GBIF = (
    "species,decimalLongitude,decimalLatitude,coordinateUncertaintyInMeters,issue,occurrenceStatus,"
    "basisOfRecord\n"
)


def table(folder: Path, text: str, name: str = "po.csv") -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_every_drop_is_counted_with_its_reason_and_an_example(tmp_path: Path) -> None:
    table(
        tmp_path,
        GBIF
        + "A,3,45,10,COORDINATE_ROUNDED,PRESENT,HUMAN_OBSERVATION\n"
        + "A,,45,10,,PRESENT,\n"
        + "A,east,45,10,,PRESENT,\n"
        + "A,0,0,10,,PRESENT,\n"
        + "A,45,-122,10,,PRESENT,\n"
        + "A,190,95,10,,PRESENT,\n"
        + "A,3.1,45,10,COORDINATE_ROUNDED;COUNTRY_COORDINATE_MISMATCH,PRESENT,\n"
        + "A,3.2,45,10,PRESUMED_SWAPPED_COORDINATE,PRESENT,\n"
        + "A,3.3,45,10,,ABSENT,\n"
        + "A,3.4,45,10,,PRESENT,FOSSIL_SPECIMEN\n"
        + "A,3.5,45,600,,PRESENT,\n"
        + "A,3,45,30,,PRESENT,\n"
        + ",3,45,30,,PRESENT,\n"
        + "B,3,45,200,,PRESENT,\n"
        + "B,4.6,45,,,PRESENT,\n",
    )
    done = prepared(tmp_path, LONLAT + "max_uncertainty_m = 500", crs="EPSG:4326", smallest_scale_m=100.0)
    counted = {one.reason: one.count for one in done.report.dropped}
    assert counted == {
        "without the name of a species": 1,
        checks.NO_COORDINATES: 2,
        checks.ZERO: 1,
        checks.SWAPPED: 1,
        checks.OUT_OF_RANGE: 1,
        checks.FLAGGED: 2,
        checks.ABSENCE: 1,
        checks.NOT_WILD: 1,
        checks.UNCERTAIN: 1,
        REPEATED: 1,
    }
    assert found_at(done.sites) == {(3, 45): {"A", "B"}, (4.6, 45): {"B"}}
    said = done.report.sentences()
    assert "po.csv: 15 records read." in said
    assert f"po.csv: 1 left out, {checks.SWAPPED} (for example row 6: 45, -122)." in said
    assert any("po.csv: 1 kept though more uncertain than the smallest window (100 m)" in one for one in said)


def test_columns_the_wrong_way_round_are_suspected(tmp_path: Path) -> None:
    table(tmp_path, GBIF + "A,37,-122,,,,\nA,38,-121,,,,\nA,-120,39,,,,\n")
    done = prepared(tmp_path, LONLAT, crs="EPSG:4326")
    assert done.report.count(checks.SWAPPED) == 2
    assert any("wrong way round" in one for one in done.report.sentences())


def test_records_off_the_rasters_are_dropped_and_those_on_them_when_swapped_say_so(tmp_path: Path) -> None:
    table(tmp_path, GBIF + "A,3,45,,,,\nA,45,3,,,,\nA,3,60,,,,\n")

    def inside(x: np.ndarray, y: np.ndarray, crs: object) -> np.ndarray:
        assert str(crs) == "EPSG:32631"
        return (np.abs(x - 500_000) < 1000) & (np.abs(y - 4_982_950) < 1000)

    done = prepared(tmp_path, LONLAT, crs="EPSG:32631", inside=inside,
                    grid=pixel_grid(100.0, left=495_000, top=4_988_000))  # fmt: skip
    assert done.report.count(checks.SWAPPED) == 1
    assert done.report.count(checks.OUTSIDE) == 1
    assert done.sites.x.tolist() == pytest.approx([500_000.0], abs=1e-3)
    assert inside(done.background.x, done.background.y, "EPSG:32631").all()


def test_a_table_of_which_nothing_is_left_says_why(tmp_path: Path) -> None:
    table(tmp_path, GBIF + "A,0,0,,,,\nA,,,,,,\n")
    with pytest.raises(
        InputError, match=r"No record of po.csv can be used: 1 without .*, 1 at coordinates 0, 0"
    ):
        prepared(tmp_path, LONLAT, crs="EPSG:4326")


def test_a_limit_of_uncertainty_that_can_not_bite_is_told(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y\nA,1,99\nB,2,98\n")
    text = (
        "po.csv has no column coordinateUncertaintyInMeters, so max_uncertainty_m left out none of its records."
    )
    limited = prepared(tmp_path, PLAIN + "max_uncertainty_m = 500", crs="EPSG:32631")
    assert len(limited.sites) == 2 and text in limited.report.sentences()
    assert text not in prepared(tmp_path, PLAIN, crs="EPSG:32631").report.sentences()


def test_one_record_a_species_is_kept_in_a_pixel_and_its_records_make_one_site(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y\nA,1,99\nA,9,91\nB,8,92\nA,11,99\nC,25,75\nC,25.1,75\n")
    done = prepared(tmp_path, PLAIN, crs="EPSG:32631", grid=pixel_grid(10.0))
    assert found_at(done.sites) == {(1, 99): {"A", "B"}, (11, 99): {"A"}, (25, 75): {"C"}}
    assert done.report.thinned == {"A": (3, 2), "B": (1, 1), "C": (2, 1)}
    assert "Thinning kept 4 of 6 presences of 3 species." in done.report.sentences()


def test_squares_of_a_size_in_metres_thin_without_moving_a_record(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y\nA,1,99\nA,49,60\nB,48,61\nA,51,99\n")
    done = prepared(tmp_path, PLAIN, crs="EPSG:32631", thin_m=50.0)
    assert found_at(done.sites) == {(1, 99): {"A"}, (48, 61): {"B"}, (51, 99): {"A"}}


def test_surveys_are_never_thinned(tmp_path: Path) -> None:
    table(tmp_path, "x,y,A,B\n1,99,1,0\n2,98,1,1\n3,97,0,1\n")
    sites = (
        'train = "po.csv"\nkind = "pa"\nspecies_columns = ["A", "B"]\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
    )
    done = prepared(tmp_path, sites, crs="EPSG:32631", grid=pixel_grid(50.0), thin_m=50.0)
    assert len(done.sites) == 3 and not done.report.thinned


def test_rare_species_are_left_out_and_so_are_places_with_nothing_else(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y\nA,1,99\nA,2,99\nB,2,99\nB,3,99\nB,4,99\nC,1,99\nC,7,99\n")
    done = prepared(tmp_path, PLAIN, crs="EPSG:32631", min_records=3)
    assert found_at(done.sites) == {(2, 99): {"B"}, (3, 99): {"B"}, (4, 99): {"B"}}
    assert done.report.left_out == {"A": 2, "C": 2}
    assert done.report.count(WITHOUT_SPECIES) == 4  # records
    assert "the training tables: 4 left out, only of species with too few records." in done.report.sentences()
    assert "A (2), C (2) were left out for too few records." in done.report.sentences()
    with pytest.raises(InputError, match=r"No species was found at 9 places or more, the most at 3"):
        prepared(tmp_path, PLAIN, crs="EPSG:32631", min_records=9)


def test_a_species_at_every_site_needs_background(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y\nA,1,99\nA,2,98\nB,2,98\n")
    done = prepared(tmp_path, PLAIN, crs="EPSG:32631", lambda2=0.5)
    assert len(done.background) == 20
    for change in ({"lambda2": 1.0}, {"n_background": 0}):
        with pytest.raises(InputError, match=r"^A is at every site looked at"):
            prepared(tmp_path, PLAIN, crs="EPSG:32631", **change)


def test_absences_outside_the_area_do_not_count_but_presences_do(tmp_path: Path) -> None:
    shape = shapely.to_wkb(np.array([shapely.box(0, 0, 50, 100)]))
    pyogrio.raw.write(
        tmp_path / "area.gpkg", shape, [np.array([1])], ["n"], geometry_type="Polygon", crs="EPSG:32631"
    )
    table(tmp_path, "x,y,A,B\n10,50,1,0\n20,50,0,1\n70,50,1,0\n80,50,0,0\n")
    sites = (
        'train = "po.csv"\nkind = "pa"\nspecies_columns = ["A", "B"]\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'
        'area = "area.gpkg"\n'
    )
    done = prepared(tmp_path, sites, crs="EPSG:32631")
    assert done.report.count(UNREACHED) == 1
    found, known = done.sites.labels(np.arange(3))
    assert found.tolist() == [[1, 0], [0, 1], [1, 0]]
    assert known.tolist() == [[True, True], [True, True], [True, False]]


def test_nan_in_a_predictor_column_is_refused_by_name(tmp_path: Path) -> None:
    table(tmp_path, "species,x,y,heat,veg\nA,1,1,2.5,a\nA,2,2,,b\nB,3,3,1,\n")
    table(tmp_path, "x,y,heat,veg\n1,1,1,a\n", "bg.csv")
    sites = PLAIN + 'background = "bg.csv"'
    with pytest.raises(InputError, match=r"'heat' of po.csv is empty or no number in 1 rows, .* row 3"):
        prepared(tmp_path, sites, modality='columns = ["heat"]')
    with pytest.raises(InputError, match=r"'veg' of po.csv is empty .* row 4"):
        prepared(tmp_path, sites, modality='columns = ["veg"]\ncategorical = ["veg"]')
    done = prepared(tmp_path, sites + '\nwhere = "heat > 0"', modality='columns = ["heat"]')
    assert done.sites.columns["heat"].tolist() == [2.5, 1.0]
    assert done.background.columns["heat"].tolist() == [1.0]
