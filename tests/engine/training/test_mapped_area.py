"""Folds are compared with the map itself, whatever the background points follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from odc.geo.crs import CRS
from scalescape.engine.jobs.train_job import _distance_note
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.course import course_of
from scalescape.engine.training.mapped_area import map_points
from scipy import spatial, stats
from tiny_landscape import COLUMNS, RECORDS_ALONE, ROWS, TRAINING, write_tiny_landscape

ROAD = 200.0  # m; records and visits keep to this strip in the west
SURVEYS_ALONE = RECORDS_ALONE.replace('train = "po.csv"', 'train = "pa.csv"').replace(
    'kind = "po"\nspecies = "species"', 'kind = "pa"\nspecies_columns = ["Corylus"]'
)


def keep_to_the_road(folder: Path) -> None:
    """Move all places into the strip, each as far in it as it was in the landscape."""
    for name, column in (("po.csv", 1), ("pa.csv", 0)):
        head, *lines = (folder / name).read_text(encoding="utf-8").split()
        moved = []
        for line in lines:
            cells = line.split(",")
            cells[column] = f"{LEFT + (float(cells[column]) - LEFT) * ROAD / (10 * COLUMNS):.3f}"
            moved.append(",".join(cells))
        (folder / name).write_text("\n".join([head, *moved, ""]), encoding="utf-8")


def road_background(folder: Path) -> str:
    draw = np.random.default_rng(5)
    places = [f"{LEFT + ROAD * draw.random():.2f},{TOP - 10 * ROWS * draw.random():.2f}" for _ in range(200)]
    (folder / "bg.csv").write_text("\n".join(["x,y", *places, ""]), encoding="utf-8")
    return 'background = "bg.csv"\n'


def road_effort(folder: Path) -> str:
    effort = np.zeros((1, ROWS, COLUMNS), np.float32)
    effort[:, :, : round(ROAD / 10)] = 1
    write_raster(folder / "effort.tif", effort, 10)
    return 'bias = "effort.tif"\n'


CASES = {
    "random background": (RECORDS_ALONE, lambda folder: ""),
    "background of visits": (RECORDS_ALONE, road_background),
    "background by effort": (RECORDS_ALONE, road_effort),
    "surveys without background": (SURVEYS_ALONE, lambda folder: ""),
}


@pytest.mark.parametrize("case", CASES)
def test_folds_along_a_road_are_easier_than_the_map(tmp_path: Path, case: str) -> None:
    sites, background = CASES[case]
    training = TRAINING.replace("n_background = 100\n", "") if "surveys" in case else TRAINING
    training = training.replace("buffer_km = 0.05", "buffer_km = 0").replace(
        "blocks_km = 0.5", "blocks_km = 0.2"
    )
    write_tiny_landscape(tmp_path)
    keep_to_the_road(tmp_path)
    config = write_config(tmp_path, sites + background(tmp_path), training)
    course = course_of(read_config(config), Monitor())
    with course.files:
        note = _distance_note(course)
    assert "random points of the map" in note and note.endswith(
        "the folds are easier than the map, and so are their figures."
    )
    places = np.column_stack([course.sites.x, course.sites.y])
    grid = np.mgrid[LEFT + 5 : LEFT + 10 * COLUMNS : 40, TOP - 10 * ROWS + 5 : TOP : 40].reshape(2, -1).T
    expected = np.median(spatial.distance.cdist(grid, places).min(axis=1)) / 1000
    said = float(note.split("the map ")[1].split(" km")[0])
    assert said == pytest.approx(expected, rel=0.05)


def write_config(folder: Path, sites: str, training: str) -> Path:
    predictors = '[modality.satellite]\ninputs = ["satellite.tif"]\nscales = [25]\n'
    (folder / "road.toml").write_text(sites + predictors + training, encoding="utf-8")
    return folder / "road.toml"


def test_points_of_the_map_are_spread_evenly_where_there_are_values(tmp_path: Path) -> None:
    write_tiny_landscape(tmp_path)
    with rasterio.open(tmp_path / "satellite.tif", "r+") as raster:
        values = raster.read()
        values[:, :, COLUMNS // 2 :] = np.nan
        raster.write(values)
    config = read_config(write_config(tmp_path, RECORDS_ALONE, TRAINING))
    found = map_points(config, seed=1)
    assert found is not None and found.crs == CRS("EPSG:32631") and len(found.x) == 5000
    assert found.x.max() < LEFT + 10 * (COLUMNS // 2)
    counts = np.histogram2d(found.x, found.y, bins=4, range=[[LEFT, LEFT + 1300], [TOP - 2400, TOP]])[0]
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4


def test_without_rasters_there_is_no_map_to_compare_with(tmp_path: Path) -> None:
    write_tiny_landscape(tmp_path)
    head, *lines = (tmp_path / "po.csv").read_text(encoding="utf-8").split()
    with_values = [f"{head},rain", *(f"{line},{number}" for number, line in enumerate(lines))]
    (tmp_path / "po.csv").write_text("\n".join([*with_values, ""]), encoding="utf-8")
    (tmp_path / "columns.toml").write_text(
        RECORDS_ALONE
        + '[modality.table]\ncolumns = ["rain"]\n'
        + TRAINING.replace("n_background = 100", "n_background = 0\nlambda2 = 1"),
        encoding="utf-8",
    )
    assert map_points(read_config(tmp_path / "columns.toml"), seed=1) is None
