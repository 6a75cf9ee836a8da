"""Surveyed points on a map, coloured by whether the map was right. Main thread only."""

from __future__ import annotations

from collections.abc import Mapping

from qgis.core import QgsCategorizedSymbolRenderer, QgsMarkerSymbol, QgsRendererCategory, QgsVectorLayer

from .translation import tr

OUTCOME_FIELD = "outcome"


def style_errors(layer: QgsVectorLayer, outcomes: Mapping[str, int]) -> None:
    """Colour points by outcome; the legend counts them. Errors are larger, so that they show."""
    looks = {
        "hit": (tr("hit"), "#1b7837", "2"),
        "miss": (tr("miss: found, but below threshold"), "#d95f02", "3.2"),
        "false alarm": (tr("false alarm: not found, but above threshold"), "#7570b3", "3.2"),
        "correct rejection": (tr("correct rejection"), "#bdbdbd", "2"),
    }
    categories = []
    for outcome, (label, colour, size) in looks.items():
        look = {"color": colour, "size": size, "outline_color": "#ffffff", "outline_width": "0.2"}
        symbol = QgsMarkerSymbol.createSimple(look)
        count = outcomes.get(outcome, 0)
        categories.append(QgsRendererCategory(outcome, symbol, tr("{} ({})").format(label, count)))
    layer.setRenderer(QgsCategorizedSymbolRenderer(OUTCOME_FIELD, categories))
