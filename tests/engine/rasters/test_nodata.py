"""Whatever says NoData counts: values, masks, alpha, NaN and the user, all together."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp, Resampling
from scalescape.engine.protocol import joined_nodata, nodata_of_json, nodata_of_text, nodata_text, ranges_of
from scalescape.engine.rasters.ground import working_grid
from scalescape.engine.rasters.raster import Raster
from scalescape.engine.running.errors import InputError
from scalescape.engine.words.values import nodata_of

VALUE, INNER, OUTER, ALPHA, NAN, USER = range(6)
"""What says NoData; each says it of the pixel in the row of its number, column 3."""


def numbers(bands: int = 1) -> np.ndarray:
    return np.arange(1, bands * 48 + 1, dtype=np.float32).reshape(bands, 6, 8)


def write_with(path: Path, said: set[int], dtype: str = "float32") -> Path:
    """A raster of one band, with or without alpha, in which all of ``said`` but the user's value is there."""
    values = numbers(2 if ALPHA in said else 1).astype(dtype)
    if VALUE in said:
        values[0, VALUE, 3] = -99
    if NAN in said:
        values[0, NAN, 3] = np.nan
    values[0, USER, 3] = 77
    write_raster(path, values, 10, **({"nodata": -99} if VALUE in said else {}))
    if ALPHA in said:
        with rasterio.open(path, "r+") as target:
            target.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
            opaque = np.full((6, 8), 200)
            opaque[ALPHA, 3] = 0
            target.write(opaque.astype(dtype), 2)
    if OUTER in said:
        mask_beside(path, OUTER)
    if INNER in said:
        beside = path.with_name(f"{path.name}.msk")
        kept = beside.rename(path.with_name("kept")) if beside.exists() else None
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
            target.write_mask(seen_but(INNER))
        if kept is not None:
            kept.rename(beside)
    return path


def seen_but(row: int) -> np.ndarray:
    mask = np.full((6, 8), 255, np.uint8)
    mask[row, 3] = 0
    return mask


def mask_beside(path: Path, row: int) -> None:
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as target:
        target.write_mask(seen_but(row))


def read(path: Path, bands: tuple[int, ...] = (1,), nodata: object = None) -> tuple[np.ndarray, np.ndarray]:
    with Raster(str(path), nodata) as raster:
        raster.put_on(raster.grid, bands)
        return raster.read(bands, slice(0, 6), slice(0, 8))


@pytest.mark.parametrize(
    "said", [set(some) for k in range(1, 7) for some in itertools.combinations(range(6), k)], ids=str
)
def test_every_combination_of_what_says_nodata_counts(tmp_path: Path, said: set[int]) -> None:
    path = write_with(tmp_path / "a.tif", said - {USER})
    values, valid = read(path, nodata=77.0 if USER in said else None)
    assert set(map(tuple, np.argwhere(~valid[0]).tolist())) == {(row, 3) for row in said}
    expected = numbers()[0]
    expected[USER, 3] = 77
    np.testing.assert_array_equal(values[0][valid[0]], expected[valid[0]])


@pytest.mark.parametrize("dtype", ["int16", "int32", "float64"])
def test_it_counts_for_other_types_and_scaled_numbers(tmp_path: Path, dtype: str) -> None:
    path = write_with(tmp_path / "a.tif", {VALUE, INNER, OUTER, ALPHA}, dtype)
    with rasterio.open(path, "r+") as target:
        target.scales, target.offsets = (0.1, 1), (-5.0, 0)
    values, valid = read(path, nodata=77.0)
    assert set(map(tuple, np.argwhere(~valid[0]).tolist())) == {
        (n, 3) for n in (VALUE, INNER, OUTER, ALPHA, USER)
    }
    np.testing.assert_allclose(values[0][valid[0]], (numbers()[0] * 0.1 - 5)[valid[0]], rtol=1e-5)


def test_a_value_and_a_mask_survive_warping_and_overviews(tmp_path: Path) -> None:
    values = np.full((1, 40, 40), 5, np.float32)
    values[0, :10, :10] = -9999
    path = write_raster(tmp_path / "a.tif", values, 10, nodata=-9999)
    mask = np.full((40, 40), 255, np.uint8)
    mask[30:, 30:] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as target:
        target.write_mask(mask)
        target.build_overviews([2, 4], Resampling.average)
    with Raster(str(path)) as raster:
        grid = working_grid(raster.grid, 20, "metre", (LEFT + 200, TOP - 200)).grid
        raster.put_on(grid, (1,))
        got, valid = raster.read((1,), slice(0, 20), slice(0, 20))
    assert not valid[0, :4, :4].any() and not valid[0, 16:, 16:].any() and valid[0, 6:14, 6:14].all()
    np.testing.assert_allclose(got[valid], 5, rtol=1e-6)


def test_each_band_has_its_own_value(tmp_path: Path) -> None:
    files = []
    for band, nodata in ((1, 7.0), (2, 60.0)):
        files.append(write_raster(tmp_path / f"{band}.tif", numbers(2)[band - 1 : band], 10, nodata=nodata))
    vrt = tmp_path / "both.vrt"
    bands = "".join(
        f"<VRTRasterBand dataType='Float32' band='{n}'><NoDataValue>{nodata}</NoDataValue><SimpleSource>"
        f"<SourceFilename relativeToVRT='0'>{file}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>"
        "</VRTRasterBand>"
        for n, (file, nodata) in enumerate(zip(files, (7, 60), strict=True), start=1)
    )
    vrt.write_text(
        "<VRTDataset rasterXSize='8' rasterYSize='6'><SRS>EPSG:32631</SRS>"
        f"<GeoTransform>{LEFT},10,0,{TOP},0,-10</GeoTransform>{bands}</VRTDataset>"
    )
    _, valid = read(vrt, (1, 2), nodata=(8.0, 61.0))
    np.testing.assert_array_equal(~valid, np.isin(numbers(2), (8, 61)) | (numbers(2) == [[[7]], [[60]]]))


def test_alpha_that_is_itself_read_masks_nothing(tmp_path: Path) -> None:
    _, valid = read(write_with(tmp_path / "a.tif", {VALUE, ALPHA}), (1, 2))
    assert set(map(tuple, np.argwhere(~valid[0]).tolist())) == {(VALUE, 3)}


NUMBERS = st.sampled_from([0.0, 1.0, 2.0, 3.0, 7.5, 8.0, 20.0, 20.5, 21.0, 48.0, -3.0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(NUMBERS, st.tuples(NUMBERS, NUMBERS).map(lambda pair: tuple(sorted(pair)))), max_size=7)
)
def test_any_numbers_and_ranges_hide_just_what_lies_in_them(
    tmp_path_factory: pytest.TempPathFactory, parts: list[object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges.tif"
    values = numbers() / 2
    if not path.exists():
        write_raster(path, values, 10, nodata=24)
    _, valid = read(path, nodata=tuple(parts))
    hidden = values[0] == 24
    for part in parts:
        low, high = part if isinstance(part, tuple) else (part, part)
        hidden |= (values[0] >= low) & (values[0] <= high)
    np.testing.assert_array_equal(~valid[0], hidden)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("-9999", ((-9999, -9999),)), ("249..255", ((249, 255),)), ("0 249..255", ((0, 0), (249, 255))),
        ("-3.5..-1;7", ((-3.5, -1), (7, 7))), ("1e3", ((1000, 1000),)),
        ("-inf..-1", ((-1.7976931348623157e308, -1),)),
    ],
)  # fmt: skip
def test_numbers_and_ranges_are_read_and_written(text: str, ranges: tuple[tuple[float, float], ...]) -> None:
    assert ranges_of(nodata_of_text(text)) == ranges
    assert ranges_of(nodata_of_text(nodata_text(ranges))) == ranges
    assert ranges_of(nodata_of_json([list(pair) for pair in ranges])) == ranges


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "5..1", "1..x", "1...", "a.tif"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        nodata_of_text(text)
    with pytest.raises(InputError, match=r"FILE=VALUE or FILE=LOW\.\.HIGH"):
        nodata_of([f"a.tif={text}"])


def test_several_values_of_a_file_add_up() -> None:
    assert nodata_of(["a=b.tif=249", "a=b.tif=250..255", "c.tif=0"]) == {
        "a=b.tif": (249.0, (250.0, 255.0)),
        "c.tif": 0.0,
    }
    assert joined_nodata([1.0, (1.0, (2.0, 3.0))]) == (1.0, (2.0, 3.0))


def test_a_file_beside_is_a_mask_only_where_it_is_as_large(tmp_path: Path) -> None:
    path = write_with(tmp_path / "a.tif", {INNER})
    small = write_raster(tmp_path / "small.tif", np.zeros((1, 2, 2), np.uint8), 10)
    shutil.copy(small, tmp_path / "a.tif.msk")
    assert read(path)[1].sum() == 47
