"""Winograd's convolutions are convolutions, for any size, dilation and view, to about the last digits."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
import torch.nn.functional as functional
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.models import winograd
from scalescape.models.architecture import Architecture
from scalescape.models.dense import DenseModality, DenseStrips
from scalescape.models.fusion import fused
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture
from scalescape.models.winograd import POINTS, Winograd, share_of_time, toom_cook, transformed_bytes
from torch import Tensor, nn

torch.set_num_threads(1)


def convolved(values: Tensor, layer: nn.Conv2d, dilation: int, rectify: bool = False) -> Tensor:
    rows, columns = (side - 2 * dilation for side in values.shape[-2:])
    out = values.new_full((1, rows, columns, layer.out_channels), float("nan")).permute(0, 3, 1, 2)
    with torch.no_grad():
        Winograd().convolve(values, layer, dilation, rectify, out)
    return out


def test_the_matrices_filter_along_one_axis() -> None:
    points = tuple(Fraction(n) for n in (0, 1, -1))
    for chosen, outputs in ((points, 2), (POINTS, 4)):
        kernel, tile, back = toom_cook(chosen, outputs)
        d, g = torch.randn(outputs + 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64)
        wanted = torch.stack([d[i : i + 3] @ g for i in range(outputs)])
        torch.testing.assert_close(back @ ((kernel @ g) * (tile @ d)), wanted)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    dilation=st.integers(1, 9),
    bias=st.booleans(),
    rectify=st.booleans(),
    tiles=st.sampled_from([1, 5, 128]),
)
def test_any_size_and_dilation(
    rows: int, columns: int, dilation: int, bias: bool, rectify: bool, tiles: int
) -> None:
    layer = nn.Conv2d(5, 7, 3, bias=bias).double()
    values = torch.randn(1, 5, rows + 2 * dilation + 3, columns + 2 * dilation + 2, dtype=torch.float64)
    values = values.contiguous(memory_format=torch.channels_last)[:, :, 1:-2, 2:]  # a view into a larger map
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "WORTH_IT", 10.0)
        patch.setattr(winograd, "TILES", tiles)
        got = convolved(values, layer, dilation, rectify)
    wanted = functional.conv2d(values, layer.weight, layer.bias, dilation=dilation)
    torch.testing.assert_close(got, wanted.relu() if rectify else wanted, rtol=0, atol=1e-12)


def test_rounding_in_float32_is_a_millionth() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(512, 32, 3)
    values = torch.randn(1, 512, 34, 34).relu_()
    exact = functional.conv2d(values.double(), layer.weight.double(), layer.bias.double())
    error = convolved(values, layer, 1) - exact
    assert error.square().mean().sqrt() < 2e-6 * exact.std() and error.abs().max() < 1.5e-5 * exact.std()


def test_it_is_taken_where_it_pays() -> None:
    def share(
        inputs: int, outputs: int, side: int, stride: int = 1, dilation: int = 1, kernel: int = 3
    ) -> float:
        length = side + (kernel - 1) * dilation
        return share_of_time((1, inputs, length, length), (outputs, inputs, kernel, kernel), stride, dilation)

    assert share(512, 512, 64) < 0.5 < share(128, 64, 64) < 1
    assert share(512, 512, 64, stride=2) == share(512, 512, 64, kernel=1) == share(16, 16, 64) == 1
    assert share(512, 512, 16) == 1  # too few positions
    assert share(512, 512, 65, dilation=16) == 1  # tiles would be half empty
    layers = [nn.Conv2d(8, 8, 3), nn.Conv2d(512, 512, 1), nn.ReLU(), nn.Conv2d(128, 512, 3)]
    assert transformed_bytes(layers[:3]) == 0 < 36 * 128 * 512 * 4 < transformed_bytes(layers)


def test_a_wide_network_is_the_same_with_it_strip_by_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = architecture("paper-multi", {"satellite": 3}, species=2, width=0.2)
    torch.manual_seed(0)
    network = fused(FusionNetwork(shape).double().eval())
    plain = DenseModality(network, "satellite", 1)
    frozen = DenseModality(network, "satellite", 1, frozen=True)
    tile = torch.randn(1, 3, plain.input_side(70), plain.input_side(40), dtype=torch.float64)
    tile = tile.contiguous(memory_format=torch.channels_last)
    taken = []
    honest = Winograd.convolve
    monkeypatch.setattr(winograd, "SHARE", 0.0)
    monkeypatch.setattr(Winograd, "convolve", lambda self, *a: (taken.append(a[2]), honest(self, *a))[1])
    with torch.no_grad():
        wanted = plain.features(tile)
        assert not taken
        column = DenseStrips(frozen, 40, 35)
        column.feed(tile)
        parts = [column.take(35), column.take(35)]
    assert set(taken) >= {2, 4, 8, 16}
    for key, features in wanted.items():
        got = torch.cat([part[key] for part in parts], dim=2)
        torch.testing.assert_close(got, features, rtol=0, atol=1e-9)


def test_training_does_not_take_it() -> None:
    shape = architecture("paper-multi", {"satellite": 3}, species=2, width=0.05)
    assert DenseModality(FusionNetwork(Architecture(shape.modalities, 2)), "satellite", 1).winograd is None
