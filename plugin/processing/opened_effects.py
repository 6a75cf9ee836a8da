"""Has Processing open the maps of an effects job, styled as the explorer's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Optional

from qgis.core import QgsProcessingContext, QgsProcessingLayerPostProcessorInterface, QgsRasterLayer

from ...models.card import Card
from ..core.effect_layers import EffectMap, effect_maps, largest_change, map_title, rounded_up, style_effect


def open_effects(
    card: Card, files: Sequence[str], limit: float, title: str, context: QgsProcessingContext, output: str
) -> None:
    """Put the maps among what Processing opens at the end, for the algorithm's ``output``."""
    maps = effect_maps(card, files)
    change = largest_change(maps)
    for one in maps:
        details = QgsProcessingContext.LayerDetails(map_title(card, one), context.project(), output)
        details.setPostProcessor(_Finish.create(card, one, rounded_up(limit), change))
        if hasattr(details, "groupName"):  # from QGIS 3.32 on
            details.groupName = title
        context.addLayerToLoadOnCompletion(one.file, details)


class _Finish(QgsProcessingLayerPostProcessorInterface):
    """Styles a map once it is open; kept alive here, since Processing keeps no reference."""

    _alive: ClassVar[list[_Finish]] = []

    def __init__(self, card: Card, one: EffectMap, limit: float, change: float) -> None:
        super().__init__()
        self._card, self._one, self._limit, self._change = card, one, limit, change

    @classmethod
    def create(cls, card: Card, one: EffectMap, limit: float, change: float) -> _Finish:
        """Return a new one that stays alive until it has been used."""
        finish = cls(card, one, limit, change)
        cls._alive.append(finish)
        return finish

    def postProcessLayer(self, layer: Any, context: QgsProcessingContext, feedback: Optional[Any]) -> None:
        if isinstance(layer, QgsRasterLayer):
            style_effect(layer, self._card, self._one, self._limit, self._change)
