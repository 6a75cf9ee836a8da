"""Has Processing open the layers of a run at its end, each with a finishing touch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Optional

from qgis.core import QgsMapLayer, QgsProcessingContext, QgsProcessingLayerPostProcessorInterface

Finish = Callable[[Any], None]  # gets the raster or vector layer


def open_layer(
    file: str, name: str, group: str, finish: Finish, context: QgsProcessingContext, output: str
) -> None:
    """Put ``file`` among what Processing opens at the end, for the algorithm's ``output``.

    Parameters
    ----------
    file
        The raster, or the vector file with one layer in it.
    name, group
        What its layer and the group around it are called; groups come with QGIS 3.32.
    finish
        Styles and describes the layer once it is open, in the main thread.
    context, output
        As Processing has them.
    """
    details = QgsProcessingContext.LayerDetails(name, context.project(), output)
    details.setPostProcessor(_WhenOpen.kept(finish))
    if hasattr(details, "groupName"):
        details.groupName = group
    context.addLayerToLoadOnCompletion(file, details)


class _WhenOpen(QgsProcessingLayerPostProcessorInterface):
    """Calls a function with the layer once it is open; kept alive here, since Processing keeps no reference."""

    _alive: ClassVar[list[_WhenOpen]] = []

    def __init__(self, finish: Finish) -> None:
        super().__init__()
        self._finish = finish

    @classmethod
    def kept(cls, finish: Finish) -> _WhenOpen:
        """Return a new one that stays alive."""
        made = cls(finish)
        cls._alive.append(made)
        return made

    def postProcessLayer(self, layer: Any, context: QgsProcessingContext, feedback: Optional[Any]) -> None:
        if isinstance(layer, QgsMapLayer):
            self._finish(layer)
