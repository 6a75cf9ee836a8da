"""What a map is made into, and how it stands in files: parameters of the algorithms that make maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
)

from ...engine.protocol import ENCODINGS, LAYOUTS
from ..core.translation import tr
from .choice import choice
from .text_options import OptionError

PRODUCTS, ENCODING, LAYOUT = "PRODUCTS", "ENCODING", "LAYOUT"
CUT_NOVEL, CLAMP = "CUT_NOVEL", "CLAMP"


def products_parameter(options: Sequence[str], usual: Sequence[str]) -> QgsProcessingParameterEnum:
    """Return the parameter that takes several of ``options``, the ``usual`` ones unless told."""
    return QgsProcessingParameterEnum(
        PRODUCTS,
        tr("Products"),
        list(options),
        allowMultiple=True,
        defaultValue=list(usual),
        usesStaticStrings=True,
    )


def format_parameters() -> tuple[QgsProcessingParameterDefinition, ...]:
    """Return what says how maps stand in files, and what becomes of pixels unlike the training's."""
    return (
        choice(ENCODING, tr("Encoding"), ENCODINGS),
        choice(LAYOUT, tr("Layout"), LAYOUTS),
        QgsProcessingParameterBoolean(CUT_NOVEL, tr("Cut where it is novel"), False),
        QgsProcessingParameterBoolean(CLAMP, tr("Clamp predictors"), False),
    )


def products_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> tuple[str, ...]:
    """Return the products that were chosen, each once. Raise OptionError where there is none."""
    found = tuple(dict.fromkeys(algorithm.parameterAsEnumStrings(parameters, PRODUCTS, context)))
    if not found:
        raise OptionError(tr("Choose at least one product."))
    return found


def formats_of(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """Return the fields of a map job that ``format_parameters`` say."""
    return {
        "encoding": algorithm.parameterAsEnumString(parameters, ENCODING, context),
        "layout": algorithm.parameterAsEnumString(parameters, LAYOUT, context),
        "cut_novel": algorithm.parameterAsBool(parameters, CUT_NOVEL, context),
        "clamp": algorithm.parameterAsBool(parameters, CLAMP, context),
    }
