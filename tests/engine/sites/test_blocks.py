"""Spatial blocks: squares of ground, folds that resemble each other, buffers, and distances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.crs import CRS
from pyproj import Geod
from scalescape.engine.rasters.ground import transformer
from scalescape.engine.running.errors import InputError
from scalescape.engine.sites.autocorrelation import autocorrelation_range
from scalescape.engine.sites.background import Background
from scalescape.engine.sites.blocks import Blocks, make_blocks, within
from scalescape.engine.sites.fold_distance import FoldDistance, fold_distance
from scalescape.engine.sites.metric_plane import MetricPlane
from scalescape.engine.sites.site_table import SiteTable
from scipy import ndimage, sparse, spatial, stats

UTM = "EPSG:32631"


def site_table(x: np.ndarray, y: np.ndarray, found: np.ndarray, crs: str = UTM, kind: str = "po") -> SiteTable:
    count = found.shape[1]
    return SiteTable(
        x=x, y=y, crs=crs, species=tuple(f"sp{i}" for i in range(count)), kinds=(kind,) * count,
        found=sparse.csr_array(found), group=np.zeros(len(x), np.int32),
        surveyed=np.ones((1, count), np.bool_), holes=sparse.csr_array(found.shape, dtype=np.bool_),
    )  # fmt: skip


def scattered(count: int = 400, species: int = 6, extent: float = 100_000.0, seed: int = 0) -> SiteTable:
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(0, extent, (2, count))
    return site_table(500_000 + x, 5_000_000 + y, draw.random((count, species)) < 0.3)


def points(count: int = 300, extent: float = 100_000.0, seed: int = 1) -> Background:
    x, y = np.random.default_rng(seed).uniform(0, extent, (2, count))
    return Background(500_000 + x, 5_000_000 + y, UTM)


def blocks_of(sites: SiteTable, folds: int = 5, side: float | str = 10.0, **told: object) -> Blocks:
    given_background = told.pop("background", points())
    return make_blocks(sites, given_background, folds, side, told.pop("window", 500.0), told.pop("seed", 42))


def test_a_block_is_a_square_and_lies_in_one_fold() -> None:
    sites, background = scattered(), points()
    blocks = blocks_of(sites, background=background)
    corners = np.floor(np.stack([sites.x, sites.y], 1) / 10_000)
    for block in np.unique(blocks.block):
        mine = blocks.block == block
        assert len(np.unique(corners[mine], axis=0)) == 1
        assert len(np.unique(blocks.fold[mine])) == 1
    assert blocks.count == len(np.unique(corners, axis=0)) == len(np.unique(blocks.block))
    background_corners = np.floor(np.stack([background.x, background.y], 1) / 10_000)
    for corner, block, fold in zip(
        background_corners, blocks.background_block, blocks.background_fold, strict=True
    ):
        shared = (corners == corner).all(axis=1)
        if shared.any():
            assert block == blocks.block[shared][0] and fold == blocks.fold[shared][0]


def test_folds_resemble_each_other_more_than_by_chance() -> None:
    sites = scattered(1000, 8)
    blocks = blocks_of(sites)
    assert np.ptp(np.bincount(blocks.fold)) < 0.1 * len(sites) / 5  # two blocks
    dense = sites.found.toarray()
    shares = np.stack([dense[blocks.fold == fold].sum(axis=0) for fold in range(5)]) / dense.sum(axis=0)
    draw = np.random.default_rng(0)
    chance = []
    for _ in range(50):
        random_fold = draw.integers(5, size=blocks.block.max() + 1)[blocks.block]
        chance.append(np.std([dense[random_fold == f].sum(axis=0) / dense.sum(axis=0) for f in range(5)]))
    assert np.std(shares) < 0.6 * np.quantile(chance, 0.05)


def test_a_species_of_five_blocks_is_in_every_fold() -> None:
    sites = scattered(500, 1)
    blocks = blocks_of(sites)
    found = np.zeros((500, 2), bool)
    found[:, 0] = True
    found[[int(np.flatnonzero(blocks.block == block)[0]) for block in (3, 9, 20, 41, 60)], 1] = True
    with_rare = site_table(sites.x, sites.y, found)
    again = blocks_of(with_rare)
    assert sorted(again.fold[found[:, 1]].tolist()) == [0, 1, 2, 3, 4]
    assert again.blocks_of_species(with_rare).tolist() == [again.count, 5]
    assert again.too_few(with_rare).tolist() == [False, False]
    assert again.blocks_of_species(with_rare, np.flatnonzero(again.fold == 0))[1] == 1


def test_the_seed_settles_the_folds() -> None:
    sites = scattered()
    assert (blocks_of(sites).fold == blocks_of(sites).fold).all()
    assert not (blocks_of(sites).fold == blocks_of(sites, seed=43).fold).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 2_000.0, 15_000.0]), st.integers(0, 4))
def test_nothing_trained_on_is_near_a_test_site(seed: int, buffer_m: float, fold: int) -> None:
    sites, background = scattered(150, 3, seed=seed), points(80, seed=seed + 1)
    blocks = blocks_of(sites, background=background, side=20.0)
    split = blocks.split(fold, buffer_m)
    assert split.testing.tolist() == np.flatnonzero(blocks.fold == fold).tolist()
    tested = np.stack([sites.x, sites.y], 1)[split.testing]
    for mine, x, y, of_fold in (
        (split.training, sites.x, sites.y, blocks.fold),
        (split.background_training, background.x, background.y, blocks.background_fold),
    ):
        nearest = spatial.distance.cdist(np.stack([x, y], 1), tested).min(axis=1)
        wanted = (of_fold != fold) & ((nearest > buffer_m) | (buffer_m == 0))
        assert mine.tolist() == np.flatnonzero(wanted).tolist()


def test_early_stopping_uses_blocks_inside_the_training_folds() -> None:
    sites, background = scattered(1000), points(400)
    blocks = blocks_of(sites, background=background)
    outer, inner = blocks.split(2, 3_000.0), blocks.inner(2, 3_000.0)
    assert set(inner.training) | set(inner.testing) <= set(outer.training)
    assert not set(blocks.block[inner.training]) & set(blocks.block[inner.testing])
    assert not set(blocks.background_block[inner.background_training]) & set(blocks.block[inner.testing])
    assert set(inner.background_training) <= set(outer.background_training)
    assert len(inner.testing) == pytest.approx(len(outer.training) / 5, rel=0.1)
    places = np.stack([sites.x, sites.y], 1)
    assert spatial.distance.cdist(places[inner.training], places[inner.testing]).min() > 3_000
    assert spatial.distance.cdist(places[inner.testing], places[outer.testing]).min() > 3_000
    everything = blocks.inner(None, 0.0)
    assert len(everything.training) + len(everything.testing) == 1000


def test_one_fold_keeps_a_fifth_of_the_blocks_out_for_good() -> None:
    blocks = blocks_of(scattered(1000), folds=1)
    assert set(blocks.fold) == {0, -1}
    assert (blocks.fold == 0).mean() == pytest.approx(0.2, abs=0.02)
    split = blocks.split(0, 0.0)
    assert len(split.training) + len(split.testing) == 1000


def test_the_automatic_side_follows_window_and_autocorrelation() -> None:
    sites = scattered(800)
    wide = blocks_of(sites, side="auto", window=6_000.0)
    assert wide.side_m == 12_000
    too_wide = blocks_of(sites, side="auto", window=60_000.0)
    assert too_wide.side_m <= 100_000 / 3 and too_wide.count >= 20
    assert "too few" in too_wide.notes[1]


def field(seed: int, length: float, side: int = 200) -> np.ndarray:
    """A smooth random field over a grid of kilometres, correlated as a Gaussian kernel of that width."""
    noise = np.random.default_rng(seed).normal(size=(side, side))
    return ndimage.gaussian_filter(noise, length, mode="wrap")


@pytest.mark.parametrize("length", [3.0, 8.0])
def test_the_range_of_autocorrelation_is_that_of_the_field(length: float) -> None:
    draw = np.random.default_rng(0)
    place = draw.integers(0, 200, (900, 2))
    labels = np.stack(
        [(f := field(seed, length))[place[:, 0], place[:, 1]] > np.median(f) for seed in range(5)], axis=1
    ).astype(float)
    found = autocorrelation_range(place * 1000.0, labels, np.ones_like(labels, dtype=bool))
    # The field's correlation is exp(-h^2 / 4 length^2), that of its sign 2/pi asin of it: 0.1 at 0.156.
    expected = 1000 * 2 * length * np.sqrt(-np.log(np.sin(0.1 * np.pi / 2)))
    assert found == pytest.approx(expected, rel=0.35)


def test_labels_without_pattern_or_variety_have_no_range() -> None:
    draw = np.random.default_rng(0)
    places = draw.uniform(0, 100_000, (600, 2))
    known = np.ones((600, 3), bool)
    assert autocorrelation_range(places, (draw.random((600, 3)) < 0.5).astype(float), known) < 10_000
    assert autocorrelation_range(places, np.ones((600, 3)), known) == 0.0


@pytest.mark.parametrize(
    ("sites", "folds", "side", "words"),
    [
        (scattered(3), 5, 10.0, "3 sites for 5 folds"),
        (scattered(50), 5, 1000.0, "in 1 block of 1000 km, fewer than the 5 folds"),
    ],
)
def test_too_few_sites_or_blocks_are_refused(sites: SiteTable, folds: int, side: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        blocks_of(sites, folds=folds, side=side)


def test_a_buffer_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="buffer_km"):
        blocks_of(scattered()).split(0, 1e6)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:2263"])
def test_distances_are_metres_on_the_ground(crs: str) -> None:
    lonlat = CRS("EPSG:4326")
    near = (np.array([-74.0, -73.9]), np.array([40.7, 40.8]))
    x, y = transformer(lonlat, CRS(crs)).transform(*near)
    plane = MetricPlane(x, y, CRS(crs))
    places = plane.places(x, y, CRS(crs))
    _, _, expected = Geod(ellps="WGS84").inv(near[0][0], near[1][0], near[0][1], near[1][1])
    assert np.hypot(*(places[1] - places[0])) == pytest.approx(expected, rel=0.001)
    assert np.abs(places - plane.places(*near, lonlat)).max() < 0.01


def test_coordinates_true_to_scale_are_kept() -> None:
    sites = scattered()
    plane = MetricPlane(sites.x, sites.y, CRS(UTM))
    assert (plane.places(sites.x, sites.y, CRS(UTM))[:, 0] == sites.x).all()


def test_within_counts_the_distance_itself() -> None:
    places = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.1]])
    assert within(places, places[:1], 5.0).tolist() == [True, True, False]
    assert within(places, places[:1], 0.0).tolist() == [False, False, False]


def test_fold_distance_is_the_wasserstein_distance_of_nearest_neighbours() -> None:
    sites, background = scattered(300), points(500)
    blocks = blocks_of(sites)
    found = fold_distance(blocks, background.x, background.y, CRS(UTM), 5_000.0)
    places, to_map = np.stack([sites.x, sites.y], 1), np.stack([background.x, background.y], 1)
    test = []
    for fold in range(5):
        split = blocks.split(fold, 5_000.0)
        test += spatial.distance.cdist(places[split.testing], places[split.training]).min(axis=1).tolist()
    of_map = spatial.distance.cdist(to_map, places).min(axis=1)
    assert found.w_m == pytest.approx(stats.wasserstein_distance(test, of_map))
    assert found.test_median_m == pytest.approx(np.median(test))
    assert found.differs and "harder than the map" in found.sentence()


@pytest.mark.parametrize(
    ("w", "test", "of_map", "words"),
    [
        (1.0, 10.0, 10.0, "as hard as the map"),
        (8.0, 15.0, 2.0, "harder than the map"),
        (8.0, 2.0, 15.0, "easier than the map"),
        (8.0, 10.0, 11.0, "may not hold"),
    ],
)
def test_a_difference_of_distances_is_put_in_words(w: float, test: float, of_map: float, words: str) -> None:
    assert words in FoldDistance(w * 1000, test * 1000, of_map * 1000).sentence()


def test_random_folds_of_sites_as_dense_as_the_map_do_not_differ() -> None:
    sites, background = scattered(3000), points(500)
    blocks = blocks_of(sites, side=0.5)
    found = fold_distance(blocks, background.x, background.y, CRS(UTM), 0.0)
    assert not found.differs and "as hard as the map" in found.sentence()
