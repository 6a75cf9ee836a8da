"""Pictures of what a branch saw: imagery as natural or false colour, other bands one by one as small maps."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...models.card import Band, Modality
from ..protocol.scale_results import Patch
from ..rasters.raster import Valid, Values

NATURAL = ("red", "green", "blue")
INFRARED = ("nir", "red", "green")  # vegetation shows red
LOWEST, HIGHEST = 2, 98  # percentiles of the training sites at which a picture is darkest and brightest
SPREAD = 2  # or, where the card does not know them, so many deviations off the mean
IMAGERY = "residual"  # the backbone of modalities that are pictures

# Viridis (Smith, van der Walt and Firing 2015, CC0) at nine even places: perceptually uniform.
RAMP = np.array(
    [
        (68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141),
        (39, 173, 129), (92, 200, 99), (170, 220, 50), (253, 231, 37),
    ],
    np.float64,
)  # fmt: skip


def patches_of(modality: Modality, backbone: str, scale: int, values: Values, valid: Valid) -> list[Patch]:
    """Return pictures of one window.

    Parameters
    ----------
    modality, backbone
        Whose bands these are.
    scale
        By which the window goes.
    values, valid
        (bands, side, side): the raster's values, and where there are any.
    """
    kind, groups = _shown(modality, backbone)
    return [_patch(modality, scale, kind, places, values, valid) for places in groups]


def _shown(modality: Modality, backbone: str) -> tuple[str, list[list[int]]]:
    """Return the kind of picture, and which bands each shows."""
    places = {band.name.lower(): place for place, band in enumerate(modality.bands)}
    for kind, names in (("natural", NATURAL), ("false", INFRARED)):
        if all(name in places for name in names):
            return kind, [[places[name] for name in names]]
    if backbone == IMAGERY and len(modality.bands) >= len(NATURAL):
        return "false", [[0, 1, 2]]
    return "ramp", [[place] for place in range(len(modality.bands))]


def _patch(
    modality: Modality, scale: int, kind: str, places: Sequence[int], values: Values, valid: Valid
) -> Patch:
    bands = [modality.bands[place] for place in places]
    ends = [_ends(band) for band in bands]
    shares = np.stack([_stretched(values[place], *end) for place, end in zip(places, ends, strict=True)])
    colours = shares * 255 if len(places) > 1 else _ramp(shares[0])
    alpha = np.where(valid[list(places)].all(axis=0), 255, 0)
    pixels = np.concatenate([colours, alpha[None]]).round().astype(np.uint8)
    return Patch(
        modality.name,
        scale,
        kind,
        tuple(band.name for band in bands),
        tuple(low for low, _ in ends),
        tuple(high for _, high in ends),
        base64.b64encode(png(pixels)).decode("ascii"),
    )


def _ends(band: Band) -> tuple[float, float]:
    """Return the values at which a picture of a band is darkest and brightest."""
    if band.quantiles:
        return band.quantiles[LOWEST], band.quantiles[HIGHEST]
    return band.mean - SPREAD * band.std, band.mean + SPREAD * band.std


def _stretched(values: Values, low: float, high: float) -> npt.NDArray[np.float64]:
    """Return values from 0 (``low`` or less) to 1."""
    spread = high - low if high > low else 1.0
    return np.clip((values.astype(np.float64) - low) / spread, 0, 1)


def _ramp(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the colours (3, rows, columns) of shares from 0 to 1."""
    places = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(shares, places, channel) for channel in RAMP.T])


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return a PNG (https://www.w3.org/TR/png-3/) of red, green, blue and alpha: (4, rows, columns).

    Written here because GDAL's driver takes several milliseconds for what takes none.
    """
    _, height, width = pixels.shape
    lines = np.zeros((height, 1 + 4 * width), np.uint8)  # each line starts with its filter: none
    lines[:, 1:] = pixels.transpose(1, 2, 0).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)  # 8 bits, red green blue alpha
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 1)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
