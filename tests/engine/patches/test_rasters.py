"""Patches of rasters against a plain loop: edges, NoData, south-up, other grids, other CRSs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, band, write_raster
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patch_fixtures import UTM, check_site, inputs, plain_window
from rasterio.enums import Resampling
from rasterio.transform import Affine, from_origin
from rasterio.warp import reproject, transform
from scalescape.engine.patches import raster_source
from scalescape.engine.patches.cache import collected
from scalescape.engine.patches.patch_set import Patches, PatchSet
from scalescape.engine.patches.raster_source import RasterSource
from scalescape.engine.protocol import RasterInput
from scalescape.engine.rasters.band_stack import BandStack
from scalescape.engine.rasters.predictors import open_predictors
from scalescape.engine.running.errors import InputError
from scalescape.models.card import Band, Card, Modality, Training, read_card

SIZE = 10.0
ROWS, COLUMNS = 40, 52


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two bands of uint16 in tiles of 16 px, with NoData holes in the first."""
    draw = np.random.default_rng(3)
    values = draw.integers(1, 60_000, (2, ROWS, COLUMNS)).astype(np.uint16)
    values[0, 5:9, 20:30] = 0
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    return write_raster(path, values, SIZE, nodata=0, names=["red", "nir"], tiled=True, blockxsize=16,
                        blockysize=16)  # fmt: skip


def centres(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return LEFT + (np.asarray(columns) + 0.5) * SIZE, TOP - (np.asarray(rows) + 0.5) * SIZE


def patches_of(files: list[Path], side: int, x: np.ndarray, y: np.ndarray, crs: str = UTM) -> Patches:
    with RasterSource(inputs(*files), side, x, y, crs) as source:
        return collected(source)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sites=st.lists(st.tuples(st.integers(-3, ROWS + 2), st.integers(-3, COLUMNS + 2)), min_size=1, max_size=30),
    side=st.sampled_from([1, 3, 7, 25, 61]),
    cell=st.sampled_from([1, 40_000, 1 << 28]),
    chunk=st.sampled_from([1, 3000, 1 << 25]),
    within=st.floats(0.01, 0.99),
)
def test_windows_equal_a_plain_loop(
    scene: Path, sites: list[tuple[int, int]], side: int, cell: int, chunk: int, within: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """However little memory there is, and wherever in a pixel a site lies."""
    monkeypatch.setattr(raster_source, "CELL_BYTES", cell)
    monkeypatch.setattr("scalescape.engine.patches.source.CHUNK_BYTES", chunk)
    rows, columns = np.array(sites).T
    x, y = LEFT + (columns + within) * SIZE, TOP - (rows + within) * SIZE
    on = (rows >= 0) & (rows < ROWS) & (columns >= 0) & (columns < COLUMNS)
    if not on.any():
        with pytest.raises(InputError, match="No site lies on"):
            RasterSource(inputs(scene), side, x, y, UTM)
        return
    with RasterSource(inputs(scene), side, x, y, UTM) as source:
        found = collected(source)
        radius = side // 2
        inside = (rows >= radius) & (rows + radius < ROWS) & (columns >= radius) & (columns + radius < COLUMNS)
        np.testing.assert_array_equal(source.cut, on & ~inside)
    assert source.count == len(set(zip(rows[on].tolist(), columns[on].tolist(), strict=True)))
    np.testing.assert_array_equal(found.places >= 0, on)
    assert len(found) == len(sites) and found.values.dtype == np.uint16
    for site in np.flatnonzero(on):
        truth = plain_window([scene], rows[site], columns[site], side)
        check_site(found, site, truth)
        assert found.usable[site] == truth[1][:, side // 2, side // 2].all()
    assert not found.usable[~on].any()


def test_a_south_up_file_is_turned(tmp_path: Path, scene: Path) -> None:
    with rasterio.open(scene) as source:
        values = source.read()
    turned = write_raster(tmp_path / "turned.tif", values[:, ::-1], SIZE, nodata=0,
                          transform=Affine(SIZE, 0, LEFT, 0, SIZE, TOP - ROWS * SIZE))  # fmt: skip
    rows, columns = np.array([0, 7, 20, 39]), np.array([0, 25, 30, 51])
    found = patches_of([turned], 7, *centres(rows, columns))
    for site in range(4):
        check_site(found, site, plain_window([scene], rows[site], columns[site], 7))


def test_sites_of_another_crs_fall_in_the_pixel_that_contains_them(scene: Path) -> None:
    rows, columns = np.arange(2, 38, 5), np.arange(3, 51, 6)[:8]
    x, y = centres(rows, columns)
    lon, lat = (np.array(one) for one in transform(UTM, "EPSG:4326", x, y))
    found = patches_of([scene], 5, lon, lat, "EPSG:4326")
    for site in range(len(rows)):
        check_site(found, site, plain_window([scene], rows[site], columns[site], 5))


def test_a_place_that_no_projection_holds_has_no_patch(scene: Path) -> None:
    x, y = np.array([np.nan, 3.0, 0.0]), np.array([45.0, np.inf, 95.0])
    lon, lat = (np.array(one) for one in transform(UTM, "EPSG:4326", *centres([20], [20])))
    found = patches_of([scene], 1, np.append(x, lon), np.append(y, lat), "EPSG:4326")
    assert found.places.tolist() == [-1, -1, -1, 0]


def test_other_files_are_put_on_the_grid_of_the_first(tmp_path: Path, scene: Path) -> None:
    """A categorical one by nearest neighbour, a continuous one bilinearly; so their bands are float32."""
    draw = np.random.default_rng(4)
    cover = draw.integers(1, 6, (1, 30, 30)).astype(np.uint8)
    height = draw.normal(500, 90, (1, 30, 30)).astype(np.float32)
    corner = LEFT - 33, TOP + 21
    files = [
        scene,
        write_raster(tmp_path / "cover.tif", cover, 27, corner=corner),
        write_raster(tmp_path / "height.tif", height, 27, corner=corner),
    ]
    rows, columns = draw.integers(0, ROWS, 50), draw.integers(0, COLUMNS, 50)
    with RasterSource(inputs(*files), 9, *centres(rows, columns), UTM, categorical=["cover"]) as source:
        found = collected(source)
        assert source.bands == ("red", "nir", "cover", "height")
        assert source.categorical == (False, False, True, False)
        assert source.resampled == (str(files[1]), str(files[2]))
    assert found.values.dtype == np.float32
    warped = np.full((2, ROWS, COLUMNS), np.nan, np.float32)
    for place, values, way in ((0, cover, Resampling.nearest), (1, height, Resampling.bilinear)):
        reproject(values[0].astype(np.float32), warped[place], src_transform=from_origin(*corner, 27, 27),
                  dst_transform=from_origin(LEFT, TOP, SIZE, SIZE), src_crs=UTM, dst_crs=UTM,
                  dst_nodata=np.nan, resampling=way)  # fmt: skip
    assert np.isfinite(warped).all()
    at_sites, valid = found.at_sites()
    np.testing.assert_array_equal(at_sites[:, 2], warped[0, rows, columns])
    np.testing.assert_allclose(at_sites[:, 3], warped[1, rows, columns], atol=0.05)
    assert valid[:, 2:].all() and set(np.unique(found.values[:, 2])) <= {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    ("dtypes", "kept"),
    [
        (("uint8", "uint8"), "uint8"),
        (("int16", "int16"), "int16"),
        (("uint8", "uint16"), "float32"),
        (("int32", "int32"), "float32"),
        (("float64", "float64"), "float32"),
    ],
)
def test_a_small_integer_type_is_kept(tmp_path: Path, dtypes: tuple[str, str], kept: str) -> None:
    files = [
        write_raster(tmp_path / f"{place}.tif", np.full((1, 3, 3), 7, dtype), SIZE)
        for place, dtype in enumerate(dtypes)
    ]
    assert patches_of(files, 1, *centres([1], [1])).values.dtype == np.dtype(kept)


def test_a_scale_makes_floats(tmp_path: Path) -> None:
    path = write_raster(tmp_path / "a.tif", np.full((1, 3, 3), 7, np.uint16), SIZE)
    with rasterio.open(path, "r+") as target:
        target.scales = (0.1,)
    found = patches_of([path], 3, *centres([1], [1]))
    assert found.values.dtype == np.float32 and found.values.max() == pytest.approx(0.7)


def test_every_block_is_read_about_once_and_few_sites_read_their_windows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_raster(tmp_path / "wide.tif", np.ones((1, 512, 512), np.uint8), SIZE, tiled=True,
                        blockxsize=16, blockysize=16)  # fmt: skip
    read: list[int] = []
    values_of = BandStack.values

    def counted(self: BandStack, rows: slice, columns: slice):
        read.append((rows.stop - rows.start) * (columns.stop - columns.start))
        return values_of(self, rows, columns)

    monkeypatch.setattr(BandStack, "values", counted)
    draw = np.random.default_rng(0)
    rows, columns = draw.integers(20, 492, (2, 4000))
    patches_of([path], 31, *centres(rows, columns))
    assert len(read) == 1 and sum(read) <= 512 * 512
    read.clear()
    patches_of([path], 31, *centres(np.array([20, 490]), np.array([20, 490])))
    assert read == [31 * 31, 31 * 31]


def test_pixels_are_measured_where_the_sites_are(tmp_path: Path, scene: Path) -> None:
    with RasterSource(inputs(scene), 1, *centres([3], [3]), UTM) as source:
        size, unit = source.pixel_size()
    assert unit == "metre" and size == pytest.approx(10, rel=0.001)
    lonlat = write_raster(tmp_path / "l.tif", np.ones((1, 4, 4), np.uint8), 0.01, "EPSG:4326", corner=(3, 45))
    with RasterSource(inputs(lonlat), 1, np.array([3.02]), np.array([44.98]), "EPSG:4326") as source:
        assert source.pixel_size() == (0.01, "degree")
    flat = write_raster(tmp_path / "f.tif", np.ones((1, 4, 4), np.uint8), 1,
                        transform=Affine(10, 0, LEFT, 0, -20, TOP))  # fmt: skip
    with (
        RasterSource(inputs(flat), 1, np.array([LEFT + 1]), np.array([TOP - 1]), UTM) as source,
        pytest.raises(InputError, match="square pixels"),
    ):
        source.pixel_size()


def test_bands_without_a_name_get_one(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    stack = write_raster(tmp_path / "stack.tif", np.ones((2, 3, 3), np.uint8), SIZE)
    files = [stack, *(write_raster(tmp_path / f / "ndvi.tif", np.ones((1, 3, 3)), SIZE) for f in ("", "b"))]
    with RasterSource(inputs(*files), 1, *centres([1], [1]), UTM) as source:
        assert source.bands == ("stack_1", "stack_2", "ndvi_1", "ndvi_2")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"crs": "EPSG:nowhere"}, "CRS 'EPSG:nowhere' is unknown"),
        ({"crs": "EPSG:4326"}, "No site lies on .*scene.tif"),
        ({"categorical": ["green"]}, "has no band 'green' .* red, nir"),
        ({"bands": (3,)}, "has 2 bands, no band 3"),
        ({"bands": (1, 1)}, "Band 1 of .* is given twice"),
    ],
)
def test_what_cannot_be_used_is_refused(scene: Path, change: dict[str, object], sentence: str) -> None:
    x, y = centres([1], [1])
    chosen = [RasterInput("scene", str(scene), change.get("bands", ()))]
    with pytest.raises(InputError, match=sentence):
        RasterSource(chosen, 1, x, y, change.get("crs", UTM), categorical=change.get("categorical", ()))


def test_training_and_mapping_see_the_same(tmp_path: Path, scene: Path, small_model: Path) -> None:
    """Bit by bit, with NoData, over the edge, and with categories that the card does not know."""
    draw = np.random.default_rng(5)
    cover = write_raster(tmp_path / "cover.tif", draw.integers(0, 5, (1, ROWS, COLUMNS)).astype(np.uint8), SIZE,
                         nodata=0)  # fmt: skip
    kinds = Band("cover", 0.0, 1.0, 0.0, tuple(np.linspace(1, 4, 101).tolist()), categories=(1, 3, 4))
    modality = Modality(
        "scene", (band("red", 30_000, 9000), kinds, band("nir", 20_000, 7000)), SIZE, "metre", (9,)
    )
    known = read_card(small_model)
    card = Card("a", "", "", "", {}, (modality,), known.species, Training("none", 1.0))
    rows, columns = np.array([6, 0, 20, 39, 8]), np.array([22, 0, 30, 51, 19])
    order = [RasterInput("scene", str(scene), (1,)), inputs(cover)[0], RasterInput("scene", str(scene), (2,))]
    with RasterSource(order, 9, *centres(rows, columns), UTM, categorical=["cover"]) as source:
        patch_set = PatchSet(collected(source), modality)
    predictor = open_predictors(card, ["scene"], order, {})["scene"]
    predictor.put_on_working_grid(centres(20, 20), predictor.crs, None)
    assert patch_set.channels == 5
    got = patch_set.batch(range(5))
    for site, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        values, held = predictor.read(slice(row - 4, row + 5), slice(column - 4, column + 5))
        np.testing.assert_array_equal(got[site], values)
        assert patch_set.usable[site] == held[:, 4, 4].all()
    predictor.close()
    assert not patch_set.usable.all() and patch_set.usable.any()


@pytest.mark.real_data
def test_real_layers_at_real_places(real_data: Path) -> None:
    """Montpellier's bio1 to bio4 (uint16 and float32) and its scene, around sites in longitude and latitude."""
    layers = [real_data / "montpellier" / f"bio{number}.tif" for number in range(1, 5)]
    scene = real_data / "montpellier" / "sentinel2_10m.tif"
    with rasterio.open(scene) as opened:
        affine, crs = opened.transform, opened.crs
    draw = np.random.default_rng(0)
    rows, columns = draw.integers(0, 600, (2, 20))
    x, y = affine * (columns + 0.5, rows + 0.5)
    lon, lat = (np.array(one) for one in transform(crs, "EPSG:4326", x, y))
    fine = patches_of([scene], 59, lon, lat, "EPSG:4326")
    with rasterio.open(layers[0]) as opened:
        cells = [opened.index(*place) for place in zip(lon.tolist(), lat.tolist(), strict=True)]
    coarse = patches_of(layers, 5, lon, lat, "EPSG:4326")
    assert coarse.bands == ("bio1", "bio2", "bio3", "bio4")
    for site in range(20):
        check_site(fine, site, plain_window([scene], rows[site], columns[site], 59))
        check_site(coarse, site, plain_window(layers, *cells[site], 5))
