"""An extent as a person reads it: how large, and around which place."""

from __future__ import annotations

import math

from qgis.core import QgsCoordinateReferenceSystem, QgsDistanceArea, QgsPointXY, QgsProject, QgsRectangle

from .translation import tr

ELLIPSOID = "EPSG:7030"  # WGS 84; good to 0.1 %, whatever the project says


def extent_text(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> str:
    """Return ``12.3 × 8.1 km around 500 100, 4 800 000``; lengths are measured on the ground."""
    centre = extent.center()
    decimals = 3 if crs.isGeographic() else 0
    place = ", ".join(f"{number:,.{decimals}f}".replace(",", " ") for number in (centre.x(), centre.y()))
    return tr("{} around {}").format(_size(extent, crs), place)


def _size(extent: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> str:
    """Return width and height through the middle, in one unit."""
    measure = QgsDistanceArea()
    measure.setSourceCrs(crs, QgsProject.instance().transformContext())
    measure.setEllipsoid(ELLIPSOID)
    middle = extent.center()
    width = measure.measureLine(
        QgsPointXY(extent.xMinimum(), middle.y()), QgsPointXY(extent.xMaximum(), middle.y())
    )
    height = measure.measureLine(
        QgsPointXY(middle.x(), extent.yMinimum()), QgsPointXY(middle.x(), extent.yMaximum())
    )
    if not (math.isfinite(width) and math.isfinite(height)):
        return tr("an area")
    unit, factor = ("km", 1000.0) if max(width, height) >= 1000 else ("m", 1.0)
    return " × ".join(_rounded(length / factor) for length in (width, height)) + f" {unit}"


def _rounded(length: float) -> str:
    """Return a length with one decimal below a hundred, and none above."""
    return f"{length:.1f}" if length < 100 else f"{length:,.0f}".replace(",", " ")
