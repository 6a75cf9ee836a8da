"""From which value on a species counts: a rule whose value the maps bring along, or a number."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterNumber,
)

from ...engine.protocol import THRESHOLD_RULES
from ..core.translation import tr
from .choice import choice
from .vector_parameter import is_given

RULE, THRESHOLD = "RULE", "THRESHOLD"
AUTO = "auto"


def threshold_parameters(*before: str) -> tuple[QgsProcessingParameterDefinition, ...]:
    """Return the rule, of which those ``before`` the usual ones come first, and the number instead of it."""
    return (
        choice(RULE, tr("Threshold rule"), (*before, *THRESHOLD_RULES)),
        number_parameter(tr("Threshold instead")),
    )


def number_parameter(description: str) -> QgsProcessingParameterNumber:
    """Return the number, which may be left out."""
    real = QgsProcessingParameterNumber.Type.Double
    return QgsProcessingParameterNumber(THRESHOLD, description, real, None, True)


def threshold_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> str:
    """Return the number where one is given, else the rule."""
    if is_given(parameters, THRESHOLD):
        return repr(algorithm.parameterAsDouble(parameters, THRESHOLD, context))
    return str(algorithm.parameterAsEnumString(parameters, RULE, context))
