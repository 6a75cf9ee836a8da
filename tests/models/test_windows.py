"""The windows that branches really see are those that presets promise, and centred."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scalescape.models.errors import ModelError
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import PRESETS, architecture
from scalescape.models.receptive_field import available_scales
from scalescape.models.windows import effective_side, mean_gradients, true_windows

BANDS = {"bioclim": 2, "satellite": 2}


@pytest.mark.parametrize("preset", PRESETS)
def test_true_windows_of_all_presets_are_their_scales_and_centred(preset: str) -> None:
    shape = architecture(preset, BANDS, species=2, width=0.02)
    found = true_windows(shape)
    assert list(found) == list(shape.branch_keys)
    for (_, scale), window in found.items():
        assert (window.width, window.height) == (scale, scale)
        assert window.offset == (0, 0)
        assert window.padding == 0


@pytest.mark.parametrize("backbone", ["bioclim", "satellite"])
def test_true_windows_of_scales_of_any_kind_are_right(backbone: str) -> None:
    kind = {"bioclim": "pointwise", "satellite": "residual"}[backbone]
    scales = available_scales(kind)[:12:3]
    shape = architecture("default", BANDS, 1, 0.02, {backbone: scales})
    assert [(w.width, w.offset) for w in true_windows(shape).values()] == [(s, (0, 0)) for s in scales]


def test_a_stack_that_sees_more_than_it_says_is_found_out() -> None:
    shape = architecture("default", BANDS, 1, 0.02, {"satellite": (25, 59)})
    (modality,) = shape.modalities
    wrong = replace(modality.branches[1], scale=57)
    liar = replace(shape, modalities=(replace(modality, branches=(modality.branches[0], wrong)),))
    with pytest.raises(ModelError, match="sees 59 pixels"):
        true_windows(liar)


def test_a_padded_network_shows_its_padding() -> None:
    shape = replace(architecture("paper-multi", BANDS, 1, 0.02), padding="zero")
    found = true_windows(shape)
    # A padded backbone leaves 13 pixels of 25, of which the middle one sees just its window; of the larger
    # scales' several last pixels none is in the middle.
    assert [window.padding > 0 for window in found.values()] == [False, True, True]
    assert [window.offset[0] != 0 for window in found.values()] == [False, True, True]
    for (_, scale), window in found.items():
        left = (scale - 1) / 2 + window.offset[0] - (window.width - 1) / 2
        right = scale - 1 - left - (window.width - 1)
        assert window.padding == max(-left, -right, 0)


def test_the_window_of_a_padded_network_is_where_a_changed_pixel_changes_its_features() -> None:
    """A spike beyond the true window changes nothing; one inside, as near its rim as the patch goes, does."""
    shape = replace(architecture("paper-multi", BANDS, 1, 0.05, {"satellite": (25, 59)}), padding="zero")
    torch.manual_seed(0)
    network = FusionNetwork(shape).double().eval()
    for (name, scale), window in true_windows(shape).items():
        left = int((scale - 1) / 2 + window.offset[0] - (window.width - 1) / 2)
        patch = torch.zeros(1, 2, scale, scale, dtype=torch.float64)
        seen = []
        for column in range(scale):
            changed = 0.0
            for sign in (-50.0, 50.0):
                spiked = patch.clone()
                spiked[0, :, :, column] = sign
                with torch.no_grad():
                    before = network.features({name: patch}, {name: (scale,)})[name, scale]
                    after = network.features({name: spiked}, {name: (scale,)})[name, scale]
                changed += float((after - before).abs().sum())
            if changed > 0:
                seen.append(column)
        assert seen[0] >= max(0, left)
        assert seen[-1] <= min(scale - 1, left + window.width - 1)
        assert len(seen) > 0.5 * scale


def test_the_effective_side_is_the_smallest_square_that_holds_the_share() -> None:
    gradient = np.zeros((7, 7))
    gradient[3, 3] = 80
    gradient[3, 4] = 9
    gradient[0, 0] = 11
    assert effective_side(gradient, 0.8) == 1
    assert effective_side(gradient, 0.81) == 3
    assert effective_side(gradient, 0.9) == 7


def test_mean_gradients_equal_finite_differences() -> None:
    shape = architecture("default", BANDS, species=3, width=0.02, scales={"bioclim": (1, 3)})
    torch.manual_seed(0)
    network = FusionNetwork(shape).double().eval()
    patch = torch.randn(2, 2, 3, 3, dtype=torch.float64)
    species = torch.tensor([2, 0])
    found = mean_gradients(network, [{"bioclim": patch}], lambda number: species)
    weights = network.head_weights()
    step = 1e-6
    for scale in (1, 3):
        key = "bioclim", scale
        plain = np.zeros((3, 3))
        for site in range(2):
            for band in range(2):
                for row in range(3):
                    for column in range(3):
                        up = patch.clone()
                        up[site, band, row, column] += step
                        with torch.no_grad():
                            before, after = (network.features({"bioclim": one})[key] for one in (patch, up))
                            value = float((after - before)[site] @ weights[key][species[site]]) / step
                        plain[row, column] += abs(value) / 2
        inner = plain if scale == 3 else plain[1:2, 1:2]
        np.testing.assert_allclose(found[key], inner, atol=1e-5)
