"""Branches keep apart in the eyes of the colour-blind, by a published model of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scalescape.engine.words.branch_colours import branch_colours

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    "all colours": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
DEMO = [("bioclim", 1), ("bioclim", 5), ("satellite", 25), ("satellite", 59), ("satellite", 115)]
FOUR = [("a", 1), ("a", 5), ("b", 25), ("b", 59), ("c", 1), ("c", 3), ("d", 1), ("d", 9)]


def seen(colour: tuple[int, int, int], sight: str) -> np.ndarray:
    """A colour in CIE L*a*b* (D65), as somebody with that sight sees it."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    t = xyz @ np.clip(SIGHTS[sight] @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(("keys", "least"), [(DEMO, 20), (FOUR, 8)])
def test_branches_keep_apart(keys: list[tuple[str, int]], least: float, sight: str) -> None:
    """A difference of 2.3 can just be seen; here they must be told apart in small patches."""
    colours = branch_colours(keys)
    for one, other in combinations(keys, 2):
        difference = np.linalg.norm(seen(colours[one], sight) - seen(colours[other], sight))
        assert difference >= least, (one, other, difference)


def test_larger_scales_are_darker() -> None:
    lightness = [seen(branch_colours(DEMO)[key], "all colours")[0] for key in DEMO]
    assert lightness[0] > lightness[1] and lightness[2] > lightness[3] > lightness[4]
