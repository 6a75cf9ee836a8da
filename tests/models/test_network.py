"""The network's parts add up, and switching off is what it says."""

from __future__ import annotations

import pytest
import torch
from scalescape.models.architecture import Architecture
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture
from scalescape.models.scale_dropout import draw_kept, kept_probabilities

torch.set_num_threads(1)


def network_and_patches() -> tuple[FusionNetwork, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    shape = architecture("default", {"bioclim": 2, "satellite": 3}, species=4, width=0.03)
    network = FusionNetwork(shape).double().eval()
    for replacement in network.replacements.values():
        torch.nn.init.normal_(replacement)
    patches = {
        "bioclim": torch.randn(6, 2, 5, 5, dtype=torch.float64),
        "satellite": torch.randn(6, 3, 115, 115, dtype=torch.float64),
    }
    return network, patches


def test_contributions_and_bias_add_up_to_the_logits() -> None:
    network, patches = network_and_patches()
    parts = network.contributions(network.features(patches))
    assert list(parts) == list(network.architecture.branch_keys)
    torch.testing.assert_close(sum(parts.values()) + network.head.bias, network(patches), rtol=0, atol=1e-12)


def test_a_branch_without_features_contributes_its_replacement() -> None:
    network, patches = network_and_patches()
    features = network.features(patches)
    del features["satellite", 115]
    off = torch.zeros(6, dtype=torch.bool)
    torch.testing.assert_close(network.logits(features), network(patches, {("satellite", 115): off}))
    parts = network.contributions(features)
    assert parts["satellite", 115].std(dim=0).max() < 1e-12
    torch.testing.assert_close(sum(parts.values()) + network.head.bias, network.logits(features))


def test_each_branch_sees_the_centre_of_the_patch() -> None:
    network, patches = network_and_patches()
    patch = patches["satellite"]
    changed = patch.clone()
    edge = (115 - 59) // 2
    changed[:, :, :edge] += 5
    changed[:, :, -edge:] += 5
    before, after = network.features({"satellite": patch}), network.features({"satellite": changed})
    torch.testing.assert_close(before["satellite", 25], after["satellite", 25])
    torch.testing.assert_close(before["satellite", 59], after["satellite", 59])
    assert not torch.allclose(before["satellite", 115], after["satellite", 115])


def test_a_padded_network_takes_patches() -> None:
    shape = architecture("paper-multi", {"satellite": 3}, species=2, width=0.03)
    padded = FusionNetwork(Architecture(shape.modalities, 2, "zero", False)).eval()
    assert padded({"satellite": torch.randn(3, 3, 115, 115)}).shape == (3, 2)


def test_the_papers_widths() -> None:
    network = FusionNetwork(architecture("paper-bimodal", {"bioclim": 19, "satellite": 4}, species=7))
    assert [m.out_channels for m in network.backbones["bioclim"] if hasattr(m, "out_channels")] == [
        32,
        64,
        128,
        256,
    ]
    assert network.branch(("satellite", 59)).stack[0].in_channels == 128
    assert network.branch(("satellite", 59)).stack[0].out_channels == 512
    assert network.branch(("bioclim", 1)).project.out_features == 1024
    assert network.head.in_features == 5 * 1024
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.branch(("satellite", 115)).modules())


def test_scale_dropout_keeps_the_smallest_scales_with_the_stated_probabilities() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 3}, species=1, width=0.03)
    kept = draw_kept(shape, 40_000, torch.Generator().manual_seed(0))
    numbers = sum(kept["satellite", s].int() for s in (25, 59, 115))
    assert (kept["satellite", 25] >= kept["satellite", 59]).all()
    assert (kept["satellite", 59] >= kept["satellite", 115]).all()
    for number, wanted in enumerate([0.1, 0.25, 0.25, 0.4]):
        assert abs((numbers == number).float().mean() - wanted) < 0.01
    assert kept_probabilities(1) == [0.1, 0.9]
    assert kept_probabilities(2) == pytest.approx([0.1, 0.3, 0.6])
