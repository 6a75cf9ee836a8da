"""Training one network: order, masks, resuming, divergence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scalescape.engine.protocol import Progress
from scalescape.engine.recipes.recipe import Recipe
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.sites.site_table import SiteTable
from scalescape.engine.training.augmentation import TURNS, turned
from scalescape.engine.training.batches import FEWEST, Batches, Moment, Places
from scalescape.engine.training.fitting import Fitted, Share, Turn, fit
from scalescape.engine.training.prediction import branch_means, logits_at
from scalescape.engine.training.sights import TILE_SITES, LatticeSight, PatchSight, lattice_pays, lattice_step
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture
from scipy import sparse
from sklearn.metrics import roc_auc_score

SITES, POINTS = 300, 200
SHARE = Share(np.arange(SITES), np.arange(SITES, SITES + POINTS))
ARCHITECTURE = architecture(
    "default", {"bioclim": 2, "satellite": 3}, 2, 0.06, {"bioclim": (1,), "satellite": (25,)}
)
RECIPE = Recipe(epochs=4, batch_size=64, learning_rate=3e-3, patience=10)


class Stored:
    """Patches in memory."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def batch(self, index: np.ndarray) -> np.ndarray:
        return self.values[index]


def places(seed: int = 0, holes: bool = False) -> Places:
    """Two species: one follows climate, the other the image around the site."""
    draw = np.random.default_rng(seed)
    climate = draw.standard_normal((SITES + POINTS, 2, 1, 1)).astype(np.float32)
    image = draw.standard_normal((SITES + POINTS, 3, 25, 25)).astype(np.float32)
    image += draw.standard_normal((SITES + POINTS, 1, 1, 1)).astype(np.float32)
    truth = np.stack([climate[:SITES, 0, 0, 0], image[:SITES].mean(axis=(1, 2, 3))], axis=1)
    found = draw.random((SITES, 2)) < 1 / (1 + np.exp(-4 * truth))
    gaps = draw.random((SITES, 2)) < 0.5 if holes else np.zeros((SITES, 2), bool)
    table = SiteTable(
        x=np.zeros(SITES),
        y=np.zeros(SITES),
        crs="EPSG:4326",
        species=("climatic", "visible"),
        kinds=("po", "po"),
        found=sparse.csr_array(found & ~gaps),
        group=np.zeros(SITES, np.int32),
        surveyed=np.ones((1, 2), bool),
        holes=sparse.csr_array(gaps),
    )
    sights = {
        "bioclim": PatchSight("bioclim", Stored(climate)),
        "satellite": PatchSight("satellite", Stored(image), turned=True),
    }
    return Places(table, POINTS, sights)


def trained(where: Places, checkpoint: Path, monitor: Monitor | None = None, recipe: Recipe = RECIPE) -> Fitted:
    """Train one network, scored by AUC at the sites."""

    def score(network: FusionNetwork) -> float:
        logits = logits_at(network, where, SHARE.sites)
        found, _ = where.sites.labels(SHARE.sites)
        return float(np.mean([roc_auc_score(found[:, i], logits[:, i]) for i in range(2)]))

    return fit(
        ARCHITECTURE,
        where,
        SHARE,
        recipe,
        torch.tensor([0.5, 0.5]),
        Turn("network 1 of 1", 0, 0, recipe.epochs),
        checkpoint,
        monitor or Monitor(),
        torch.device("cpu"),
        score,
    )


def test_it_learns(tmp_path: Path) -> None:
    fitted = trained(
        places(), tmp_path / "state.ckpt", recipe=Recipe(epochs=12, batch_size=32, learning_rate=0.02)
    )
    assert fitted.score > 0.85
    assert 1 <= fitted.epochs <= 12
    assert not fitted.network.training


def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = trained(places(), tmp_path / "whole.ckpt")

    def stop(report: Progress) -> None:
        if report.done == 2:
            monitor.cancel()

    monitor = Monitor(stop)
    with pytest.raises(Cancelled):
        trained(places(), tmp_path / "cut.ckpt", monitor)
    resumed = trained(places(), tmp_path / "cut.ckpt")
    assert resumed.epochs == whole.epochs
    for name, weight in whole.network.state_dict().items():
        assert torch.equal(weight, resumed.network.state_dict()[name]), name


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    one = trained(places(), tmp_path / "one.ckpt", recipe=Recipe(epochs=1, batch_size=64))
    other = trained(places(), tmp_path / "other.ckpt", recipe=Recipe(epochs=1, batch_size=64, seed=43))
    assert not torch.equal(one.network.head.weight, other.network.head.weight)


def test_mixed_precision_is_used_where_it_is_asked_for(tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, batch_size=64)
    one = trained(places(), tmp_path / "one.ckpt", recipe=recipe)
    other = trained(places(), tmp_path / "other.ckpt", recipe=replace(recipe, precision="bfloat16"))
    weights, mixed = (fitted.network.head.weight for fitted in (one, other))
    assert mixed.dtype == torch.float32 and not torch.equal(weights, mixed)
    assert torch.allclose(weights, mixed, atol=0.02)


def test_a_batch_holds_two_sites_at_least(tmp_path: Path) -> None:
    """Batch norm can't learn from one; a batch size of 1 is no reason to fail."""
    recipe = Recipe(epochs=1, batch_size=1, n_background=0, lambda2=1.0)
    where, few = places(), Share(np.arange(7), np.arange(0))
    batches = Batches(where, few.sites, few.background, 1, (1,), lambda: Moment(0))
    assert sorted(len(batch.found) for batch in batches) == [2, 2, 3]
    fit(
        ARCHITECTURE,
        where,
        few,
        recipe,
        torch.tensor([1.0, 1.0]),
        Turn("network 1 of 1", 0, 0, 1),
        tmp_path / "state.ckpt",
        Monitor(),
        torch.device("cpu"),
    )


def test_what_was_not_surveyed_changes_nothing(tmp_path: Path) -> None:
    """Labels in cells that nobody surveyed may be anything: the weights are the same to the bit."""
    masked = places(holes=True)
    table = masked.sites
    lied = table.found.toarray() | table.holes.toarray()
    assert lied.sum() > table.found.sum()
    other = Places(
        SiteTable(**{**vars(table), "found": sparse.csr_array(lied)}), masked.background, masked.sights
    )
    recipe = Recipe(epochs=1, batch_size=64)
    one = trained(masked, tmp_path / "one.ckpt", recipe=recipe)
    two = trained(other, tmp_path / "two.ckpt", recipe=recipe)
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, two.network.state_dict()[name]), name


def test_divergence_is_said_and_the_last_good_state_kept(tmp_path: Path) -> None:
    broken = places()
    broken.sights["bioclim"].patches.values[17] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"diverged in epoch 1: the loss is nan; lower training.learning_rate"):
        trained(broken, tmp_path / "state.ckpt")

    def spoil(report: Progress) -> None:
        if report.done == 2:
            good.sights["bioclim"].patches.values[:] = np.nan  # type: ignore[attr-defined]

    good = places()
    with pytest.raises(InputError, match="diverged in epoch 3"):
        trained(good, tmp_path / "state.ckpt", Monitor(spoil))
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["epoch"] == 1


def test_every_site_comes_once_an_epoch_with_its_own_patch() -> None:
    where = places()
    epoch = 0
    batches = Batches(where, SHARE.sites, SHARE.background, 64, (1, 2), lambda: Moment(epoch))
    orders = []
    for epoch in range(2):  # noqa: B007
        seen = list(batches)
        assert len(seen) == len(batches)
        order = []
        for batch in seen:
            sites = len(batch.found)
            assert len(batch.seen["bioclim"].values) == 2 * sites
            for patch, found in zip(batch.seen["bioclim"].values, batch.found, strict=False):
                (index,) = np.flatnonzero(
                    where.seen(SHARE.sites)["bioclim"].values[:, 0, 0, 0].numpy() == float(patch[0, 0, 0])
                )
                assert np.array_equal(where.sites.labels(np.array([index]))[0][0], found.numpy())
                order.append(int(index))
        assert sorted(order) == list(range(SITES))
        orders.append(order)
    assert orders[0] != orders[1]


def test_processes_share_an_epoch() -> None:
    where = places()
    seen = []
    for rank in range(3):
        one = Batches(where, SHARE.sites, SHARE.background, 32, (1,), lambda rank=rank: Moment(0, rank, 3))
        seen += [float(v) for batch in one for v in batch.seen["bioclim"].values[: len(batch.found), 0, 0, 0]]
    assert len(seen) == len(set(seen)) == SITES


def test_a_patch_is_laid_down_in_eight_ways() -> None:
    patch = torch.arange(18.0).reshape(1, 2, 3, 3).expand(TURNS, 2, 3, 3)
    made = turned(patch, torch.arange(TURNS))
    assert len({tuple(one.flatten().tolist()) for one in made}) == TURNS
    assert torch.equal(made[0], patch[0])
    assert all(torch.equal(one[:, 1, 1], patch[0][:, 1, 1]) for one in made)
    for way, one in enumerate(made):
        plain = np.rot90(patch[0].numpy()[:, :, ::-1] if way >= 4 else patch[0].numpy(), way % 4, (1, 2))
        assert np.array_equal(one.numpy(), plain)


def test_branch_means_are_plain_means() -> None:
    where = places()
    torch.manual_seed(0)
    network = FusionNetwork(ARCHITECTURE).eval()
    index = np.arange(SITES, SITES + POINTS)
    with torch.no_grad():
        plain = network.features({name: one.values for name, one in where.seen(index).items()})
    for key, mean in branch_means(network, where, index).items():
        assert torch.allclose(mean, plain[key].mean(dim=0), atol=1e-5)


class Picture:
    """A raster in memory, zero outside."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def window(self, rows: slice, columns: slice) -> np.ndarray:
        made = np.zeros((len(self.values), rows.stop - rows.start, columns.stop - columns.start), np.float32)
        for i, row in enumerate(range(rows.start, rows.stop)):
            for j, column in enumerate(range(columns.start, columns.stop)):
                if 0 <= row < self.values.shape[1] and 0 <= column < self.values.shape[2]:
                    made[:, i, j] = self.values[:, row, column]
        return made


def on_a_lattice(step: int, turned: bool = False) -> tuple[LatticeSight, PatchSight]:
    """The same places seen by tiles and by patches."""
    draw = np.random.default_rng(5)
    picture = Picture(draw.standard_normal((3, 14 * step + 40, 13 * step + 40)).astype(np.float32))
    cells = np.stack(np.meshgrid(np.arange(14), np.arange(13), indexing="ij"), axis=-1).reshape(-1, 2)
    cells = draw.permutation(cells)[:90]
    rows, columns = (cells[:, axis] * step + offset for axis, offset in ((0, 7), (1, 21)))
    patches = np.stack(
        [
            picture.window(slice(row - 12, row + 13), slice(column - 12, column + 13))
            for row, column in zip(rows, columns, strict=True)
        ]
    )
    sight = LatticeSight("satellite", picture, rows, columns, step, 25, turned)
    return sight, PatchSight("satellite", Stored(patches))


@pytest.mark.parametrize("turned_tiles", [False, True])
@pytest.mark.parametrize("step", [3, 8])
def test_tiles_give_what_patches_give(step: int, turned_tiles: bool) -> None:
    tiles, patches = on_a_lattice(step, turned_tiles)
    network = FusionNetwork(architecture("paper-multi", {"satellite": 3}, 2, 0.06, {"satellite": (25,)})).eval()
    if turned_tiles:  # a network that does not care how a picture lies: only then the two must agree
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.data[:] = layer.weight.data.mean(dim=(2, 3), keepdim=True)
    index = np.random.default_rng(1).permutation(90)[:50]
    draw = np.random.default_rng(3) if turned_tiles else None
    with torch.no_grad():
        wanted = patches.features(network, patches.seen(index))
        found = tiles.features(network, tiles.seen(index, draw))
    for key, values in wanted.items():
        assert torch.allclose(values, found[key], atol=1e-5), key


def test_the_lattice_is_found_and_weighed() -> None:
    tiles, _ = on_a_lattice(8)
    assert lattice_step(tiles.rows, tiles.columns) == 8
    shape = architecture("default", {"satellite": 3}, 2, 0.06, {"satellite": (25, 59)})
    assert lattice_pays(shape, "satellite", 8, tiles.rows, tiles.columns)
    scattered = np.random.default_rng(0).integers(0, 20000, (2, 90))
    assert not lattice_pays(shape, "satellite", lattice_step(*scattered), *scattered)


def test_an_epoch_of_tiles_holds_every_place_once() -> None:
    tiles, _ = on_a_lattice(8)
    table = places().sites.taken(np.arange(60))
    where = Places(table, 30, {"satellite": tiles})
    batches = Batches(where, np.arange(60), np.arange(60, 90), 16, (1,), lambda: Moment(0))
    seen = [(sites, points) for sites, points in batches._tiled(np.random.default_rng(0), Moment(0))]
    assert sorted(np.concatenate([sites for sites, _ in seen])) == list(range(60))
    assert set(np.concatenate([points for _, points in seen])) <= set(range(60, 90))
    assert all(len(sites) for sites, _ in seen)
    tile = tiles.tiles
    for number, (sites, _) in enumerate(seen):
        others = np.concatenate([other for place, (other, _) in enumerate(seen) if place != number])
        assert not set(tile[sites]) & set(tile[others])
    assert TILE_SITES > 1
    chunks = list(where.chunks(np.arange(90), 20))
    assert sorted(np.concatenate(chunks)) == list(range(90))


def test_no_batch_of_tiles_holds_a_single_site() -> None:
    """Also where a tile holds one site, or more than a batch; processes get as many batches as each other."""
    tiles, _ = on_a_lattice(8)
    order = np.argsort(tiles.tiles, kind="stable")
    first = order[np.unique(tiles.tiles[order], return_index=True)[1]]  # a site of every tile
    crowded = np.flatnonzero(tiles.tiles == tiles.tiles[first[0]])
    sites = np.union1d(first, crowded)
    table = places().sites.taken(np.zeros(90, np.int64))
    where = Places(table, 0, {"satellite": tiles})
    assert len(first) >= 4
    for seed in range(20):
        batches = Batches(where, sites, sites[:0], 2, (1,), lambda: Moment(0))
        seen = [one for one, _ in batches._tiled(np.random.default_rng(seed), Moment(0))]
        assert min(len(one) for one in seen) >= FEWEST
        assert sorted(np.concatenate(seen)) == sites.tolist()
        shared = [list(batches._tiled(np.random.default_rng(seed), Moment(0, rank, 2))) for rank in range(2)]
        assert len(shared[0]) == len(shared[1])
