"""Has Processing open the maps of an effects job, styled as the explorer's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qgis.core import QgsProcessingContext

from ...models.card import Card
from ..core.effect_layers import effect_maps, largest_change, map_title, style_effect
from ..core.raster_style import rounded_up
from .opened_layers import open_layer


def open_effects(
    card: Card, files: Sequence[str], limit: float, title: str, context: QgsProcessingContext, output: str
) -> None:
    """Put the maps among what Processing opens at the end, for the algorithm's ``output``."""
    maps = effect_maps(card, files)
    change = largest_change(maps)
    for one in maps:
        finish = partial(style_effect, card=card, one=one, limit=rounded_up(limit), change=change)
        open_layer(one.file, map_title(card, one), title, finish, context, output)
