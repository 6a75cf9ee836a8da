"""How rasters show: a ramp between two values, or the categories that a file names. Main thread only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Optional

from osgeo import gdal
from qgis.core import (
    QgsColorRampShader,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsRasterShader,
    QgsSingleBandPseudoColorRenderer,
)
from qgis.PyQt.QtGui import QColor

# Purple to green through near-white (ColorBrewer PRGn, Apache 2.0), which the colour-blind tell apart and which
# no branch has as its colour.
_DIVERGING = ("#762a83", "#9970ab", "#c2a5cf", "#f7f7f7", "#a6dba0", "#5aae61", "#1b7837")


def gradient(colours: tuple[str, ...]) -> QgsGradientColorRamp:
    """Return the ramp through ``colours``, evenly spaced."""
    last = len(colours) - 1
    stops = [QgsGradientStop(i / last, QColor(colours[i])) for i in range(1, last)]
    return QgsGradientColorRamp(QColor(colours[0]), QColor(colours[-1]), False, stops)


def style_ramp(
    layer: QgsRasterLayer, ramp: QgsGradientColorRamp, low: float, high: float, n: int, band: int = 1
) -> None:
    """Show ``band`` of ``layer`` in ``ramp`` from ``low`` to ``high``, with ``n`` values in the legend."""
    shader = QgsRasterShader(low, high)
    function = QgsColorRampShader(low, high, ramp, QgsColorRampShader.Type.Interpolated)
    function.classifyColorRamp(n, -1)
    function.setClip(False)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), band, shader)
    renderer.setClassificationMin(low)
    renderer.setClassificationMax(high)
    layer.setRenderer(renderer)


def style_diverging(layer: QgsRasterLayer, low: float, high: float) -> None:
    """Show ``layer`` in the ramp whose middle is near-white: purple below and green above."""
    style_ramp(layer, gradient(_DIVERGING), low, high, len(_DIVERGING))


def style_classes(
    layer: QgsRasterLayer, ends: Sequence[float], labels: Sequence[str], purple_high: bool
) -> None:
    """Show ``layer`` in six classes, three of them purple and three green, so that where it turns is seen.

    ``ends`` are the highest values of all classes but the last; ``labels`` name all six, from the lowest.
    """
    colours = [colour for place, colour in enumerate(_DIVERGING) if place != len(_DIVERGING) // 2]
    if purple_high:
        colours.reverse()
    items = [
        QgsColorRampShader.ColorRampItem(end, QColor(colour), label)
        for end, colour, label in zip((*ends, math.inf), colours, labels)
    ]
    shader = QgsRasterShader(ends[0], ends[-1])
    function = QgsColorRampShader(ends[0], ends[-1], None, QgsColorRampShader.Type.Discrete)
    function.setColorRampItemList(items)
    shader.setRasterShaderFunction(function)
    renderer = QgsSingleBandPseudoColorRenderer(layer.dataProvider(), 1, shader)
    renderer.setClassificationMin(ends[0])
    renderer.setClassificationMax(ends[-1])
    layer.setRenderer(renderer)


def style_categories(layer: QgsRasterLayer, label: Callable[[str], str] = str) -> None:
    """Take colours and names from the file, where the engine wrote them; ``label`` says a name shorter."""
    dataset = gdal.Open(layer.source())  # a band without it is a crash
    band = dataset.GetRasterBand(1)
    table, names = band.GetColorTable(), band.GetCategoryNames() or []
    classes = []
    for number, name in enumerate(names):
        if number and table is not None:
            colour = QColor(*table.GetColorEntry(number)[:3])
            classes.append(QgsPalettedRasterRenderer.Class(float(number), colour, label(name)))
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))


def rounded_up(value: float) -> float:
    """Return ``value`` with two significant digits, not less than it is: the end of an axis."""
    if not math.isfinite(value) or value <= 0:
        return 1.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.6g}")


def value_range(file: str) -> Optional[tuple[float, float]]:
    """Return the lowest and highest value of the first band, from its overviews; None where it has none.

    They are as stored: for maps in floats, not for those in bytes.
    """
    try:
        dataset = gdal.Open(file)  # a band without it is a crash
        band = dataset.GetRasterBand(1)
        low, high = band.ComputeRasterMinMax(True)
    except (RuntimeError, AttributeError, TypeError):  # no value in it
        return None
    return low, high
