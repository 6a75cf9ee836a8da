"""Labels with a role: section titles, notes, and words coloured to suit the theme."""

from __future__ import annotations

import re
from html import escape
from typing import Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QPalette
from qgis.PyQt.QtWidgets import QLabel, QSizePolicy, QWidget

_LIGHT = {"good": "#1b7837", "bad": "#b2182b", "caution": "#9a5b00", "quiet": "#5f6368"}
_DARK = {"good": "#7fd08c", "bad": "#ff8a80", "caution": "#f2b84b", "quiet": "#a8adb3"}
LONG_WORD = 25  # characters
_DARK_BELOW = 128  # lightness of the window colour, of 255


def colour(role: str, widget: QWidget) -> str:
    """Return the colour of a role (``good``, ``bad``, ``caution``, ``quiet``) on the widget's background."""
    dark = widget.palette().color(QPalette.ColorRole.Window).lightness() < _DARK_BELOW
    return (_DARK if dark else _LIGHT)[role]


def coloured(text: str, role: str, widget: QWidget) -> str:
    """Return ``text`` as HTML in the colour of ``role``."""
    return f"<span style='color:{colour(role, widget)}'>{escape(text)}</span>"


def breakable(text: str) -> str:
    """Return ``text`` with places to break a line in long words such as file names, which a label would cut."""
    return re.sub(
        rf"\S{{{LONG_WORD},}}", lambda word: re.sub(r"([_\-/\\.:])(?=\w)", "\\1\u200b", word.group()), text
    )


class Note(QLabel):
    """A wrapped line of small quiet text; empty ones take no room."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.hide()

    def say(self, text: str, role: str = "quiet", tip: str = "") -> None:
        """Show plain ``text`` in the colour of ``role``."""
        self.say_html(coloured(breakable(text), role, self) if text else "")
        self.setToolTip(tip)

    def say_html(self, html: str) -> None:
        """Show ``html``."""
        self.setText(html)
        self.setVisible(bool(html))
