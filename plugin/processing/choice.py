"""A parameter that is one of a few words."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsProcessingParameterEnum


def choice(name: str, description: str, options: Sequence[str]) -> QgsProcessingParameterEnum:
    """Return a parameter that is one of ``options``, the first by default, and whose value is the word."""
    return QgsProcessingParameterEnum(
        name, description, list(options), defaultValue=options[0], usesStaticStrings=True
    )
