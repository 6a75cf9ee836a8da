"""Icons: ours by path, all others from QGIS's theme."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QIcon

_ICONS = Path(__file__).resolve().parent.parent.parent / "resources" / "icons"


def plugin_icon() -> QIcon:
    """Return the plugin's icon."""
    return QIcon(str(_ICONS / "scalescape.svg"))


def theme_icon(name: str) -> QIcon:
    """Return an icon of QGIS's theme, ``mActionStart.svg`` say."""
    return QgsApplication.getThemeIcon("/" + name)
