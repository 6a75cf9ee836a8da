"""The demo scene: what a four-band 10 m sensor would record of a land-cover mosaic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fields import gaussian_field
from .land_cover import CLASSES, ClassMap

BANDS = ("red", "green", "blue", "nir")
REFLECTANCE_SCALE = 10_000  # the stored integer of a reflectance of 1, as in Sentinel-2's level 2A
UNIT = "ten-thousandths"  # of that reflectance


@dataclass(frozen=True)
class Surface:
    """How a class looks: mean reflectance by band, and the relative deviation of its texture."""

    reflectance: tuple[float, float, float, float]
    texture: float


# Rounded from typical surface reflectances of Sentinel-2 bands 4, 3, 2 and 8 in summer.
SURFACES = {
    "water": Surface((0.030, 0.042, 0.046, 0.022), 0.08),
    "conifer": Surface((0.026, 0.038, 0.022, 0.210), 0.22),
    "broadleaf": Surface((0.034, 0.060, 0.030, 0.370), 0.18),
    "grass": Surface((0.066, 0.086, 0.046, 0.310), 0.10),
    "crop": Surface((0.125, 0.108, 0.078, 0.260), 0.14),
    "urban": Surface((0.165, 0.155, 0.145, 0.210), 0.30),
}
LIGHT_LENGTH = 250.0  # px
LIGHT_DEVIATION = 0.06
NOISE_DEVIATION = 0.004
SHARED_TEXTURE = 0.8  # part of the texture's deviation that all bands have in common


def draw_scene(rng: np.random.Generator, cover: ClassMap) -> npt.NDArray[np.uint16]:
    """Draws the picture of a mosaic: class colours, texture, light and sensor noise.

    Args:
        rng: the source of randomness.
        cover: shape ``(side, side)``, indices into ``CLASSES``.

    Returns:
        Shape ``(4, side, side)``, uint16, bands as in ``BANDS``, reflectance × ``REFLECTANCE_SCALE``.
    """
    side = cover.shape[0]
    colours = np.array([SURFACES[name].reflectance for name in CLASSES], dtype=np.float32)
    roughness = np.array([SURFACES[name].texture for name in CLASSES], dtype=np.float32)[cover]
    light = np.float32(LIGHT_DEVIATION) * gaussian_field(rng, side, LIGHT_LENGTH)
    shared = np.float32(SHARED_TEXTURE) * rng.standard_normal(cover.shape, dtype=np.float32)
    own_share = np.float32((1 - SHARED_TEXTURE**2) ** 0.5)
    scene = np.empty((len(BANDS), side, side), dtype=np.uint16)
    for band in range(len(BANDS)):
        texture = shared + own_share * rng.standard_normal(cover.shape, dtype=np.float32)
        reflectance = colours[cover, band] * np.exp(roughness * texture + light)
        reflectance += np.float32(NOISE_DEVIATION) * rng.standard_normal(cover.shape, dtype=np.float32)
        # 1 at the least, since real scenes keep 0 for NoData
        scene[band] = np.clip(np.rint(reflectance * REFLECTANCE_SCALE), 1, REFLECTANCE_SCALE)
    return scene
