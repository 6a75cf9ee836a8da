"""Dense evaluation equals the network on every window, for any stack, scale, step and offset."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scalescape.models.architecture import Architecture, BranchShape, ModalityShape
from scalescape.models.cost import dense_cost, measured, on_meta
from scalescape.models.dense import DenseModality, DenseStrips
from scalescape.models.errors import ModelError
from scalescape.models.fusion import fused
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture
from scalescape.models.receptive_field import BACKBONE_FIELDS, Stack, available_scales, stack_for

torch.set_num_threads(1)


def random_network(shape: Architecture, seed: int) -> FusionNetwork:
    torch.manual_seed(seed)
    network = FusionNetwork(shape).double().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    for branch in network.branches.values():
        torch.nn.init.normal_(branch.project.bias, 1.0)  # so that ReLU does not hide a difference
    return network


def windows_one_by_one(network: FusionNetwork, name: str, tile: torch.Tensor, step: int, side: int):
    """Features of every window of ``side`` pixels, one every ``step``: by branch, (positions, out_size)."""
    rows, columns = ((length - side) // step + 1 for length in tile.shape[-2:])
    windows = [
        tile[0, :, r * step : r * step + side, c * step : c * step + side]
        for r, c in itertools.product(range(rows), range(columns))
    ]
    return network.features({name: torch.stack(windows)})


def check(network: FusionNetwork, name: str, step: int, rows: int, columns: int) -> None:
    dense = DenseModality(network, name, step)
    bands = network.architecture.modality(name).bands
    tile = torch.randn(1, bands, dense.input_side(rows), dense.input_side(columns), dtype=torch.float64)
    with torch.no_grad():
        got = dense.features(tile)
        wanted = windows_one_by_one(network, name, tile, step, dense.window)
    assert set(got) == set(wanted)
    for key, features in wanted.items():
        assert got[key].shape[-2:] == (rows, columns)
        flat = got[key][0].flatten(1).T
        torch.testing.assert_close(flat, features, rtol=0, atol=1e-10)


stacks = st.lists(st.tuples(st.sampled_from([1, 2, 3, 4]), st.sampled_from([1, 2, 3])), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None)
@given(
    chains=st.lists(stacks, min_size=1, max_size=3),
    backbone=st.sampled_from(["residual", "pointwise"]),
    step=st.integers(1, 40),
    rows=st.integers(1, 4),
    columns=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_any_stack_at_any_step(
    chains: list[list[tuple[int, int]]], backbone: str, step: int, rows: int, columns: int, seed: int
) -> None:
    start = BACKBONE_FIELDS[backbone]
    branches = {}
    for chain in chains:
        stack = Stack(tuple(k for k, _ in chain), tuple(p for _, p in chain))
        scale = stack.field(start).size
        if scale % 2 and scale < 120:
            branches[scale] = BranchShape(scale, stack, channels=3, out_size=4)
    if not branches:
        return
    widths = (2, 3, 3) if backbone == "residual" else (3, 2)
    ordered = tuple(branches[scale] for scale in sorted(branches))
    shape = Architecture((ModalityShape("m", 2, backbone, widths, ordered),), species=1)
    check(random_network(shape, seed), "m", step, rows, columns)


@pytest.mark.parametrize("preset", ["paper-bimodal", "default", "boxes-32-64-128", "climate-only"])
@pytest.mark.parametrize("step", [1, 2, 3, 16, 100])
def test_the_presets(preset: str, step: int) -> None:
    shape = architecture(preset, {"bioclim": 3, "satellite": 4}, species=2, width=0.03)
    network = random_network(shape, 0)
    for modality in shape.modalities:
        check(network, modality.name, step, 2, 2)


@settings(max_examples=30, deadline=None)
@given(
    step=st.integers(1, 20),
    strips=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    scales=st.sampled_from([(25,), (59,), (25, 59)]),
    seed=st.integers(0, 100),
    at_once=st.sampled_from([None, 1, 2, 7]),
)
def test_strip_by_strip_is_the_same_as_all_at_once(
    step: int, strips: list[int], scales: tuple[int, ...], seed: int, at_once: int | None
) -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=1, width=0.03)
    dense = DenseModality(random_network(shape, seed), "satellite", step, scales)
    rows, columns = sum(strips), 3
    tile = torch.randn(1, 2, dense.input_side(rows), dense.input_side(columns), dtype=torch.float64)
    with torch.no_grad():
        whole = dense.features(tile)
        column = DenseStrips(dense, columns, at_once)
        fed = done = 0
        for strip in strips:
            done += strip
            column.feed(tile[:, :, fed : dense.input_side(done)])
            fed = dense.input_side(done)
            assert column.available() == strip
            got = column.take(strip)
            for key, features in got.items():
                wanted = whole[key][:, :, done - strip : done]
                torch.testing.assert_close(features, wanted, rtol=0, atol=1e-10)


def test_memory_does_not_grow_down_a_column() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=1, width=0.05)
    dense = DenseModality(on_meta(FusionNetwork(shape).eval()), "satellite", 1)

    def column(strips: int) -> None:
        rows = DenseStrips(dense, 64)
        rows.feed(torch.empty(1, 2, dense.window - 1, dense.input_side(64), device="meta"))
        for _ in range(strips):
            rows.feed(torch.empty(1, 2, 16, dense.input_side(64), device="meta"))
            rows.take(16)

    few, many = measured(lambda: column(3)), measured(lambda: column(12))
    assert many.peak_bytes == few.peak_bytes
    # Nothing is computed twice: a row of a strip costs what one more row of a tall tile costs.
    one_more = (dense_cost(dense, 300, 64).flops - dense_cost(dense, 200, 64).flops) / 100
    assert (many.flops - few.flops) / (9 * 16) == one_more


def test_a_part_of_the_scales_can_be_had() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=1, width=0.03)
    network = random_network(shape, 0)
    tile = torch.randn(1, 2, 62, 62, dtype=torch.float64)
    got = DenseModality(network, "satellite", 3, (25, 59)).features(tile)
    wanted = network.features({"satellite": tile[:, :, :59, :59]}, {"satellite": (25, 59)})
    assert set(got) == set(wanted) == {("satellite", 25), ("satellite", 59)}
    for key in got:
        torch.testing.assert_close(got[key][..., 0, 0], wanted[key])


def test_folding_batch_norm_changes_nothing() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=3, width=0.03)
    network = random_network(shape, 0)
    patches = {
        "bioclim": torch.randn(5, 2, 5, 5, dtype=torch.float64),
        "satellite": torch.randn(5, 2, 115, 115, dtype=torch.float64),
    }
    torch.testing.assert_close(fused(network)(patches), network(patches), rtol=0, atol=1e-12)
    assert not [m for m in fused(network).modules() if isinstance(m, torch.nn.BatchNorm2d)]


def test_in_bfloat16_probabilities_stay_within_a_hundredth() -> None:
    """The paper's network at full width, random weights, logits over noise scaled to a deviation of 2."""
    shape = architecture("paper-multi", {"satellite": 4}, species=100)
    torch.manual_seed(0)
    network = fused(FusionNetwork(shape))
    rounded = network.in_precision("satellite", torch.bfloat16)
    assert rounded.precision_of("satellite") == torch.bfloat16 != network.precision_of("satellite")
    assert rounded.in_precision("satellite", torch.bfloat16) is rounded
    tile = torch.randn(1, 4, 121, 121).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        exact, rough = (
            one.logits(
                {k: v[0].flatten(1).T for k, v in DenseModality(one, "satellite", 1).features(tile).items()}
            )
            for one in (network, rounded)
        )
        alone = rounded({"satellite": tile[:, :, :115, :115]})
    torch.testing.assert_close(rough[:1], alone, rtol=0, atol=2e-3)
    scale = 2 / exact.std(dim=0).mean()
    difference = torch.sigmoid((exact - exact.mean(0)) * scale) - torch.sigmoid((rough - exact.mean(0)) * scale)
    assert 0 < difference.abs().max() < 0.01


def test_a_padded_network_is_refused() -> None:
    shape = architecture("paper-multi", {"satellite": 4}, species=1, width=0.03)
    padded = FusionNetwork(Architecture(shape.modalities, 1, "zero", False))
    with pytest.raises(ModelError, match="patch-wise"):
        DenseModality(padded, "satellite", 1)


def test_several_tiles_at_once_are_as_each_alone() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=1, width=0.03)
    dense = DenseModality(random_network(shape, 0), "satellite", 16)
    tiles = torch.randn(3, 2, dense.input_side(2), dense.input_side(4), dtype=torch.float64)
    with torch.no_grad():
        together = dense.features(tiles)
        for index in range(3):
            for key, features in dense.features(tiles[index : index + 1]).items():
                torch.testing.assert_close(together[key][index], features[0], rtol=0, atol=1e-10)


def test_gradients_flow_through_dense_evaluation() -> None:
    shape = architecture("default", {"bioclim": 2, "satellite": 2}, species=1, width=0.03)
    network = random_network(shape, 0)
    DenseModality(network, "satellite", 16).features(torch.randn(1, 2, 131, 131).double())[
        "satellite", 115
    ].sum().backward()
    gradient = network.backbones["satellite"][0].weight.grad
    assert gradient is not None and gradient.abs().sum() > 0


def test_the_paper_needs_hundreds_of_times_the_work_window_by_window() -> None:
    """Counted from shapes: a map pixel shared against a whole window (design: 480 times, halo aside)."""
    shape = architecture("paper-bimodal", {"bioclim": 19, "satellite": 4}, species=1)
    meta = on_meta(FusionNetwork(shape).eval())
    dense = DenseModality(meta, "satellite", 1)
    shared = dense_cost(dense, 512, 512).flops / 512**2
    patch = torch.empty(1, 4, 115, 115, device="meta")
    alone = measured(lambda: meta.features({"satellite": patch})).flops
    assert 300 < alone / shared < 600


@pytest.mark.parametrize("backbone", ["residual", "pointwise"])
def test_the_solver_hits_every_scale_exactly(backbone: str) -> None:
    for scale in available_scales(backbone):
        assert stack_for(scale, backbone).field(BACKBONE_FIELDS[backbone]).size == scale


def test_the_solver_finds_the_papers_stacks() -> None:
    assert stack_for(25, "residual") == Stack((1,), (1,))
    assert stack_for(59, "residual") == Stack((3, 3, 3), (2, 2, 1))
    assert stack_for(115, "residual") == Stack((3, 3, 3, 3), (2, 2, 2, 2))
    assert stack_for(1, "pointwise") == Stack((1,), (1,))


@pytest.mark.parametrize(
    ("scale", "backbone", "near"),
    [
        (60, "residual", "59 or 61"),
        (15, "residual", "25"),
        (2, "pointwise", "1 or 3"),
        (5001, "pointwise", "189"),
    ],
)
def test_a_scale_that_cannot_be_had_names_its_neighbours(scale: int, backbone: str, near: str) -> None:
    with pytest.raises(ModelError, match=near):
        stack_for(scale, backbone)


def test_the_residual_backbone_sees_25_pixels_with_jump_2() -> None:
    """Measured: the gradient of one output reaches exactly so many input pixels."""
    shape = architecture("paper-multi", {"satellite": 1}, species=1, width=0.1)
    network = FusionNetwork(shape).eval()
    for scale in (25, 59, 115):
        patch = torch.rand(1, 1, 121, 121, requires_grad=True)
        torch.manual_seed(0)
        features = DenseModality(network, "satellite", 1, (scale,)).features(patch)["satellite", scale]
        features[0, :, 0, 0].sum().backward()
        reached = patch.grad[0, 0].abs() > 0
        rows = torch.nonzero(reached.any(dim=1)).flatten()
        assert rows.min() >= 0 and rows.max() < scale
        assert rows.max() - rows.min() >= scale - 8
