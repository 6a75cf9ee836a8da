"""A run's maps beside those of probability: parts of its group, one a kind of map. Main thread only."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsLayerTreeGroup, QgsProject, QgsRasterLayer

from ...engine.protocol.products import BINARY, FEATURES, LIMITING, NOVELTY, OCCURRENCE, RICHNESS, TOP
from .layer_nodes import add_node, raster_layer
from .map_product import MapProduct, describe_product, style_product
from .translation import tr

MOST_LAYERS = 100  # of a part: QGIS stands still while it opens them
# The products of each part, in the order of the parts; maps of probability belong to none.
PARTS = ((NOVELTY, LIMITING, FEATURES), (RICHNESS, TOP), (BINARY,), (OCCURRENCE,))
IN_PARTS = frozenset(product for products in PARTS for product in products)


def add_products(
    project: QgsProject, group: QgsLayerTreeGroup, maps: Sequence[MapProduct], lines: Sequence[str]
) -> list[QgsRasterLayer]:
    """Put ``maps`` on top of ``group``, a part for each kind, and return their layers.

    Parts are closed and none of their layers shows, so that a click on one lays it over the species' map; of a
    part one shows at a time. ``lines`` are what layers say about the run.
    """
    layers = []
    for title, products in reversed(list(zip(_titles(), PARTS))):
        mine = [one for product in products for one in maps if one.product == product][:MOST_LAYERS]
        opened = [(one, raster_layer(one.file, one.short_title, one.band)) for one in mine]
        if not any(layer is not None for _, layer in opened):
            continue
        part = group.insertGroup(0, title)
        for one, layer in opened:
            if layer is not None:
                style_product(layer, one)
                describe_product(layer, one, lines)
                node = add_node(project, part, layer)
                node.setItemVisibilityChecked(False)
                node.setExpanded(False)
                layers.append(layer)
        part.setIsMutuallyExclusive(True)
        part.setExpanded(False)
    return layers


def _titles() -> tuple[str, ...]:
    return tr("Novelty"), tr("Richness and top species"), tr("Above threshold"), tr("Occurrence")
