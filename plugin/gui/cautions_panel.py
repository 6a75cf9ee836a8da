"""What looks wrong with the map to come; what would spoil it wants to be acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ...engine.protocol import Caution
from ..core.translation import tr
from ..core.wording import Said
from .icons import theme_icon
from .labels import breakable, colour

ICON = 16


class CautionsPanel(QWidget):
    """One framed line for each caution; ``worded`` puts the engine's sentences in the words of the dock.

    Signals
    -------
    acknowledged : (object, bool)
        The Caution, and whether its box is ticked.
    """

    acknowledged = pyqtSignal(object, bool)

    def __init__(self, worded: Callable[[str], Said], parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._worded = worded
        self.boxes: dict[Caution, QCheckBox] = {}
        self._shown: tuple[Caution, ...] = ()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 8)
        self._layout.setSpacing(6)
        self.hide()

    def show_cautions(self, cautions: tuple[Caution, ...], acknowledged: frozenset[Caution]) -> None:
        """Show ``cautions``, those that block first; tick the boxes of the ``acknowledged``."""
        if cautions != self._shown:
            self._shown = cautions
            self.boxes = {}
            while self._layout.count():
                widget = self._layout.takeAt(0).widget()
                if widget is not None:
                    widget.hide()
                    widget.deleteLater()
            for caution in sorted(cautions, key=lambda one: not one.blocking):
                self._layout.addWidget(self._line(caution))
        for caution, box in self.boxes.items():
            box.blockSignals(True)
            box.setChecked(caution in acknowledged)
            box.blockSignals(False)
        self.setVisible(bool(cautions))

    def _line(self, caution: Caution) -> QWidget:
        frame = QFrame()
        frame.setObjectName("caution")
        edge = colour("caution" if caution.blocking else "quiet", self)
        frame.setStyleSheet(f"QFrame#caution {{ border: none; border-left: 3px solid {edge}; }}")
        picture = QLabel()
        name = "mIconWarning.svg" if caution.blocking else "mIconInfo.svg"
        picture.setPixmap(theme_icon(name).pixmap(ICON, ICON))
        said = self._worded(caution.message)
        text = QLabel(breakable(said.text))
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setToolTip(said.tip)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addWidget(text)
        if caution.blocking:
            box = QCheckBox(tr("It is right, map anyway"))
            box.toggled.connect(lambda yes: self.acknowledged.emit(caution, yes))
            self.boxes[caution] = box
            words.addWidget(box)
        row = QHBoxLayout(frame)
        row.setContentsMargins(8, 3, 2, 3)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        return frame
