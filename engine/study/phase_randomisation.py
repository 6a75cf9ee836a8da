"""Rasters with the same power spectrum and no ecology: the phases of the Fourier transform are drawn at random.

Theiler et al. 1992 (Physica D 58, 77) test time series so. Here all bands of a modality get one field of random
phase shifts, which keeps the cross-spectra of bands, and so their correlations at every wavelength (Prichard
and Theiler 1994, Physical Review Letters 73, 951).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from ..rasters.raster import Valid, Values

Floats = npt.NDArray[np.float64]


def phase_randomised(values: Values, valid: Valid, seed: tuple[int, ...]) -> Values:
    """Return bands whose Fourier phases are shifted at random, float32 (bands, rows, columns).

    Parameters
    ----------
    values, valid
        (bands, rows, columns), and where they hold values; the rest is filled first by ``filled``.
    seed
        Numbers that decide the phase shifts.
    """
    shape = values.shape[1:]
    shifts = phase_shifts(shape, seed)
    made = np.empty(values.shape, np.float32)
    for band, (one, held) in enumerate(zip(values, valid, strict=True)):
        spectrum = fft.rfft2(filled(one, held))
        made[band] = fft.irfft2(spectrum * shifts, s=shape)
    return made


def phase_shifts(shape: tuple[int, ...], seed: tuple[int, ...]) -> npt.NDArray[np.complex128]:
    """Return numbers of modulus 1 by which ``rfft2`` of a real field may be multiplied: the result is real.

    They are the phases of white noise, which have the symmetry of a real field; the mean is left alone.
    """
    noise = fft.rfft2(np.random.default_rng(seed).standard_normal(shape))
    modulus = np.abs(noise)
    shifts = np.where(modulus > 0, noise / np.maximum(modulus, np.finfo(np.float64).tiny), 1.0)
    shifts[0, 0] = 1.0
    return np.asarray(shifts, np.complex128)


def filled(values: npt.NDArray[np.floating], valid: Valid) -> Floats:
    """Return a band (rows, columns) without gaps: each takes the value of the nearest pixel that has one.

    So no cliff at a coast adds power at short wavelengths, as a fill by the mean would. A band without any
    value is 0.
    """
    whole = np.asarray(values, np.float64)
    if valid.all():
        return whole
    if not valid.any():
        return np.zeros(whole.shape)
    nearest = ndimage.distance_transform_edt(~valid, return_distances=False, return_indices=True)
    return np.asarray(whole[tuple(nearest)], np.float64)
