"""Fields with the same power spectrum: the phases of the Fourier transform are drawn at random.

Theiler et al. 1992 (Physica D 58, 77) test time series so. Here all bands of a modality get one field of random
phase shifts, which keeps the cross-spectra of bands, and so their correlations at every wavelength (Prichard
and Theiler 1994, Physical Review Letters 73, 951).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

from ..rasters.raster import Values


def phase_randomised(fields: Values, seed: tuple[int, ...]) -> Values:
    """Return fields without gaps whose Fourier phases are shifted at random, float32 (fields, rows, columns).

    ``seed`` decides the shifts, which are the same for all fields.
    """
    shape = fields.shape[1:]
    shifts = phase_shifts(shape, seed)
    made = np.empty(fields.shape, np.float32)
    for number, one in enumerate(fields):
        made[number] = fft.irfft2(fft.rfft2(one.astype(np.float64)) * shifts, s=shape)
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
