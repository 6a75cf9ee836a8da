"""Rasters of known roughness for the tests of placebos, with and without gaps."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def smooth(shape: tuple[int, int], size: float, seed: int) -> np.ndarray:
    """A field of deviation 1 whose patches are about ``size`` pixels wide."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), size, mode="reflect")
    return (field - field.mean()) / field.std()


def mask(shape: tuple[int, int], gap: float, seed: int = 77) -> np.ndarray:
    """A mask with about that share of gaps, in large pieces with crooked edges, as coasts have them."""
    field = smooth(shape, min(shape) / 10, seed) + 0.2 * smooth(shape, 2, seed + 1)
    return field >= np.quantile(field, gap)


def bands(shape: tuple[int, int], kind: str, seed: int = 0) -> np.ndarray:
    """Three bands: one, another that goes with it at -0.6 or so, and a third by itself."""
    draw = np.random.default_rng([seed, 5])
    rows, columns = np.mgrid[: shape[0], : shape[1]] / max(shape)
    first = smooth(shape, 3, seed) + 0.7 * smooth(shape, 15, seed + 1)
    if kind == "trend":
        first = first * 0.3 + 6 * rows + 3 * columns
    elif kind == "skewed":
        first = np.exp(first)
    elif kind == "rough":
        first = 0.2 * first + draw.normal(size=shape)
    elif kind == "streaks":
        first = smooth((shape[0], shape[1] * 4), 6, seed)[:, ::4] * 2 + 0.3 * first
    second = -0.7 * (first - first.mean()) / first.std() + 0.7 * smooth(shape, 6, seed + 2)
    third = 100 + 20 * smooth(shape, 8, seed + 3)
    return np.stack([first, second, third]).astype(np.float32)


def grainy(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """The plain bands with a tenth of noise in their variance: no pixel is foretold by its neighbours alone."""
    values = bands(shape, "plain", seed)
    noise = np.random.default_rng([seed, 6]).normal(size=values.shape)
    return (values + 0.33 * values.std(axis=(1, 2), keepdims=True) * noise).astype(np.float32)
