"""Background points: where they may lie, how they are spread, and that the seed settles them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from conftest import write_raster
from odc.geo.crs import CRS
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites import background
from scalescape.engine.sites.background import Area, points_by_effort, random_points
from scipy import stats
from site_files import pixel_grid, prepared

UTM = CRS("EPSG:32631")


def area_file(folder: Path, *shapes: object, crs: str = "EPSG:32631") -> str:
    path = folder / "area.gpkg"
    numbers = [np.arange(len(shapes))]
    pyogrio.raw.write(path, shapely.to_wkb(np.array(shapes)), numbers, ["n"], geometry_type="Polygon", crs=crs)
    return str(path)


def test_random_points_are_pixel_centres_each_once_where_predictors_have_values() -> None:
    grid = pixel_grid(10.0, side=40, top=400)
    x, y = random_points(grid, 300, 7, lambda x, y, crs: x > y, None)
    assert len(x) == 300 == len(set(zip(x.tolist(), y.tolist(), strict=True)))
    assert (x > y).all()
    assert set(np.mod(x, 10)) == set(np.mod(y, 10)) == {5.0}
    again = random_points(grid, 300, 7, lambda x, y, crs: x > y, None)
    other = random_points(grid, 300, 8, lambda x, y, crs: x > y, None)
    assert (again[0] == x).all() and (again[1] == y).all() and not (other[0] == x).all()
    everything = random_points(grid, 5000, 7, lambda x, y, crs: x > y, None)
    assert len(everything[0]) == 780  # below the diagonal of 40 x 40


@pytest.mark.parametrize("shuffled", [10_000_000, 10])
def test_random_points_are_spread_evenly(monkeypatch: pytest.MonkeyPatch, shuffled: int) -> None:
    monkeypatch.setattr(background, "SHUFFLED", shuffled)
    x, y = random_points(pixel_grid(1.0, side=200, top=200), 8000, 1, None, None)
    assert len(set(zip(x.tolist(), y.tolist(), strict=True))) == 8000
    counts, _, _ = np.histogram2d(x, y, bins=4, range=[[0, 200], [0, 200]])
    assert stats.chisquare(counts.ravel()).pvalue > 0.001


def test_in_degrees_points_follow_the_ground() -> None:
    grid = pixel_grid(0.1, "EPSG:4326", side=900, left=0, top=90)
    _, y = random_points(grid, 20_000, 3, None, None)
    assert stats.kstest(y, lambda latitude: np.sin(np.radians(latitude))).pvalue > 0.001


def test_points_keep_to_the_area(tmp_path: Path) -> None:
    area = Area(area_file(tmp_path, shapely.box(10, 10, 20, 20), shapely.box(70, 50, 90, 60)), UTM)
    x, y = random_points(pixel_grid(1.0), 5000, 1, None, area)
    assert len(x) == 300
    assert (((x < 20) & (y < 20)) | ((x > 70) & (y > 50) & (y < 60))).all()
    assert len(random_points(pixel_grid(1.0, top=-500), 50, 1, None, area)[0]) == 0


def test_effort_is_followed_and_nodata_avoided(tmp_path: Path) -> None:
    effort = np.full((1, 20, 20), -1.0, np.float32)
    effort[0, :, :5], effort[0, :10, 5:10], effort[0, :, 10:15] = 1, 3, 0
    file = str(write_raster(tmp_path / "effort.tif", effort, 10, nodata=-1.0))
    x, y = points_by_effort(file, UTM, 8000, 1, None, None)
    column, row = (x - 500_000) / 10, (5_000_000 - y) / 10
    dense = (column >= 5) & (column < 10)
    assert (column < 10).all() and (row[dense] < 10).all()
    assert dense.mean() == pytest.approx(150 / 250, abs=0.02)
    assert len(np.unique(x)) > 7000  # anywhere in a pixel
    lonlat = points_by_effort(file, CRS("EPSG:4326"), 100, 1, None, None)
    assert abs(lonlat[0] - 3).max() < 0.01 and abs(lonlat[1] - 45.15).max() < 0.01
    halved = points_by_effort(file, UTM, 500, 1, lambda x, y, crs: x < 500_050, None)
    assert len(halved[0]) == 500 and (halved[0] < 500_050).all()


def test_a_raster_without_effort_is_refused(tmp_path: Path) -> None:
    file = str(write_raster(tmp_path / "effort.tif", np.zeros((1, 5, 5), np.float32), 10))
    with pytest.raises(InputError, match="no positive value"):
        points_by_effort(file, UTM, 10, 1, None, None)


SITES = 'train = "po.csv"\nkind = "po"\nspecies = "species"\nx = "x"\ny = "y"\ncrs = "EPSG:32631"\n'


def test_a_file_of_points_is_cleaned_and_used_whole(tmp_path: Path) -> None:
    (tmp_path / "po.csv").write_text("species,x,y\nA,1,1\n", encoding="utf-8")
    (tmp_path / "bg.csv").write_text("x,y\n1,2\n,3\n50,60\n99,99\n", encoding="utf-8")
    area_file(tmp_path, shapely.box(0, 0, 55, 100))
    done = prepared(tmp_path, SITES + 'background = "bg.csv"\narea = "area.gpkg"', crs="EPSG:32631")
    assert done.background.how == "file"
    assert done.background.x.tolist() == [1, 50]
    assert done.report.count("without coordinates that are numbers") == 1
    assert done.report.count("outside the area") == 1


def test_fewer_points_than_wanted_are_said_and_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "po.csv").write_text("species,x,y\nA,1,1\nB,2,2\n", encoding="utf-8")
    area_file(tmp_path, shapely.box(0, 0, 3, 3))
    done = prepared(tmp_path, SITES + 'area = "area.gpkg"', crs="EPSG:32631")
    assert len(done.background) == 9
    assert "9 background points could be had of 20 where the rasters have values in the area." in (
        done.report.sentences()
    )
    area_file(tmp_path, shapely.box(-50, -50, -40, -40))
    with pytest.raises(InputError, match="No background point can be had"):
        prepared(tmp_path, SITES + 'area = "area.gpkg"', crs="EPSG:32631")
