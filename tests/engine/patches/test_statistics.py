"""What a card says of bands, and what is refused; whole batches for training."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.bench.bench_patches import bench_patches
from scalescape.engine.patches.cache import collected
from scalescape.engine.patches.column_source import ColumnSource
from scalescape.engine.patches.patch_set import PatchSet
from scalescape.engine.patches.statistics import band_statistics
from scalescape.engine.running.errors import InputError
from scalescape.models.card import Modality


def test_mean_deviation_and_quantiles_are_those_of_the_sites_with_a_value() -> None:
    draw = np.random.default_rng(0)
    values = draw.normal(12, 4, (500, 2)).astype(np.float32)
    valid = draw.random((500, 2)) < 0.7
    values[~valid] = 0
    first, second = band_statistics("bioclim", ["bio1", "bio2"], values, valid, units=["°C", ""])
    held = values[valid[:, 0], 0].astype(float)
    assert (first.mean, first.std, first.fill) == pytest.approx((held.mean(), held.std(), held.mean()))
    assert first.unit == "°C" and second.unit == "" and second.name == "bio2" and first.categories == ()
    in_order = np.sort(held)
    assert first.quantiles[0] == in_order[0] and first.quantiles[100] == in_order[-1]
    for percent in (1, 37, 50, 93):
        place = percent / 100 * (len(in_order) - 1)
        low = int(place)
        expected = in_order[low] + (place - low) * (in_order[low + 1] - in_order[low])
        assert first.quantiles[percent] == pytest.approx(expected)


def test_a_large_mean_does_not_spoil_a_small_deviation() -> None:
    values = (1e5 + np.arange(10_000) % 2).astype(np.float32)[:, None]
    (band,) = band_statistics("m", ["b"], values, np.ones(values.shape, np.bool_))
    assert band.std == pytest.approx(0.5) and band.mean == pytest.approx(1e5 + 0.5)


def test_a_categorical_band_lists_its_categories() -> None:
    values = np.array([[7], [1], [5], [5], [9]], np.float32)
    valid = np.array([[True]] * 4 + [[False]])
    (band,) = band_statistics("habitat", ["landcover"], values, valid, [True])
    assert band.categories == (1, 5, 7) and (band.mean, band.std, band.fill) == (0, 1, 0)
    assert set(band.quantiles) == {1, 5, 7} and list(band.quantiles) == sorted(band.quantiles)


@pytest.mark.parametrize(
    ("values", "valid", "categorical", "sentence"),
    [
        ([3, 3, 3], [1, 1, 1], False, "band b of m is 3 at every training place"),
        ([3, 3, 4], [1, 1, 0], True, "band b of m is 3 at every training place"),
        ([1, 2, 3], [0, 0, 0], False, "band b of m has no value at any training place"),
        ([1, 2.5, 3], [1, 1, 1], True, "holds 2.5; categories are whole numbers"),
        (list(range(300)), [1] * 300, True, "has 300 categories"),
        ([1, 2, 2.0**25], [1, 1, 1], True, "whole numbers up to 16777216"),
    ],
)
def test_bands_of_no_use_are_refused(
    values: list[float], valid: list[int], categorical: bool, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        band_statistics(
            "m", ["b"], np.array(values, np.float32)[:, None], np.array(valid, np.bool_)[:, None], [categorical]
        )


def test_bands_that_are_all_the_same_everywhere_point_at_the_sites() -> None:
    values = np.full((5, 2), 3, np.float32)
    with pytest.raises(InputError, match="All 2 bands of m have the same values at all 5 training sites"):
        band_statistics("m", ["a", "b"], values, np.ones((5, 2), np.bool_))


@pytest.fixture
def table() -> PatchSet:
    """Ten sites with a continuous and a categorical column."""
    columns = {"bc01": np.arange(10.0), "veg": np.arange(10) % 3}
    source = ColumnSource(columns, ["bc01", "veg"], ["veg"])
    patches = collected(source)
    values, valid = patches.at_sites()
    few = band_statistics("table", source.bands, values[:5], valid[:5], source.categorical)
    return PatchSet(patches, Modality("table", few, 1, "metre", (1,)))


def test_samples_with_data_are_normalised_and_one_hot(table: PatchSet) -> None:
    assert table.channels == 4 and table.side == 1 and len(table) == 10
    got = table.batch(np.array([9, 1]))[..., 0, 0]
    std = np.std(range(5))
    np.testing.assert_allclose(got, [[(9 - 2) / std, 1, 0, 0], [(1 - 2) / std, 0, 1, 0]], rtol=1e-6)


def test_a_test_site_of_an_unseen_category_is_not_usable() -> None:
    patches = collected(ColumnSource({"veg": np.array([1, 2, 1, 8])}, ["veg"], ["veg"]))
    values, valid = patches.at_sites()
    bands = band_statistics("table", ["veg"], values[:3], valid[:3], [True])
    found = PatchSet(patches, Modality("table", bands, 1, "metre", (1,)))
    assert found.usable.tolist() == [True, True, True, False]
    assert found.batch([3]).sum() == 0


def test_patches_of_other_bands_are_refused(table: PatchSet) -> None:
    other = collected(ColumnSource({"bc02": np.arange(3.0)}, ["bc02"]))
    modality = Modality("table", table._normalisation.bands, 1, "metre", (1,))
    with pytest.raises(InputError, match="bands of table are bc01, veg"):
        PatchSet(other, modality)


def test_the_bench_compares_the_same_patches() -> None:
    found = bench_patches(size=300, side=15, sites=40, batch=8, seconds=0.05)
    assert found.max_abs_diff < 1e-5 and found.dtype == "uint16" and found.bands == 4
    assert found.ratio == found.cache_sites_per_s / found.loader_sites_per_s > 0
    with pytest.raises(InputError, match="holds no window of 15"):
        bench_patches(size=10, side=15)
