"""Has Processing open the maps of a run, styled and described as the dock's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsProcessingContext, QgsProcessingLayerPostProcessorInterface, QgsRasterLayer

from ...engine.protocol import MapJob, MapResult
from ...models.card import Card
from ..core.inputs import raster_of_file
from ..core.map_run import run_summary, run_title
from ..core.result_layers import describe_layer
from ..core.suitability_style import apply_style


def open_maps(card: Card, job: MapJob, result: MapResult, context: QgsProcessingContext, output: str) -> None:
    """Put the maps of ``result`` among what Processing opens at the end, for the algorithm's ``output``."""
    for file in result.files:
        name = next(iter(raster_of_file(file).bands), "") or Path(file).stem
        details = QgsProcessingContext.LayerDetails(name, context.project(), output)
        details.setPostProcessor(_Finish.create(card, job, result, name))
        if hasattr(details, "groupName"):  # from QGIS 3.32 on
            details.groupName = run_title(card, job)
        context.addLayerToLoadOnCompletion(file, details)


class _Finish(QgsProcessingLayerPostProcessorInterface):
    """Styles and describes a map once it is open; kept alive here, since Processing keeps no reference."""

    _alive: list[_Finish] = []  # noqa: RUF012

    def __init__(self, card: Card, job: MapJob, result: MapResult, name: str) -> None:
        super().__init__()
        self._card, self._job, self._result, self._name = card, job, result, name

    @classmethod
    def create(cls, card: Card, job: MapJob, result: MapResult, name: str) -> _Finish:
        """Return a new one that stays alive until it has been used."""
        finish = cls(card, job, result, name)
        cls._alive.append(finish)
        return finish

    def postProcessLayer(self, layer: Any, context: QgsProcessingContext, feedback: Optional[Any]) -> None:
        if isinstance(layer, QgsRasterLayer):
            apply_style(layer)
            summary = run_summary(self._card, self._job, self._result)
            for species in self._card.species:
                if species.name == self._name:
                    describe_layer(layer, self._card, species, summary)
