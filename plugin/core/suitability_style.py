"""The one style of all maps: a perceptually uniform ramp fixed to 0-1, so that species compare."""

from __future__ import annotations

from qgis.core import QgsGradientColorRamp, QgsRasterLayer

from .raster_style import gradient, style_ramp

LOWEST, HIGHEST = 0.0, 1.0
# Nine stops of viridis (van der Walt and Smith 2015, CC0), at 0, 1/8 ... 1.
_VIRIDIS = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip


def viridis() -> QgsGradientColorRamp:
    """Return the ramp."""
    return gradient(_VIRIDIS)


def apply_style(layer: QgsRasterLayer, band: int = 1, highest: float = HIGHEST) -> None:
    """Show ``band`` of ``layer`` in the common ramp, from 0 to 1 by default."""
    style_ramp(layer, viridis(), LOWEST, highest, len(_VIRIDIS), band)
