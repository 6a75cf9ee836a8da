"""Has Processing open finished maps, each styled and described by what its file says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from qgis.core import QgsProcessingContext, QgsRasterLayer

from ..core.map_product import MapProduct, describe_product, map_product, style_product
from .opened_layers import open_layer


def open_products(
    files: Iterable[str], group: str, lines: Sequence[str], context: QgsProcessingContext, output: str
) -> None:
    """Put maps among what Processing opens at the end, for the algorithm's ``output``.

    ``group`` is what the group around them is called, ``lines`` what layers say about the run.
    """
    for file in files:
        one = map_product(file)
        open_layer(file, one.title, group, partial(_finish, one, tuple(lines)), context, output)


def _finish(one: MapProduct, lines: tuple[str, ...], layer: QgsRasterLayer) -> None:
    style_product(layer, one)
    describe_product(layer, one, lines)
