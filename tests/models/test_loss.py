"""The full weighted loss is the paper's sum, term by term, and survives its extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scalescape.models.loss import FullWeightedLoss


def loss_by_hand(
    logits: np.ndarray,
    presence: np.ndarray,
    counts: list[int],
    sites: int,
    lambda2: float,
    background: np.ndarray,
) -> float:
    """Zbinden et al. 2024, one site and species at a time; ``sites`` and ``counts`` are of the training set."""
    total = 0.0
    for site in range(len(logits)):
        for species, count in enumerate(counts):
            probability = 1 / (1 + math.exp(-logits[site, species]))
            weight = sites / count
            if presence[site, species]:
                total += -math.log(probability) * weight / logits.size
            else:
                total += lambda2 * -math.log(1 - probability) * weight / (weight - 1) / logits.size
    for point in range(len(background)):
        for species in range(len(counts)):
            probability = 1 / (1 + math.exp(-background[point, species]))
            total += (1 - lambda2) * -math.log(1 - probability) / background.size
    return total


@pytest.mark.parametrize("lambda2", [0.5, 0.8, 1.0])
def test_it_is_the_weighted_sum_over_sites_and_background(lambda2: float) -> None:
    rng = np.random.default_rng(0)
    presence = rng.random((40, 3)) < [0.5, 0.2, 0.05]
    presence[0] = True
    logits, background = rng.normal(size=(40, 3)) * 2, rng.normal(size=(25, 3))
    counts = presence.sum(axis=0).tolist()
    loss = FullWeightedLoss(torch.tensor(counts), 40, lambda2)
    value = loss(
        torch.tensor(logits, dtype=torch.float32),
        torch.tensor(presence, dtype=torch.float32),
        torch.tensor(background, dtype=torch.float32),
    )
    assert float(value) == pytest.approx(
        loss_by_hand(logits, presence, counts, 40, lambda2, background), rel=1e-5
    )


def test_the_paper_leaves_background_out() -> None:
    loss = FullWeightedLoss(torch.tensor([2]), 4, lambda2=1.0)
    logits, presence = torch.zeros(4, 1), torch.tensor([[1.0], [1.0], [0.0], [0.0]])
    assert float(loss(logits, presence, torch.full((5, 1), 3.0))) == float(loss(logits, presence))


def test_species_at_every_site_at_one_site_and_at_none_give_finite_values_and_gradients() -> None:
    sites = 50
    presence = torch.zeros(sites, 3)
    presence[:, 0] = 1
    presence[7, 1] = 1
    logits = torch.full((sites, 3), 60.0)
    logits[::2] = -60.0
    logits.requires_grad_()
    background = torch.full((10, 3), 80.0, requires_grad=True)
    loss = FullWeightedLoss(presence.sum(dim=0), sites, lambda2=0.5)
    value = loss(logits, presence, background)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[:, 2] == 0).all(), "a species without a site teaches nothing"
    assert (background.grad[:, 2] == 0).all()
    assert (logits.grad[:, 1] != 0).any()


def test_presences_other_sites_and_background_weigh_alike_for_rare_and_common_species() -> None:
    presence = torch.zeros(100, 2)
    presence[:50, 0] = 1
    presence[:2, 1] = 1
    loss = FullWeightedLoss(presence.sum(dim=0), 100, lambda2=0.5)
    logits = torch.zeros(100, 2, requires_grad=True)
    background = torch.zeros(30, 2, requires_grad=True)
    loss(logits, presence, background).backward()
    for species in range(2):
        present = presence[:, species] == 1
        pull_up = -logits.grad[present, species].sum()
        push_down = logits.grad[~present, species].sum() + background.grad[:, species].sum()
        assert float(pull_up) == pytest.approx(float(push_down), rel=1e-5)


def test_a_species_not_looked_for_everywhere_weighs_as_if_it_were() -> None:
    """The mean over its own surveys alone, species by species, written out."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(40, 3)).astype(np.float32)
    surveyed = np.stack([np.ones(40, bool), np.arange(40) < 10, rng.random(40) < 0.5], axis=1)
    presence = (rng.random((40, 3)) < 0.4) & surveyed
    loss = FullWeightedLoss(
        torch.from_numpy(presence.sum(axis=0)), 40, 0.8, torch.from_numpy(surveyed.sum(axis=0))
    )
    by_species = []
    for species in range(3):
        looked = surveyed[:, species]
        found = presence[looked, species]
        probability = 1 / (1 + np.exp(-logits[looked, species].astype(np.float64)))
        share = found.mean()
        costs = np.where(found, -np.log(probability) / share, 0.8 * -np.log(1 - probability) / (1 - share))
        by_species.append(costs.mean())
    lied = presence | ~surveyed
    made = loss(torch.from_numpy(logits), torch.from_numpy(lied).float(), None, torch.from_numpy(surveyed))
    assert float(made) == pytest.approx(np.mean(by_species), rel=1e-5)
