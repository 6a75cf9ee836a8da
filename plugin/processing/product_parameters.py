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
from .threshold_parameter import threshold_of

PRODUCTS, ENCODING, LAYOUT = "PRODUCTS", "ENCODING", "LAYOUT"
CUT_NOVEL, CLAMP, INCLUDE_UNPROVEN = "CUT_NOVEL", "CLAMP", "INCLUDE_UNPROVEN"


def products_parameter(options: Sequence[str], usual: Sequence[str]) -> QgsProcessingParameterEnum:
    """Return the parameter that takes several of ``options``, the ``usual`` ones by default."""
    return QgsProcessingParameterEnum(
        PRODUCTS,
        tr("Products"),
        list(options),
        allowMultiple=True,
        defaultValue=list(usual),
        usesStaticStrings=True,
    )


def unproven_parameter() -> QgsProcessingParameterBoolean:
    """Return the parameter that lets species for which tests prove nothing count in richness and top."""
    return QgsProcessingParameterBoolean(INCLUDE_UNPROVEN, tr("Count unproven species"), False)


def format_parameters() -> tuple[QgsProcessingParameterDefinition, ...]:
    """Return what says how maps stand in files, and what becomes of pixels unlike the training's."""
    return (
        choice(ENCODING, tr("Encoding"), ENCODINGS),
        choice(LAYOUT, tr("Layout"), LAYOUTS),
        unproven_parameter(),
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


def product_fields(
    algorithm: QgsProcessingAlgorithm, parameters: dict[str, Any], context: QgsProcessingContext
) -> dict[str, Any]:
    """Return the fields of a map job that say what is made and how; raise OptionError as ``products_of``."""
    return {
        "products": products_of(algorithm, parameters, context),
        "threshold": threshold_of(algorithm, parameters, context),
        "encoding": algorithm.parameterAsEnumString(parameters, ENCODING, context),
        "layout": algorithm.parameterAsEnumString(parameters, LAYOUT, context),
        "cut_novel": algorithm.parameterAsBool(parameters, CUT_NOVEL, context),
        "clamp": algorithm.parameterAsBool(parameters, CLAMP, context),
        "include_unproven": algorithm.parameterAsBool(parameters, INCLUDE_UNPROVEN, context),
    }


def products_help() -> str:
    """Return what help says about these parameters."""
    return tr(
        "Products: “probability” is the map itself. “occurrence” is the probability of presence, refused with "
        "the reason where the model learnt from records alone. “binary” is 1 where the value reaches the "
        "threshold. “richness” is the expected number of modelled species, or without occurrence the number "
        "above their thresholds, and is called so. “top” is the species most favoured relative to its own "
        "average. “novelty” is negative where a predictor lies outside the training range (MESS), with the "
        "predictor, and for each scale (left in the folder) above 1 where it sees a landscape unlike the "
        "training's.\n\n"
        "Threshold rule, and a number instead: for binary, and for richness without occurrence.\n\n"
        "Count unproven species: by default richness and top leave out species for which tests prove nothing "
        "(few presences or blocks, or no better than chance), and name them.\n\n"
        "Encoding: “uint8” takes a quarter of the space; values are off by at most 0.002, and occurrence made "
        "of them later by more near 0 and 1. Layout: “multiband” is one file a product, not one a species.\n\n"
        "Cut where it is novel: such pixels get no value. Clamp predictors: they are mapped as if predictors "
        "stood at the end of the training range. Neither makes the model know more."
    )
