"""Placebo rasters on disk, and the places of a study on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import write_raster
from scalescape.engine.recipes.config import TrainingConfig
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.errors import InputError
from scalescape.engine.study.placebo import PlaceboRasters, can_be_randomised
from scalescape.engine.study.placebo_parts import Part, Placebo, parts_of
from scalescape.engine.study.predictor_table import window_means
from scalescape.engine.training.supplies import Spots
from tiny_landscape import CRS, write_tiny_landscape


def spots_in(left: float, top: float, size: float, rows: list[int], columns: list[int]) -> Spots:
    x = left + size * (np.array(columns) + 0.5)
    return Spots(x, top - size * (np.array(rows) + 0.5), CRS)


def config_with(folder: Path, **modality: object) -> TrainingConfig:
    config = read_config(write_tiny_landscape(folder))
    one = config.modality["satellite"].model_copy(update=modality)
    return config.model_copy(update={"modality": {"satellite": one}})


def written(config: TrainingConfig, spots: Spots, folder: Path, draws: int = 1) -> PlaceboRasters:
    made = PlaceboRasters(config, spots, len(spots.x), 42, folder)
    made.write(draws, lambda done, total: None)
    return made


def test_the_copy_has_the_gaps_and_names_of_the_original_and_lies_where_it_did(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(100, 5, (2, 240, 260)).astype(np.float32)
    values[0, 50:60, 70:90] = -1
    values[1, 100, 100] = -1
    config = config_with(tmp_path)
    file = Path(config.modality["satellite"].inputs[0])
    write_raster(file, values, 10, names=["red", "nir"], nodata=-1)
    with rasterio.open(file) as real:
        transform = real.transform
    spots = spots_in(transform.c, transform.f, 10, [40, 150], [30, 200])
    placebos = written(config, spots, tmp_path / "placebo")
    (name,) = placebos.modality("satellite", 1, (25,), "residual", 0).inputs
    with rasterio.open(name) as made, rasterio.open(file) as real:
        assert made.descriptions == ("red (placebo)", "nir (placebo)")
        rows, columns = slice(40 - 12, 150 + 13), slice(30 - 12, 200 + 13)  # the places and half a window
        assert (made.height, made.width) == (rows.stop - rows.start, columns.stop - columns.start)
        assert made.transform == real.transform @ rasterio.Affine.translation(columns.start, rows.start)
        original = real.read()[:, rows, columns]
        np.testing.assert_array_equal(np.isnan(made.read()), original == -1)
        held = original[0] != -1
        assert abs(np.corrcoef(made.read(1)[held], original[0][held])[0, 1]) < 0.05


def test_each_draw_and_modality_is_another_and_the_same_again(tmp_path: Path) -> None:
    config = read_config(write_tiny_landscape(tmp_path))
    spots = Spots(np.array([500_900.0, 502_000.0]), np.array([4_998_000.0, 4_998_900.0]), CRS)

    def bands(made: PlaceboRasters, draw: int) -> list[np.ndarray]:
        return [rasterio.open(made.file(name, draw)).read() for name in config.modality]

    both, alone = written(config, spots, tmp_path / "a", 2), written(config, spots, tmp_path / "b")
    one, again, other = bands(both, 1), bands(alone, 1), bands(both, 2)
    for first, same, different in zip(one, again, other, strict=True):
        np.testing.assert_array_equal(first, same)
        assert not np.allclose(first, different)


def test_categories_stay_categories(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(draw.normal(size=(240, 260)), axis=0), axis=1)
    classes = np.digitize(smooth, np.quantile(smooth, [0.3, 0.7])) * 4 + 2  # 2, 6, 10
    config = config_with(tmp_path, categorical=("cover",))
    file = Path(config.modality["satellite"].inputs[0])
    write_raster(file, classes[None].astype(np.int16), 10, names=["cover"])
    spots = spots_in(500_000, 5_000_000, 10, [20, 210], [20, 230])
    made = written(config, spots, tmp_path / "placebo")
    one = made.modality("satellite", 1, (25,), "residual", 0)
    assert one.categorical == ("cover (placebo)",)
    found = rasterio.open(one.inputs[0]).read(1)
    assert set(np.unique(found)) == {2, 6, 10}
    part = classes[20 - 12 : 210 + 13, 20 - 12 : 230 + 13]
    changes = [float((fields[:, 1:] != fields[:, :-1]).mean()) for fields in (part, found)]
    assert changes[1] == pytest.approx(changes[0], rel=0.25), "as ragged as the real ones"


def test_more_draws_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    config = read_config(write_tiny_landscape(tmp_path))
    spots = Spots(np.array([500_900.0, 502_000.0]), np.array([4_998_000.0, 4_998_900.0]), CRS)
    first = written(config, spots, tmp_path / "a")
    before = {file: file.stat().st_mtime_ns for file in first.folder.rglob("*.tif")}
    told: list[tuple[int, int]] = []
    first.write(3, lambda done, total: told.append((done, total)))
    assert {file: file.stat().st_mtime_ns for file in before} == before
    assert told[-1] == (5, 6) and len(list(first.folder.rglob("*.tif"))) == 6
    assert set(first.likeness(3)) == {(draw, name) for draw in (1, 2, 3) for name in config.modality}


def test_a_draw_in_which_a_band_is_the_same_at_all_sites_is_made_again(tmp_path: Path) -> None:
    """A class in one corner: in most draws it is at neither of two sites; networks need a band that differs."""
    classes = np.zeros((240, 260), np.int16)
    classes[:130, :140] = 1
    config = config_with(tmp_path, categorical=("cover",))
    file = Path(config.modality["satellite"].inputs[0])
    write_raster(file, classes[None], 10, names=["cover"])
    spots = spots_in(500_000, 5_000_000, 10, [20, 210], [20, 230])
    made = written(config, spots, tmp_path / "placebo", 3)
    for draw in range(1, 4):
        with rasterio.open(made.file("satellite", draw)) as raster:
            assert raster.read(1)[[12, 202], [12, 222]].tolist() in ([0, 1], [1, 0])
    write_raster(file, np.zeros((1, 240, 260), np.int16), 10, names=["cover"])
    with pytest.raises(InputError, match="the band cover has the same value at all sites"):
        written(config, spots, tmp_path / "other")


def test_a_larger_window_is_random_given_the_smaller_one_and_all_else_lies_elsewhere() -> None:
    scales = (("climate", (1, 5)), ("modis", (1, 5, 17)))
    beside_one_pixel = Placebo(3, (("climate", (1,)),))
    assert parts_of(scales, beside_one_pixel, ()) == (
        Part("climate", "climate", (1,)),
        Part("climate_placebo_around_1", "climate", (5,), 3, 1),
        Part("modis_placebo", "modis", (1, 5, 17), 3),
    )
    assert parts_of(scales, Placebo(1, (("modis", (5,)),)), ()) == (
        Part("modis", "modis", (5,)),
        Part("climate_placebo", "climate", (1, 5), 1),
        Part("modis_placebo", "modis", (1,), 1),
        Part("modis_placebo_around_5", "modis", (17,), 1, 5),
    )
    lattice = parts_of((("satellite", (25, 59)),), Placebo(1, (("satellite", (25,)),)), {"satellite"})
    assert lattice == (
        Part("satellite", "satellite", (25,)), Part("satellite_placebo", "satellite", (59,), 1)
    )  # fmt: skip


def test_what_a_model_lacks_of_its_reference_is_seen_by_its_placebos_as_well() -> None:
    found = parts_of((("modis", (17,)),), Placebo(2, (("climate", (1,)),)), ())
    assert found == (Part("climate", "climate", (1,)), Part("modis_placebo", "modis", (17,), 2))


def test_no_modality_of_the_user_is_taken_for_a_placebo() -> None:
    found = parts_of((("a", (1, 5)), ("a_placebo", (1,))), Placebo(1, (("a_placebo", (1,)),)), ())
    assert [one.name for one in found] == ["a_placebo", "a_placebo_"]


def test_columns_and_images_can_not_be_randomised(tmp_path: Path) -> None:
    assert can_be_randomised(config_with(tmp_path))
    assert not can_be_randomised(config_with(tmp_path / "other", inputs=(), columns=("bc01",)))


def test_window_means_are_plain_means_of_the_middle() -> None:
    patches = np.random.default_rng(0).normal(size=(4, 3, 7, 7)).astype(np.float32)
    one, three, seven = window_means(patches, (1, 3, 7))
    for place in range(4):
        for channel in range(3):
            whole = patches[place, channel]
            assert one[place, channel] == whole[3, 3]
            middle = [whole[row, column] for row in (2, 3, 4) for column in (2, 3, 4)]
            assert three[place, channel] == np.float32(np.mean(middle)) or np.isclose(
                three[place, channel], np.mean(middle), atol=1e-6
            )
            assert np.isclose(seven[place, channel], whole.mean(), atol=1e-6)
