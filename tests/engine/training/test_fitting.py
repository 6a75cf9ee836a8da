"""Training one network: order, masks, resuming, divergence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scalescape.engine.errors import Cancelled, InputError
from scalescape.engine.progress import Monitor
from scalescape.engine.protocol import Progress
from scalescape.engine.sites.site_table import SiteTable
from scalescape.engine.training.augmentation import TURNS, turned
from scalescape.engine.training.batches import Batches, Moment, Places
from scalescape.engine.training.fitting import Fitted, Share, Turn, fit
from scalescape.engine.training.prediction import branch_means, logits_at
from scalescape.engine.training.recipe import Recipe
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
    return Places(table, POINTS, {"bioclim": Stored(climate), "satellite": Stored(image)})


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


def test_what_was_not_surveyed_changes_nothing(tmp_path: Path) -> None:
    """Labels in cells that nobody surveyed may be anything: the weights are the same to the bit."""
    masked = places(holes=True)
    table = masked.sites
    lied = table.found.toarray() | table.holes.toarray()
    assert lied.sum() > table.found.sum()
    other = Places(
        SiteTable(**{**vars(table), "found": sparse.csr_array(lied)}), masked.background, masked.patches
    )
    recipe = Recipe(epochs=1, batch_size=64)
    one = trained(masked, tmp_path / "one.ckpt", recipe=recipe)
    two = trained(other, tmp_path / "two.ckpt", recipe=recipe)
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, two.network.state_dict()[name]), name


def test_divergence_is_said_and_the_last_good_state_kept(tmp_path: Path) -> None:
    broken = places()
    broken.patches["bioclim"].values[17] = np.nan  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"diverged in epoch 1: the loss is nan; lower training.learning_rate"):
        trained(broken, tmp_path / "state.ckpt")

    def spoil(report: Progress) -> None:
        if report.done == 2:
            good.patches["bioclim"].values[:] = np.nan  # type: ignore[attr-defined]

    good = places()
    with pytest.raises(InputError, match="diverged in epoch 3"):
        trained(good, tmp_path / "state.ckpt", Monitor(spoil))
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["epoch"] == 1


def test_every_site_comes_once_an_epoch_with_its_own_patch() -> None:
    where = places()
    epoch = 0
    batches = Batches(where, SHARE.sites, SHARE.background, 64, (1, 2), (), lambda: Moment(epoch))
    orders = []
    for epoch in range(2):  # noqa: B007
        seen = list(batches)
        assert len(seen) == len(batches)
        order = []
        for batch in seen:
            sites = len(batch.found)
            assert len(batch.patches["bioclim"]) == 2 * sites
            for patch, found in zip(batch.patches["bioclim"], batch.found, strict=False):
                (index,) = np.flatnonzero(
                    (where.patches["bioclim"].batch(SHARE.sites)[:, 0, 0, 0] == float(patch[0, 0, 0]))
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
        one = Batches(where, SHARE.sites, SHARE.background, 32, (1,), (), lambda rank=rank: Moment(0, rank, 3))
        seen += [float(v) for batch in one for v in batch.patches["bioclim"][: len(batch.found), 0, 0, 0]]
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
        plain = network.features(where.tensors(index))
    for key, mean in branch_means(network, where, index).items():
        assert torch.allclose(mean, plain[key].mean(dim=0), atol=1e-5)
