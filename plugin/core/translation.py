"""Translation of what a person reads."""

from __future__ import annotations

from qgis.PyQt.QtCore import QCoreApplication

CONTEXT = "Scalescape"


def tr(text: str) -> str:
    """Return ``text`` in the user's language."""
    return QCoreApplication.translate(CONTEXT, text)
