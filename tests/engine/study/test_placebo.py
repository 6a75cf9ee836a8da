"""Placebo rasters on disk, and the places of a study on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from conftest import write_raster
from scalescape.engine.study.placebo import can_be_randomised, placebo_config
from scalescape.engine.study.predictor_table import window_means
from scalescape.engine.training.config import TrainingConfig
from scalescape.engine.training.config_file import read_config
from scalescape.engine.training.supplies import Spots
from tiny_landscape import CRS, write_tiny_landscape


def spots_in(left: float, top: float, size: float, rows: list[int], columns: list[int]) -> Spots:
    x = left + size * (np.array(columns) + 0.5)
    return Spots(x, top - size * (np.array(rows) + 0.5), CRS)


def config_with(folder: Path, **modality: object) -> TrainingConfig:
    config = read_config(write_tiny_landscape(folder))
    one = config.modality["satellite"].model_copy(update=modality)
    return config.model_copy(update={"modality": {"satellite": one}})


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
    placebo = placebo_config(config, spots, 1, 42, tmp_path / "placebo")
    (name,) = placebo.modality["satellite"].inputs
    with rasterio.open(name) as made, rasterio.open(file) as real:
        assert made.descriptions == ("red", "nir")
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

    def bands(draw: int, folder: str) -> list[np.ndarray]:
        made = placebo_config(config, spots, draw, 42, tmp_path / folder)
        return [rasterio.open(one.inputs[0]).read() for one in made.modality.values()]

    one, again, other = bands(1, "a"), bands(1, "b"), bands(2, "c")
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
    made = placebo_config(config, spots, 1, 42, tmp_path / "placebo")
    found = rasterio.open(made.modality["satellite"].inputs[0]).read(1)
    assert set(np.unique(found)) == {2, 6, 10}
    shuffled = draw.permuted(found.ravel()).reshape(found.shape)
    changes = [float((one[:, 1:] != one[:, :-1]).mean()) for one in (found, shuffled)]
    assert changes[0] < changes[1] / 2, "patches, not single pixels"


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
