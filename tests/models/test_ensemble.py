"""An ensemble is one network whose logits are the mean of its members'."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.models.architecture import Architecture
from scalescape.models.ensemble import averaged, side_by_side
from scalescape.models.errors import ModelError
from scalescape.models.fusion import fused
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture

torch.set_num_threads(1)


def member(shape: Architecture, seed: int) -> FusionNetwork:
    """A network of random weights, its norms as if trained."""
    torch.manual_seed(seed)
    network = FusionNetwork(shape).double()
    for name, values in network.state_dict().items():
        if name.endswith("running_var"):
            values.uniform_(0.5, 2)
        elif values.dim() == 1 and values.is_floating_point():
            values.normal_()
    return network.eval()


@settings(deadline=None, max_examples=20)
@given(
    members=st.integers(1, 4),
    norm=st.booleans(),
    padding=st.sampled_from(["valid", "zero"]),
    scales=st.sampled_from([{"soil": (1,)}, {"soil": (1, 5)}, {"soil": (1, 3), "satellite": (25, 31)}]),
)
def test_logits_are_the_mean_of_the_members(
    members: int, norm: bool, padding: str, scales: dict[str, tuple[int, ...]]
) -> None:
    bands = {name: 2 + number for number, name in enumerate(scales)}
    shape = architecture("default", bands, 3, 0.02, scales, branch_norm=norm, padding=padding)
    networks = [member(shape, seed) for seed in range(members)]
    patches = {
        name: torch.randn(5, bands[name], max(sides), max(sides), dtype=torch.float64)
        for name, sides in scales.items()
    }
    one = averaged(networks)
    assert one.architecture == side_by_side(shape, members)
    with torch.no_grad():
        wanted = torch.stack([network(patches) for network in networks]).mean(dim=0)
        torch.testing.assert_close(one.double()(patches), wanted, rtol=0, atol=1e-5)
        branch = shape.branch_keys[0]
        off = {branch: torch.zeros(5, dtype=torch.bool)}
        wanted = torch.stack([network(patches, off) for network in networks]).mean(dim=0)
        torch.testing.assert_close(one(patches, off), wanted, rtol=0, atol=1e-5)
        torch.testing.assert_close(fused(one)(patches), one(patches), rtol=0, atol=1e-5)


def test_networks_of_other_shapes_cannot_be_averaged() -> None:
    shapes = [architecture("climate-only", {"bioclim": bands}, 2, 0.02) for bands in (1, 2)]
    with pytest.raises(ModelError, match="one shape"):
        averaged([FusionNetwork(shape) for shape in shapes])
    with pytest.raises(ModelError, match="one at least"):
        averaged([])
