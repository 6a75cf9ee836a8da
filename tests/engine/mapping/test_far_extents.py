"""Extents and rasters as large as the earth, and warped grids that no window or tile may change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
from conftest import write_raster
from rasterio.transform import from_origin
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.protocol import CheckJob, MapJob, RasterInput
from scalescape.engine.rasters.ground import working_grid
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor


@pytest.fixture
def job(small_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(small_model), inputs, str(tmp_path / "out"), step=4)


def check(job: MapJob):
    return run_check(CheckJob(**vars(job)))


def in_web_mercator(path: Path, pixel: float, side: int = 150, latitude: float = 60.0) -> Path:
    """Noise in Web Mercator around 9 degrees east: at 60 degrees north a unit is half a metre."""
    (x,), (y,) = rasterio.warp.transform("EPSG:4326", "EPSG:3857", [9.0], [latitude])
    values = np.random.default_rng(0).normal(80, 20, (2, side, side)).astype(np.float32)
    return write_raster(path, values, pixel, crs="EPSG:3857", corner=(x, y), names=["red", "nir"])


WORLD = (-180.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize(
    ("extent", "crs"),
    [(WORLD, "EPSG:4326"), ((-2e7, -2e7, 2e7, 2e7), "EPSG:3857"), ((-10.0, 30.0, 40.0, 72.0), "EPSG:4326")],
)
def test_an_extent_as_large_as_the_earth_is_the_whole_raster(
    job: MapJob, extent: tuple[float, float, float, float], crs: str
) -> None:
    whole = check(job)
    large = check(replace(job, extent=extent, extent_crs=crs))
    assert (large.width, large.height) == (whole.width, whole.height)
    assert run_map(replace(job, extent=extent, extent_crs=crs), Monitor()).valid_pixels == 255


def test_the_pixel_size_is_measured_where_the_raster_is(job: MapJob, tmp_path: Path) -> None:
    merc = in_web_mercator(tmp_path / "merc.tif", 10)
    job = replace(job, inputs=(RasterInput("satellite", str(merc)),), scales={"bioclim": ()})
    for extent in (None, (-2e7, -2e7, 2e7, 2e7)):
        result = check(replace(job, extent=extent))
        assert result.crs == "EPSG:32632"
        assert any("5.0" in w.message and "resampled" in w.message for w in result.warnings)


def test_global_climate_in_degrees_serves_a_model_in_metres(job: MapJob, tmp_path: Path) -> None:
    values = np.zeros((2, 720, 1440), np.float32)
    values[0], values[1] = 10, np.linspace(-1, 1, 1440)[None, :]
    path = tmp_path / "world.tif"
    with rasterio.open(
        path, "w", driver="GTiff", count=2, height=720, width=1440, dtype="float32", crs="EPSG:4326",
        transform=from_origin(-180, 90, 0.25, 0.25),
    ) as target:  # fmt: skip
        target.write(values)
        target.descriptions = ("bio1", "bio12")
    result = run_map(replace(job, inputs=(job.inputs[0], RasterInput("bioclim", str(path)))), Monitor())
    assert result.valid_pixels == 255


def test_a_scene_on_the_antimeridian_meets_a_global_raster(job: MapJob, tmp_path: Path) -> None:
    (x,), (y,) = rasterio.warp.transform("EPSG:4326", "EPSG:32760", [180.0], [-17.0])
    scene = np.random.default_rng(0).normal(80, 20, (2, 90, 100)).astype(np.float32)
    path = write_raster(
        tmp_path / "fiji.tif", scene, 10, crs="EPSG:32760", corner=(x - 500, y), names=["red", "nir"]
    )
    climate = np.full((2, 720, 1440), 10, np.float32)
    world = write_raster(
        tmp_path / "world.tif", climate, 0.25, crs="EPSG:4326", corner=(-180, 90), names=["bio1", "bio12"]
    )
    inputs = (RasterInput("satellite", str(path)), RasterInput("bioclim", str(world)))
    result = run_map(replace(job, inputs=inputs), Monitor())
    assert result.valid_pixels == 255


@pytest.mark.parametrize("target", [7.0, 10.0, 23.0])
def test_a_warped_pixel_does_not_depend_on_the_window_it_is_read_by(tmp_path: Path, target: float) -> None:
    path = in_web_mercator(tmp_path / "merc.tif", 10, latitude=47.0)
    with Raster(str(path)) as raster:
        box = raster.grid.boundingbox
        grid = working_grid(raster.grid, target, "metre", ((box.left + box.right) / 2, box.bottom)).grid
        raster.put_on(grid, (1, 2))
        assert raster.resampled
        height, width = grid.shape
        whole, valid = raster.read((1, 2), slice(0, height), slice(0, width))
        for up, left, side in ((0, 0, 11), (3, 5, 17), (height // 2, width // 3, 9), (height - 8, 2, 8)):
            part, held = raster.read((1, 2), slice(up, up + side), slice(left, left + side))
            inside = (slice(None), slice(up, up + side), slice(left, left + side))
            np.testing.assert_array_equal(held[:, : height - up], valid[inside])
            np.testing.assert_allclose(part[:, : height - up], whole[inside], atol=1e-4)


def test_adjoining_extents_of_a_warped_scene_join(job: MapJob, tmp_path: Path) -> None:
    merc = in_web_mercator(tmp_path / "merc.tif", 20, side=120, latitude=47.0)
    job = replace(job, step=3, inputs=(RasterInput("satellite", str(merc)),), scales={"bioclim": ()})
    with rasterio.open(merc) as source:
        left, bottom, right, top = source.bounds
    cut = left + 0.47 * (right - left)

    def mapped(name: str, box: tuple[float, float, float, float], memory: int = 400) -> np.ndarray:
        result = run_map(replace(job, extent=box, out=str(tmp_path / name), memory=memory * 1024**2), Monitor())
        with rasterio.open(result.files[0]) as source:
            rows, columns = np.nonzero(source.read(1) >= 0)
            xs, ys = source.transform @ (columns + 0.5, rows + 0.5)
            return {
                (round(float(x)), round(float(y))): v
                for x, y, v in zip(xs, ys, source.read(1)[rows, columns], strict=True)
            }

    whole = mapped("whole", (left, bottom, right, top))
    parts = [mapped("west", (left, bottom, cut, top), 161), mapped("east", (cut, bottom, right, top))]
    assert not parts[0].keys() & parts[1].keys()
    joined = parts[0] | parts[1]
    assert joined.keys() == whole.keys() and len(whole) > 100
    assert max(abs(joined[at] - whole[at]) for at in whole) < 1e-5


def test_a_raster_of_the_whole_earth_as_the_finest_is_refused_with_a_way_out(
    job: MapJob, tmp_path: Path
) -> None:
    values = np.full((2, 90, 180), 50, np.float32)
    world = write_raster(
        tmp_path / "w.tif", values, 2, crs="EPSG:4326", corner=(-180, 90), names=["red", "nir"]
    )
    with pytest.raises(InputError, match="cut"):
        check(replace(job, inputs=(RasterInput("satellite", str(world)), job.inputs[1])))
