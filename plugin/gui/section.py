"""One section of the dock: a title with room for links on its right, and what belongs to it below."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

SPACE = 5
BETWEEN = 10


class Section(QWidget):
    """Base of the panels: subclasses add to ``self.body``."""

    def __init__(self, title: str, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        rule = QFrame()
        rule.setFrameShape(QFrame.Shape.HLine)
        rule.setFrameShadow(QFrame.Shadow.Sunken)
        self.title = QLabel(title)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.aside = QLabel()
        self.aside.setTextFormat(Qt.TextFormat.RichText)
        self.aside.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addWidget(rule, 1)
        head.addWidget(self.aside)
        self.body = QVBoxLayout()
        self.body.setSpacing(SPACE)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, BETWEEN)
        outer.setSpacing(SPACE)
        outer.addLayout(head)
        outer.addLayout(self.body)
