"""A vector parameter of an algorithm as a file for the engine. Main thread only: in ``prepareAlgorithm``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import (
    QgsFeatureRequest,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
)

from ..core.translation import tr
from ..core.vector_file import VectorFileError, copy_of, own_file, temporary_file, write_features
from .text_options import OptionError


def is_given(parameters: dict[str, Any], name: str) -> bool:
    """Whether the optional parameter ``name`` has a value."""
    return parameters.get(name) not in (None, "")


def vector_parameter(
    algorithm: QgsProcessingAlgorithm,
    parameters: dict[str, Any],
    name: str,
    context: QgsProcessingContext,
    file: Optional[Path] = None,
    attributes: bool = True,
) -> str:
    """Return the file of a feature source, or of a copy where no file says what the source says.

    Parameters
    ----------
    algorithm, parameters, name, context
        As Processing has them.
    file
        Where a copy goes; a temporary file by default.
    attributes
        Whether a copy holds more than geometries.

    Raises
    ------
    OptionError
        The source can't be read, or its copy can't be written.
    """
    value = parameters.get(name)
    source = algorithm.parameterAsSource(parameters, name, context)
    if source is None:
        raise OptionError(tr("{} can't be read; choose a vector layer.").format(value))
    try:
        if _is_restricted(value):
            unchecked = QgsProcessingFeatureSource.Flag.FlagSkipGeometryValidityChecks  # the engine judges
            features = source.getFeatures(QgsFeatureRequest(), unchecked)
            return write_features(features, source, file or temporary_file(source.sourceName()), attributes)
        if isinstance(value, QgsProcessingFeatureSourceDefinition):
            parameters = {**parameters, name: value.source}
        layer = algorithm.parameterAsVectorLayer(parameters, name, context)
        return own_file(layer) or copy_of(layer, file=file, attributes=attributes)
    except VectorFileError as error:
        raise OptionError(str(error)) from error


def _is_restricted(value: Any) -> bool:
    """Whether ``value`` is a part of a layer: its selection, a filter, or its first features."""
    if not isinstance(value, QgsProcessingFeatureSourceDefinition):
        return False
    filtered = bool(getattr(value, "filterExpression", ""))  # from QGIS 3.32 on
    return bool(value.selectedFeaturesOnly) or value.featureLimit > 0 or filtered
