"""A raster with gaps taken apart by size of structure, in octaves, without looking into the gaps.

An octave is what a mean over a window takes away: the field less its mean over 3 pixels, that mean less its
mean over 5, then 9, 17 and so on. Means are over pixels inside the mask alone (normalised convolution: Knutsson
and Westin 1993), so a coast adds nothing. The octaves and what is left in the end add up to the field exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from ..rasters.raster import Valid, Values

Matrix = npt.NDArray[np.float64]
ENOUGH = 0.25  # share of a window that must hold data for its mean to count alone
LEAST_WEIGHT = 1e-6  # of pixels under a window, so that nothing is divided by 0


class Octaves:
    """The octaves of fields inside ``mask`` (rows, columns)."""

    def __init__(self, mask: Valid) -> None:
        self.mask = mask
        longest = max(mask.shape)
        self.radii = tuple(2**power for power in range(longest.bit_length()) if 2 ** (power + 1) < longest)

    def parts(self, fields: Values) -> Iterator[Values]:
        """Yield the octaves of fields, from the finest, and last what is left: each like ``fields``.

        Parameters
        ----------
        fields
            (fields, rows, columns) of float32, 0 outside the mask.
        """
        left = fields
        for radius in self.radii:
            coarser = self.smoothed(left, radius)
            yield left - coarser
            left = coarser
        yield left

    def smoothed(self, fields: Values, radius: int) -> Values:
        """Return means over windows of 2 · radius + 1 pixels, twice, inside the mask; 0 outside."""
        weight = np.maximum(_means(self.mask.astype(np.float32), radius), LEAST_WEIGHT)
        made = np.empty_like(fields)
        for number, field in enumerate(fields):
            made[number] = np.where(self.mask, _means(field, radius) / weight, 0)
        return made


def filled(values: npt.NDArray[np.floating], valid: Valid) -> Values:
    """Return a band (rows, columns) without gaps, float32: far from data it is as smooth as it is far.

    In a gap it takes means over windows, from the widest to the narrowest; where a quarter of a window holds
    data, it alone counts, and less of it where there are fewer (push and pull: Gortler et al. 1996). So neither
    a cliff at a coast nor the streaks of nearest pixels add waves of their own. A band without any value is 0.
    """
    if not valid.any():
        return np.zeros(valid.shape, np.float32)
    held = np.where(valid, values, 0).astype(np.float32)
    if valid.all():
        return held
    mean = held[valid].mean(dtype=np.float64)
    made = np.full(valid.shape, mean, np.float32)
    centred = np.where(valid, held - np.float32(mean), 0).astype(np.float32)
    for radius in reversed(Octaves(valid).radii):
        share = _means(valid.astype(np.float32), radius)
        low = _means(centred, radius) / np.maximum(share, LEAST_WEIGHT) + np.float32(mean)
        weight = np.minimum(share / ENOUGH, 1).astype(np.float32)
        weight[share < LEAST_WEIGHT] = 0
        made = (weight * low + (1 - weight) * made).astype(np.float32)
    return np.where(valid, held, made)


def covariances(fields: Values, valid: Valid) -> Matrix:
    """Return the mean products of fields where both hold: (fields, fields).

    Parameters
    ----------
    fields
        (fields, rows, columns).
    valid
        (fields, rows, columns), or (rows, columns) for all alike.
    """
    if valid.ndim == 2:
        inside = fields[:, valid]
        return np.asarray(inside @ inside.T / max(1, inside.shape[1]), np.float64)
    held = valid.reshape(len(valid), -1).astype(np.float32)
    flat = fields.reshape(len(fields), -1) * held
    return np.asarray(flat @ flat.T / np.maximum(held @ held.T, 1), np.float64)


def matching(found: Matrix, wanted: Matrix) -> Matrix:
    """Return the symmetric matrix that turns fields of covariance ``found`` into such of ``wanted``.

    Of all that do so it changes the fields least (optimal transport between normal distributions: Knott and
    Smith 1984): W½ (W½ F W½)^-½ W½. Directions in which there is next to nothing are left out.
    """
    root = power(wanted, 0.5)
    return np.asarray(root @ power(root @ found @ root, -0.5) @ root, np.float64)


SMALLEST_EIGENVALUE = 1e-6  # of the largest


def power(matrix: Matrix, exponent: float) -> Matrix:
    """Return a power of a symmetric matrix; eigenvalues that are nothing beside the largest count as 0."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    there = values > SMALLEST_EIGENVALUE * max(float(values.max()), np.finfo(np.float64).tiny)
    raised = np.where(there, np.where(there, values, 1.0) ** exponent, 0.0)
    return np.asarray((vectors * raised) @ vectors.T, np.float64)


def _means(field: npt.NDArray[np.float32], radius: int) -> npt.NDArray[np.float32]:
    """Return means over a window, twice; what lies outside the array counts as 0."""
    for _ in range(2):
        field = ndimage.uniform_filter(field, 2 * radius + 1, mode="constant")
    return field
