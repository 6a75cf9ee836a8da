"""Has Processing open finished maps, each styled and described by what its file says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Optional

from qgis.core import QgsProcessingContext, QgsRasterLayer

from ...engine.protocol.products import FEATURES
from ..core.map_product import MapProduct, describe_product, map_product, style_product
from ..core.world_state import State
from .opened_layers import open_layer


def open_products(
    files: Iterable[str],
    group: str,
    lines: Sequence[str],
    context: QgsProcessingContext,
    output: str,
    state: Optional[State] = None,
) -> None:
    """Put maps among what Processing opens at the end, for the algorithm's ``output``.

    ``group`` is what the group around them is called, ``lines`` what layers say about the run, and ``state``
    which state of the world they show, if not that of today. The novelty of features, a map for each scale, is
    left in the folder.
    """
    for file in files:
        one = map_product(file)
        if one.product == FEATURES:
            continue
        title = one.title if state is None else f"{one.title} · {state.title}"
        open_layer(file, title, group, partial(_finish, one, tuple(lines), state), context, output)


def _finish(one: MapProduct, lines: tuple[str, ...], state: Optional[State], layer: QgsRasterLayer) -> None:
    style_product(layer, one)
    describe_product(layer, one, lines)
    if state is not None:
        state.date_layer(layer)
