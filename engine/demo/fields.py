"""Random fields: smooth maps drawn from a seed, the raw material of the demo landscape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import fft

FloatMap = npt.NDArray[np.float32]


def gaussian_field(rng: np.random.Generator, side: int, correlation_length: float) -> FloatMap:
    """Draws a stationary Gaussian random field, standardised to mean 0 and deviation 1.

    White noise is smoothed in the Fourier domain by a Gaussian of deviation ``correlation_length / 2``, so that
    the autocorrelation at distance d is exp(−(d / correlation_length)²). The transform is periodic; the field
    is drawn two correlation lengths wider than asked and cut, so that opposite edges are not copies.

    Args:
        rng: the source of the white noise.
        side: side of the square field, in pixels.
        correlation_length: distance at which the autocorrelation has fallen to 1/e, in pixels; 0 gives
            white noise.

    Returns:
        Shape ``(side, side)``, float32.
    """
    padded = int(fft.next_fast_len(side + int(np.ceil(2 * correlation_length)), real=True))
    noise = rng.standard_normal((padded, padded), dtype=np.float32)
    if correlation_length > 0:
        deviation = correlation_length / 2
        decay_y = np.exp(-2 * (np.pi * deviation * fft.fftfreq(padded)) ** 2).astype(np.float32)
        decay_x = np.exp(-2 * (np.pi * deviation * fft.rfftfreq(padded)) ** 2).astype(np.float32)
        spectrum = fft.rfft2(noise)
        spectrum *= decay_y[:, np.newaxis]
        spectrum *= decay_x
        noise = fft.irfft2(spectrum, s=(padded, padded))
    field: FloatMap = noise[:side, :side].astype(np.float32)
    field -= field.mean(dtype=np.float64)
    field /= field.std(dtype=np.float64)
    return field
