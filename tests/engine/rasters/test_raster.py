"""Rasters as people have them: NoData of every kind, south-up, scaled, with alpha, over the edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.transform import Affine
from scalescape.engine.rasters.ground import ground_size, working_grid
from scalescape.engine.rasters.lattice import Extent, map_grid
from scalescape.engine.rasters.raster import Raster


def numbers(bands: int = 1, rows: int = 6, columns: int = 8) -> np.ndarray:
    return np.arange(1, bands * rows * columns + 1, dtype=np.float32).reshape(bands, rows, columns)


def read_all(path: Path, bands: tuple[int, ...] = (1,), nodata: float | None = None):
    with Raster(str(path), nodata) as raster:
        raster.put_on(raster.grid, bands)
        return raster.read(bands, slice(0, raster.grid.shape[0]), slice(0, raster.grid.shape[1]))


def test_flag_nan_and_the_users_value_are_all_nodata(tmp_path: Path) -> None:
    values = numbers()
    values[0, 0, 0], values[0, 1, 1], values[0, 2, 2] = -5, np.nan, 0
    path = write_raster(tmp_path / "a.tif", values, 10, nodata=-5)
    got, valid = read_all(path, nodata=0)
    assert set(zip(*np.nonzero(~valid[0]), strict=True)) == {(0, 0), (1, 1), (2, 2)}
    assert (got[0][~valid[0]] == 0).all()
    np.testing.assert_array_equal(got[valid], values[valid])


def test_the_largest_float_is_nodata_where_the_file_says_so(tmp_path: Path) -> None:
    values = numbers()
    values[0, 3, 3] = np.finfo(np.float32).max
    path = write_raster(tmp_path / "a.tif", values, 10, nodata=float(np.finfo(np.float32).max))
    assert not read_all(path)[1][0, 3, 3] and read_all(path)[1].sum() == 47


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float64"])
def test_a_flag_of_0_holds_for_every_type(tmp_path: Path, dtype: str) -> None:
    values = numbers().astype(dtype)
    values[0, 0, 5] = 0
    got, valid = read_all(write_raster(tmp_path / "a.tif", values, 10, nodata=0))
    assert not valid[0, 0, 5] and valid.sum() == 47
    np.testing.assert_array_equal(got[valid], values[valid])


def test_a_mask_band_is_heeded(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", numbers().astype("uint8"), 10)
    mask = np.full((6, 8), 255, np.uint8)
    mask[4, 4] = 0
    with rasterio.open(path, "r+") as target:
        target.write_mask(mask)
    assert not read_all(path)[1][0, 4, 4]


@pytest.mark.parametrize(("bands", "masked"), [((1, 2, 3), True), ((1, 2, 3, 4), False)])
def test_alpha_is_a_mask_unless_it_is_itself_a_band_that_is_read(
    tmp_path: Path, bands: tuple[int, ...], masked: bool
) -> None:
    values = numbers(4).astype("uint8")
    values[3] = 255
    values[3, 1, 2] = 0
    path = write_raster(tmp_path / "a.tif", values, 10)
    with rasterio.open(path, "r+") as target:
        target.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    assert read_all(path, bands)[1][0, 1, 2] == (not masked)


def test_scale_and_offset_of_a_band_are_applied(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", numbers().astype("uint16"), 10)
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.1,), (-273.15,)
    np.testing.assert_allclose(read_all(path)[0], numbers() * 0.1 - 273.15, rtol=1e-5)


def test_a_south_up_raster_is_turned(tmp_path: Path) -> None:
    values = numbers()
    transform = Affine(10, 0, LEFT, 0, 10, TOP - 60)
    path = write_raster(tmp_path / "a.tif", values, 10, transform=transform)
    with Raster(str(path)) as raster:
        assert raster.grid.affine == Affine(10, 0, LEFT, 0, -10, TOP)
        raster.put_on(raster.grid, (1,))
        got, _ = raster.read((1,), slice(1, 4), slice(2, 5))
    np.testing.assert_array_equal(got[0], values[0, ::-1][1:4, 2:5])


@settings(max_examples=60, deadline=None)
@given(st.integers(-9, 9), st.integers(1, 12), st.integers(-9, 11), st.integers(1, 12))
def test_windows_over_the_edge(
    tmp_path_factory: pytest.TempPathFactory, up: int, height: int, left: int, width: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "edge.tif"
    if not path.exists():
        write_raster(path, numbers(2), 10)
    padded = np.pad(numbers(2), ((0, 0), (40, 40), (40, 40)))
    with Raster(str(path)) as raster:
        raster.put_on(raster.grid, (1, 2))
        got, valid = raster.read((2, 1), slice(up, up + height), slice(left, left + width))
    wanted = padded[::-1, up + 40 : up + 40 + height, left + 40 : left + 40 + width]
    np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(valid, wanted > 0)


def test_a_file_on_the_same_lattice_is_shifted_not_resampled(tmp_path: Path) -> None:
    first = write_raster(tmp_path / "a.tif", numbers(), 10)
    second = write_raster(tmp_path / "b.tif", numbers(), 10, corner=(LEFT + 20, TOP - 10))
    with Raster(str(first)) as reference, Raster(str(second)) as other:
        other.put_on(reference.grid, (1,))
        assert not other.resampled
        got, valid = other.read((1,), slice(0, 6), slice(0, 8))
    np.testing.assert_array_equal(got[0, 1:, 2:], numbers()[0, :5, :6])
    assert valid[0, 1:, 2:].all() and valid.sum() == 30


def test_nodata_of_every_kind_survives_warping(tmp_path: Path) -> None:
    values = numbers(1, 40, 40)
    values[0, :10, :10], values[0, 30:, 30:] = -5, 0
    path = write_raster(tmp_path / "a.tif", values, 10, nodata=-5)
    with Raster(str(path), 0.0) as raster:
        grid = working_grid(raster.grid, 20, "metre", (LEFT + 200, TOP - 200)).grid
        raster.put_on(grid, (1,))
        assert raster.resampled
        got, valid = raster.read((1,), slice(0, 20), slice(0, 20))
    assert not valid[0, :4, :4].any() and not valid[0, 16:, 16:].any()
    assert valid[0, 6:14, 6:14].all()
    blocks = values[0].reshape(20, 2, 20, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(got[0, 7:13, 7:13], blocks[7:13, 7:13], rtol=0.02)


def test_a_web_mercator_pixel_is_measured_on_the_ground(tmp_path: Path) -> None:
    """At 46 degrees north 10 map units are cos(46) x 10 m, within the half percent of the ellipsoid."""
    x, y = rasterio.warp.transform("EPSG:4326", "EPSG:3857", [7.0], [46.0])
    path = write_raster(tmp_path / "a.tif", numbers(), 10, crs="EPSG:3857", corner=(x[0], y[0]))
    with Raster(str(path)) as raster:
        width, height = ground_size(raster.grid, (x[0], y[0]))
        assert width == pytest.approx(10 * np.cos(np.radians(46)), rel=0.005)
        assert height == pytest.approx(width, rel=0.005)
        chosen = working_grid(raster.grid, 10, "metre", (x[0], y[0]))
        assert str(chosen.grid.crs) == "EPSG:32632" and "resampled" in chosen.reason
        kept = working_grid(raster.grid, width, "metre", (x[0], y[0]))
        assert kept.grid == raster.grid and not kept.reason


def test_degrees_are_kept_or_warped_in_degrees(tmp_path: Path) -> None:
    size = 1 / 120
    path = write_raster(tmp_path / "a.tif", numbers(), size, crs="EPSG:4326", corner=(5, 46))
    with Raster(str(path)) as raster:
        assert working_grid(raster.grid, 0.0083333333, "degree", (5, 46)).grid == raster.grid
        finer = working_grid(raster.grid, size / 2, "degree", (5, 46)).grid
        assert finer.crs == raster.grid.crs and finer.affine.a == size / 2
        metres = working_grid(raster.grid, 500, "metre", (5, 46)).grid
        assert str(metres.crs) == "EPSG:32631" and metres.affine.a == 500


@settings(max_examples=80, deadline=None)
@given(
    step=st.integers(1, 9),
    cut=st.floats(-20, 1200, allow_nan=False),
    low=st.floats(-20, 400, allow_nan=False),
)
def test_every_pixel_belongs_to_exactly_one_of_two_adjoining_extents(step: int, cut: float, low: float) -> None:
    from odc.geo.geobox import GeoBox

    fine = GeoBox((47, 101), Affine(10, 0, LEFT, 0, -10, TOP), "EPSG:32631")
    whole = map_grid(fine, step, None)
    box = (LEFT - 50, TOP - 480 + low, LEFT + cut, TOP + 10)
    if not (box[0] < box[2] and box[1] < box[3]):
        return
    west = map_grid(fine, step, Extent(box, fine.crs))
    east = map_grid(fine, step, Extent((box[2], box[1], LEFT + 2000, box[3]), fine.crs))
    taken = [*west.input_columns(), *east.input_columns()]
    assert taken == list(whole.input_columns())
    assert all(column % step == step // 2 for column in taken)
