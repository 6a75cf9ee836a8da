"""A raster from 0 to 360 degrees gives the maps of the same one from -180 to 180, also across its seam."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from conftest import band, seeded_card, seeded_network, write_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.transform import Affine
from scalescape.engine.jobs.check_job import run_check
from scalescape.engine.jobs.inspect_job import run_inspect
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.patches.raster_source import RasterSource
from scalescape.engine.protocol import CheckJob, InspectJob, MapJob, RasterInput
from scalescape.engine.rasters.longitudes import near, turn_of, turned
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.recipes.config import ModalityConfig
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.sites.background import points_by_effort, random_points
from scalescape.engine.training.supplies import supply_of
from scalescape.models.model_file import ModelFile, write_model
from scalescape.models.presets import architecture

LONLAT = "EPSG:4326"


def field(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Two bands that know no seam: (2, rows, columns)."""
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack(
        [10 + 2 * np.sin(7 * lon) * np.cos(lat) + np.cos(31 * lon + lat), np.cos(11 * lon) + np.sin(9 * lat)]
    ).astype(np.float32)


def write_field(
    path: Path, left: float, right: float, size: float, top: float = 90.0, down: float = -90.0
) -> str:
    lon = left + size * (np.arange(round((right - left) / size)) + 0.5)
    lat = top - size * (np.arange(round((top - down) / size)) + 0.5)
    values = field(*np.meshgrid(lon, lat))
    return str(write_raster(path, values, size, crs=LONLAT, corner=(left, top)))


def write_scene(path: Path, crs: str, lon: float, lat: float, size: float = 10.0) -> str:
    """A scene of 90 x 100 px around a place."""
    x, y = Transformer.from_crs(LONLAT, crs, always_xy=True).transform(lon, lat)
    values = np.random.default_rng(3).normal([[[100]], [[50]]], [[[20]], [[10]]], (2, 90, 100))
    corner = x - 50 * size, y + 45 * size
    return str(write_raster(path, values.astype(np.float32), size, crs=crs, corner=corner))


@pytest.fixture(scope="module")
def degrees_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of half a degree (satellite, 25 and 31 px) and of 2 degrees (bioclim, 1 and 3 cells)."""
    shape = architecture(
        "default", {"satellite": 2, "bioclim": 2}, species=2, width=0.04,
        scales={"satellite": (25, 31), "bioclim": (1, 3)},
    )  # fmt: skip
    bands = [band("a", 10, 2), band("b")]
    card = seeded_card(
        shape,
        {"satellite": bands, "bioclim": bands},
        {"satellite": (0.5, "degree"), "bioclim": (2.0, "degree")},
    )
    path = tmp_path_factory.mktemp("model") / "degrees.safetensors"
    means = {key: torch.zeros(shape.modality(key[0]).branches[0].out_size) for key in shape.branch_keys}
    write_model(path, ModelFile(seeded_network(shape), card, means))
    return path


def mapped(model: Path, satellite: str, bioclim: str, out: Path, **fields: object) -> tuple[np.ndarray, GeoBox]:
    inputs = (RasterInput("satellite", satellite), RasterInput("bioclim", bioclim))
    result = run_map(MapJob(str(model), inputs, str(out), species=("Species 0",), **fields), Monitor())
    with rasterio.open(result.files[0]) as source:
        return source.read(1, masked=True).filled(np.nan), GeoBox(source.shape, source.transform, LONLAT)


def assert_same(first: np.ndarray, second: np.ndarray, least: float = 0.9) -> None:
    np.testing.assert_array_equal(np.isnan(first), np.isnan(second))
    assert np.isfinite(first).mean() >= least and np.nanstd(first) > 1e-3
    np.testing.assert_allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("whole", [(0.0, 360.0), (-90.0, 270.0)])
@pytest.mark.parametrize(
    ("crs", "lon", "lat"),
    [
        ("EPSG:32610", -122.0, 37.0), ("EPSG:32631", 0.01, 45.0), ("EPSG:32760", 180.0, -17.0),
        ("EPSG:32701", -179.99, -17.0), ("EPSG:3460", 179.9, -17.0),
    ],
)  # fmt: skip
def test_a_global_climate_serves_any_scene(
    small_model: Path, tmp_path: Path, whole: tuple[float, float], crs: str, lon: float, lat: float
) -> None:
    scene = write_scene(tmp_path / "scene.tif", crs, lon, lat)
    usual = write_field(tmp_path / "usual.tif", -180, 180, 0.25)
    if abs(lon) > 170:  # where the usual one has its seam, compare with one that has none there
        usual = write_field(tmp_path / "east.tif", 100, 260, 0.25)
    other = write_field(tmp_path / "other.tif", *whole, 0.25)
    first, _ = mapped(small_model, scene, usual, tmp_path / "a", edge="fill", step=4)
    second, _ = mapped(small_model, scene, other, tmp_path / "b", edge="fill", step=4)
    assert_same(first, second)


@pytest.mark.parametrize("crs", ["EPSG:32610", "EPSG:3310"])
def test_a_regional_climate_of_large_longitudes_serves_a_scene(
    small_model: Path, tmp_path: Path, crs: str
) -> None:
    scene = write_scene(tmp_path / "scene.tif", crs, -122.0, 37.0)
    usual = write_field(tmp_path / "usual.tif", -130, -110, 0.25, 50, 20)
    other = write_field(tmp_path / "other.tif", 230, 250, 0.25, 50, 20)
    first, _ = mapped(small_model, scene, usual, tmp_path / "a", step=4)
    second, _ = mapped(small_model, scene, other, tmp_path / "b", step=4)
    assert_same(first, second, 0.1)
    inputs = (RasterInput("satellite", scene), RasterInput("bioclim", other))
    said = [
        c.message for c in run_check(CheckJob(str(small_model), inputs, "")).warnings if c.kind == "longitudes"
    ]
    assert len(said) == 1 and "other.tif spans longitudes 230 to 250 and was moved to -130" in said[0]


EXTENTS = [
    (-130.0, 20.0, -100.0, 50.0), (230.0, 20.0, 260.0, 50.0), (170.0, -30.0, 200.0, 10.0),
    (-190.0, -30.0, -160.0, 10.0), (-20.0, 30.0, 15.0, 60.0), (340.0, 30.0, 375.0, 60.0),
]  # fmt: skip


@pytest.mark.parametrize(("extent", "step"), [*((one, 4) for one in EXTENTS), (EXTENTS[2], 1)])
def test_every_form_as_finest_and_coarse_gives_one_map(
    degrees_model: Path, tmp_path: Path, extent: tuple[float, ...], step: int
) -> None:
    """Also across the seams: a pixel just beyond one sees what lies on its other side."""
    maps = []
    for left in (-180.0, 0.0, -270.0):
        fine = write_field(tmp_path / f"fine{left}.tif", left, left + 360, 0.5)
        for coarse_left in (-180.0, 0.0):
            coarse = write_field(tmp_path / f"coarse{coarse_left}.tif", coarse_left, coarse_left + 360, 2.0)
            out = tmp_path / f"{left}{coarse_left}"
            values, grid = mapped(degrees_model, fine, coarse, out, extent=extent, extent_crs=LONLAT, step=step)
            box = grid.boundingbox
            assert box.left == pytest.approx(extent[0], abs=2) and box.right == pytest.approx(extent[2], abs=2)
            maps.append(values)
    for other in maps[1:]:
        assert_same(maps[0], other, 1.0)


def test_a_whole_world_has_no_edge_at_its_seam(degrees_model: Path, tmp_path: Path) -> None:
    maps = []
    for left in (-180.0, 0.0):
        fine = write_field(tmp_path / f"fine{left}.tif", left, left + 360, 0.5)
        coarse = write_field(tmp_path / f"coarse{left}.tif", left, left + 360, 2.0)
        values, grid = mapped(degrees_model, fine, coarse, tmp_path / f"{left}", step=4)
        assert grid.boundingbox.left == left + 0.25 and grid.shape[1] == 180
        assert np.isfinite(values[20:70]).all()
        maps.append(values)
    np.testing.assert_allclose(maps[0], np.roll(maps[1], 90, axis=1), atol=1e-5)
    fine = str(tmp_path / "fine0.0.tif")
    whole, _ = mapped(
        degrees_model, fine, str(tmp_path / "coarse0.0.tif"), tmp_path / "w", step=4,
        extent=(-180, -90, 180, 90), extent_crs=LONLAT,
    )  # fmt: skip
    np.testing.assert_allclose(whole, maps[0], atol=1e-5)


def test_polygons_cut_a_map_beyond_180_degrees(degrees_model: Path, tmp_path: Path) -> None:
    import json

    square = [[-125, 30], [-105, 30], [-105, 45], [-125, 45], [-125, 30]]
    polygons = tmp_path / "p.geojson"
    polygons.write_text(
        json.dumps(
            {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [square]}}
        )
    )
    fine = write_field(tmp_path / "fine.tif", 0, 360, 0.5)
    coarse = write_field(tmp_path / "coarse.tif", -180, 180, 2.0)
    maps = [
        mapped(degrees_model, fine, coarse, tmp_path / f"{e[0]}", step=4, mask=str(polygons), extent=e,
               extent_crs=LONLAT)[0]
        for e in EXTENTS[:2]
    ]  # fmt: skip
    assert_same(*maps, least=0.2)


def test_points_are_found_in_any_form(degrees_model: Path, tmp_path: Path) -> None:
    answers = []
    for left in (-180.0, 0.0):
        fine = write_field(tmp_path / f"fine{left}.tif", left, left + 360, 0.5)
        coarse = write_field(tmp_path / f"coarse{left}.tif", -left - 180, -left + 180, 2.0)
        inputs = (RasterInput("satellite", fine), RasterInput("bioclim", coarse))
        for x in (-179.9, 180.1):
            answer = run_inspect(
                InspectJob(str(degrees_model), inputs, (x, 20.0), crs=LONLAT, species="Species 0")
            )
            answers.append(answer.logit)
            west = min(corner[0] for corner in answer.contributions[0].window)
            assert abs(west - x) < 30
    np.testing.assert_allclose(answers, answers[0], rtol=1e-5)


@pytest.mark.parametrize("left", [-180.0, 0.0, 170.0])
def test_training_sites_see_one_ground_in_any_form(tmp_path: Path, left: float) -> None:
    """With a window over the seam, a second file in another form, and coordinates of either kind."""
    first = write_field(tmp_path / "first.tif", left, left + 360, 1.0)
    second = write_field(tmp_path / "second.tif", -180, 180, 2.0)
    regional = write_field(tmp_path / "regional.tif", 200, 340, 1.0, 60, -60)
    lon = np.array([-179.7, 179.8, 180.2, -0.2, 0.3, 359.9, -122.4, 237.6, -180.0, 180.0])
    lat = np.array([1.3, -20.1, -20.1, 45.2, 45.2, 12.0, 37.3, 37.3, 5.0, 5.0])
    inputs = [RasterInput("m", file) for file in (first, second, regional)]
    with RasterSource(inputs, 5, lon, lat, LONLAT) as source:
        assert not source.cut.any() and (source.places >= 0).all()
        values, valid = (
            np.concatenate(parts)[source.places] for parts in zip(*source.chunks(lambda: None), strict=True)
        )
    expected = np.stack(
        [
            field(*np.meshgrid(np.floor(x) + np.arange(-2, 3) + 0.5, np.ceil(y) - np.arange(-2, 3) - 0.5))
            for x, y in zip(lon, np.where(lat % 1, lat, lat - 0.5), strict=True)
        ]
    )
    assert valid[:, :4].all()
    np.testing.assert_allclose(values[:, :2], expected, atol=1e-4)
    np.testing.assert_allclose(values[:, 2:4], expected, atol=0.45)  # interpolated from 2 degrees
    assert np.abs(values[:, 2:4] - expected).mean() < 0.1
    np.testing.assert_array_equal(values[6], values[7])
    np.testing.assert_array_equal(values[8], values[9])
    np.testing.assert_allclose(values[6:8, 4:], expected[6:8], atol=1e-4)
    assert not valid[3, 4:].any()


@pytest.mark.parametrize(("left", "right"), [(0, 360), (-180, 180), (200, 260), (-20, 30), (170, 190)])
def test_background_points_lie_where_tables_have_coordinates(tmp_path: Path, left: int, right: int) -> None:
    """From -180 to 180, unless the raster lies on both sides of the antimeridian."""
    file = write_field(tmp_path / "f.tif", left, right, 2.0, 60, -60)
    supply = supply_of("m", ModalityConfig(inputs=(file,)))
    x, y = random_points(supply.grid, 300, 0, supply.holds, None)
    assert len(x) == 300 and supply.holds(x, y, CRS(LONLAT)).all()
    if (left, right) != (170, 190):
        assert x.min() >= -180 and x.max() <= 180
    by_effort, _ = points_by_effort(file, CRS(LONLAT), 200, 0, None, None)
    assert len(by_effort) == 200
    assert (by_effort.max() <= 180) == ((left, right) != (170, 190))


def test_an_extent_from_east_to_west_is_told_how_to_cross(degrees_model: Path, tmp_path: Path) -> None:
    fine = write_field(tmp_path / "fine.tif", -180, 180, 0.5)
    inputs = (RasterInput("satellite", fine), RasterInput("bioclim", fine))
    job = CheckJob(str(degrees_model), inputs, "", extent=(178, -20, -178, -10), extent_crs=LONLAT)
    with pytest.raises(InputError, match=r"178,-20,182,-10"):
        run_check(job)
    assert run_check(replace(job, extent=(178, -20, 182, -10))).width == 8


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-3, 3), st.sampled_from([0.25, 1.0, 1 / 3, 0.7]), st.integers(-540, 540), st.integers(1, 360),
    st.integers(1, 7),
)  # fmt: skip
def test_every_column_of_a_turned_grid_is_the_file_s_of_that_longitude(
    tenths: int, size: float, left: int, width: int, step: int
) -> None:
    columns = round(360 / size)
    grid = GeoBox((4, columns), Affine(size, 0, -180 + 36 * tenths, 0, -size, 2), LONLAT)
    found = turned(grid, left, left + width, 20.0, step)
    box = found.grid.boundingbox
    if columns * size == pytest.approx(360):
        assert box.left <= left + size and box.right >= left + width - size
    else:
        assert not found.pieces
    pieces = found.pieces or ((0, 0, columns),)
    places = np.concatenate([np.arange(start, start + number) for start, _, number in pieces])
    assert len(places) == found.grid.shape[1] and (places >= 0).all() and (places < columns).all()
    if found.pieces:
        first = round((found.grid.affine.c - grid.affine.c) / size)
        assert first % step == 0
        np.testing.assert_array_equal(places, (first + np.arange(len(places))) % columns)


def test_a_turn_is_known_in_every_unit() -> None:
    assert turn_of(CRS("EPSG:4326")) == 360 and turn_of(CRS("EPSG:4807")) == 400
    assert turn_of(CRS("EPSG:32631")) == 0
    grid = GeoBox((2, 4), Affine(1, 0, 238, 0, -1, 2), LONLAT)
    np.testing.assert_allclose(
        near([-120.5, 239.5, 599.5, np.nan, np.inf], grid), [239.5] * 3 + [np.nan, np.inf]
    )


def test_a_scaled_raster_with_its_own_nodata_is_continued_alike(tmp_path: Path) -> None:
    values = np.arange(1, 361, dtype=np.int16)[None, None, :].repeat(4, axis=1)
    values[0, 0, 0] = -99
    path = write_raster(tmp_path / "a.tif", values, 1.0, crs=LONLAT, corner=(0, 2), nodata=-99)
    with rasterio.open(path, "r+") as target:
        target.scales = (0.5,)
    with Raster(str(path), 360.0) as raster:
        said = raster.turn((-2.0, 0.0, 2.0, 1.0), CRS(LONLAT), 1.0)
        assert "continued over its edge" in said
        raster.put_on(raster.grid, (1,))
        assert raster.grid.boundingbox.left == -3
        got, valid = raster.read((1,), slice(0, 2), slice(0, 6))
    np.testing.assert_array_equal(valid[0, 0], [True, True, False, False, True, True])
    np.testing.assert_array_equal(got[0, 1], [179, 179.5, 0, 0.5, 1, 1.5])
