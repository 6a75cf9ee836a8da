"""The one style of all maps: a perceptually uniform ramp fixed to 0-1, so that species compare."""

from __future__ import annotations

from qgis.core import (
    QgsColorRampShader,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsRasterLayer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

LOWEST, HIGHEST = 0.0, 1.0
# Nine stops of viridis (van der Walt and Smith 2015, CC0), at 0, 1/8 ... 1.
_VIRIDIS = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip


def viridis() -> QgsGradientColorRamp:
    """Return the ramp."""
    last = len(_VIRIDIS) - 1
    stops = [QgsGradientStop(i / last, QColor(_VIRIDIS[i])) for i in range(1, last)]
    return QgsGradientColorRamp(QColor(_VIRIDIS[0]), QColor(_VIRIDIS[-1]), False, stops)


def apply_style(layer: QgsRasterLayer, band: int = 1) -> None:
    """Show ``band`` of ``layer`` in the common ramp from 0 to 1."""
    shader = QgsRasterShader(LOWEST, HIGHEST)
    function = QgsColorRampShader(LOWEST, HIGHEST, viridis(), QgsColorRampShader.Type.Interpolated)
    function.classifyColorRamp(len(_VIRIDIS), -1)
    function.setClip(False)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), band, shader)
    renderer.setClassificationMin(LOWEST)
    renderer.setClassificationMax(HIGHEST)
    layer.setRenderer(renderer)
