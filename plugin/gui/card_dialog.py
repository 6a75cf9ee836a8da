"""The model's card as a window that stays open beside the map."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from ...models.card import Card
from ..core.card_text import card_html
from ..core.translation import tr
from .icons import plugin_icon

WIDTH, HEIGHT = 620, 640


class CardDialog(QDialog):
    """Shows a card; not modal."""

    def __init__(self, card: Card, file: str, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Card of {}").format(card.name))
        self.setWindowIcon(plugin_icon())
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(WIDTH, HEIGHT)
        text = QTextBrowser()
        text.setOpenExternalLinks(True)
        text.setHtml(card_html(card, file))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(buttons)
