"""Contributions are what a plain sum gives, add up to the logit, and the rule names the right branch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.models.attribution import (
    centred_bias,
    centred_contributions,
    contribution_network,
    dominant_branch,
    lead,
    replaced_contributions,
)
from scalescape.models.card import Band, Card, Modality, Species, Training
from scalescape.models.model_file import ModelFile, read_model, write_model
from scalescape.models.network import FusionNetwork, branch_name
from scalescape.models.presets import architecture

SHAPE = architecture(
    "default", {"bioclim": 2, "satellite": 3}, species=4, width=0.03,
    scales={"bioclim": (1, 3), "satellite": (25, 29)},
)  # fmt: skip


def random_model(scale_dropout: bool = True) -> ModelFile:
    """A network of random weights with means and replacements that are not zero."""
    torch.manual_seed(0)
    network = FusionNetwork(SHAPE).eval().requires_grad_(False)
    means = {}
    for modality in SHAPE.modalities:
        for branch in modality.branches:
            key = modality.name, branch.scale
            means[key] = torch.rand(branch.out_size)
            network.replacements[branch_name(key)].uniform_(-1, 1)
    quantiles = tuple(float(v) for v in np.linspace(-3, 3, 101))
    card = Card(
        name="random", summary="", licence="", citation="", architecture=SHAPE.to_dict(),
        modalities=tuple(
            Modality(m.name, tuple(Band(f"b{i}", 0, 1, 0, quantiles) for i in range(m.bands)), 10, "metre",
                     m.scales)
            for m in SHAPE.modalities
        ),
        species=tuple(Species(f"s{i}", 1, "po") for i in range(4)),
        training=Training("none", 1.0, scale_dropout=scale_dropout),
    )  # fmt: skip
    return ModelFile(network, card, means)


def patches(sites: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {m.name: torch.randn(sites, m.bands, max(m.scales), max(m.scales)) for m in SHAPE.modalities}


def test_contributions_equal_a_plain_sum_over_features_and_add_up_to_the_logit() -> None:
    model = random_model()
    inputs = patches(3)
    features = model.network.features(inputs)
    found = centred_contributions(model.network, features, model.branch_means)
    weight = model.network.head.weight.numpy().astype(float)
    start = 0
    for key in SHAPE.branch_keys:
        size = features[key].shape[1]
        for site in range(3):
            for species in range(4):
                plain = sum(
                    weight[species, start + i]
                    * (float(features[key][site, i]) - float(model.branch_means[key][i]))
                    for i in range(size)
                )
                assert float(found[key][site, species]) == pytest.approx(plain, abs=1e-6)
        start += size
    total = sum(found.values()) + centred_bias(model.network, model.branch_means)
    torch.testing.assert_close(total, model.network(inputs), atol=1e-5, rtol=0)


def test_a_branch_that_is_off_contributes_its_replacement_minus_its_mean() -> None:
    model = random_model()
    features = model.network.features(patches(2))
    del features["satellite", 29], features["bioclim", 1]
    found = centred_contributions(model.network, features, model.branch_means)
    total = sum(found.values()) + centred_bias(model.network, model.branch_means)
    torch.testing.assert_close(total, model.network.logits(features), atol=1e-5, rtol=0)
    alone = replaced_contributions(model.network, model.branch_means)
    for key in (("satellite", 29), ("bioclim", 1)):
        torch.testing.assert_close(found[key], alone[key].expand(2, -1), atol=1e-6, rtol=0)


def test_the_contribution_network_gives_contributions_in_place_of_logits() -> None:
    model = random_model()
    inputs = patches(2)
    wanted = centred_contributions(model.network, model.network.features(inputs), model.branch_means)
    got = contribution_network(model, [2, 0])(inputs).reshape(2, len(SHAPE.branch_keys), 2)
    for place, key in enumerate(SHAPE.branch_keys):
        torch.testing.assert_close(got[:, place], wanted[key][:, [2, 0]], atol=1e-6, rtol=0)


def test_without_scale_dropout_the_mean_stands_for_what_is_off(tmp_path: Path) -> None:
    for scale_dropout in (True, False):
        model = random_model(scale_dropout)
        write_model(tmp_path / "model.safetensors", model)
        read = read_model(tmp_path / "model.safetensors")
        off = replaced_contributions(read.network, read.branch_means)
        largest = max(float(value.abs().max()) for value in off.values())
        assert (largest == 0) is not scale_dropout


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_the_rule_takes_the_modality_by_its_sum_and_in_it_the_largest_branch(values: list[float]) -> None:
    keys = [("a", 1), ("a", 3), ("b", 25), ("b", 59)]
    by_branch = {key: abs(value) for key, value in zip(keys, values, strict=True)}
    by_modality = {"a": abs(values[0] + values[1]), "b": abs(values[2] + values[3])}
    modality, scale = dominant_branch(by_modality, by_branch)
    assert by_modality[modality] == max(by_modality.values())
    assert by_branch[modality, scale] == max(v for key, v in by_branch.items() if key[0] == modality)


def test_two_large_branches_that_cancel_do_not_make_their_modality_dominant() -> None:
    assert dominant_branch({"a": 0.1, "b": 1.0}, {("a", 1): 5, ("a", 3): 5, ("b", 25): 1}) == ("b", 25)
    assert lead({"a": 3.0, "b": 1.5}, "a") == 2
    assert lead({"a": 3.0, "b": 1.5}, "b") == 0.5
    assert lead({"a": 3.0}, "a") == float("inf")
