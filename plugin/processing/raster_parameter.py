"""A raster parameter of an algorithm as a file for the engine. Main thread only: where parameters are read."""

from __future__ import annotations

from typing import Any, Optional

from qgis.core import QgsProcessingAlgorithm, QgsProcessingContext, QgsRasterLayer

from ..core.raster_facts import Raster, raster_of_layer
from ..core.translation import tr
from .text_options import OptionError
from .vector_parameter import is_given


def raster_of(layer: Any) -> Optional[Raster]:
    """Return the facts of a raster layer, None without one. Raise OptionError where it can't be used."""
    if not isinstance(layer, QgsRasterLayer):
        return None
    raster = raster_of_layer(layer)
    if raster.refusal:
        raise OptionError(raster.refusal)
    return raster


def file_of_layer(layer: Any) -> str:
    """Return the file of a raster layer, read as it is; empty without one.

    Raise OptionError where it can't be used, or its layer says otherwise than the file, which nobody would see.
    """
    raster = raster_of(layer)
    if raster is None:
        return ""
    if raster.note():
        said = tr("{} has {}, but only the file itself is read here; save the layer as a file first.")
        raise OptionError(said.format(raster.name, raster.note()))
    return raster.file


def raster_parameter(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> str:
    """Return the file of the raster that was chosen; empty without one; OptionError where it can't be read."""
    if not is_given(parameters, name):
        return ""
    file = file_of_layer(algorithm.parameterAsRasterLayer(parameters, name, context))
    if not file:
        raise OptionError(tr("{} can't be read; choose a raster layer.").format(parameters[name]))
    return file


def raster_parameters(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], name: str, context: QgsProcessingContext
) -> tuple[str, ...]:
    """Return the files of the rasters that were picked, each once; OptionError where one can't be used."""
    layers = algorithm.parameterAsLayerList(parameters, name, context) or []
    return tuple(dict.fromkeys(file for file in map(file_of_layer, layers) if file))
