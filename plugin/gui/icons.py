"""Icons: ours by path, all others from QGIS's theme."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtGui import QCursor, QIcon

_ICONS = Path(__file__).resolve().parent.parent.parent / "resources" / "icons"
CURSOR_SIZE = 32


def plugin_icon() -> QIcon:
    """Return the plugin's icon."""
    return QIcon(str(_ICONS / "scalescape.svg"))


def explorer_icon() -> QIcon:
    """Return the icon of the scale explorer: windows in windows."""
    return QIcon(str(_ICONS / "explorer.svg"))


def explorer_cursor() -> QCursor:
    """Return the cursor of the scale explorer."""
    middle = CURSOR_SIZE // 2
    return QCursor(QIcon(str(_ICONS / "explorer_cursor.svg")).pixmap(CURSOR_SIZE, CURSOR_SIZE), middle, middle)


def theme_icon(name: str) -> QIcon:
    """Return an icon of QGIS's theme, ``mActionStart.svg`` say."""
    return QgsApplication.getThemeIcon("/" + name)
