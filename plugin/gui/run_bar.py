"""Run, Cancel, and how far it is; always in sight below the panels."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...engine.protocol import Progress
from ..core.grid_facts import duration
from ..core.translation import tr
from .icons import theme_icon
from .labels import Note

WHOLE = 1000  # steps of the bar


class RunBar(QWidget):
    """The buttons and the progress.

    Signals
    -------
    run_pressed : ()
        Run.
    cancel_pressed : ()
        Cancel.
    """

    run_pressed = pyqtSignal()
    cancel_pressed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        rule = QFrame()
        rule.setFrameShape(QFrame.Shape.HLine)
        rule.setFrameShadow(QFrame.Shadow.Sunken)
        self.hint = Note()
        self.progress = QProgressBar()
        self.progress.setRange(0, WHOLE)
        self.progress.setTextVisible(True)
        self.progress.hide()
        self.run = QPushButton(theme_icon("mActionStart.svg"), tr("Run"))
        self.run.setObjectName("scalescapeRun")
        self.run.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.run.setEnabled(False)
        self.cancel = QPushButton(theme_icon("mTaskCancel.svg"), tr("Cancel"))
        self.cancel.setObjectName("scalescapeCancel")
        self.cancel.setEnabled(False)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run, 2)
        buttons.addWidget(self.cancel, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(9, 0, 9, 9)
        layout.setSpacing(6)
        layout.addWidget(rule)
        layout.addWidget(self.hint)
        layout.addWidget(self.progress)
        layout.addLayout(buttons)
        self.run.clicked.connect(self.run_pressed)
        self.cancel.clicked.connect(self._on_cancel)

    def show_state(self, can_run: bool, running: bool, hint: str, role: str, tip: str = "") -> None:
        """Enable what may be pressed and say why Run may not."""
        self.run.setEnabled(can_run)
        if running and not self.progress.isVisible():
            self.progress.setRange(0, 0)
            self.progress.setFormat("")
        self.cancel.setEnabled(running)
        self.progress.setVisible(running)
        self.hint.say("" if running else hint, role, tip)

    def show_progress(self, progress: Progress) -> None:
        """Show phase, share and time left."""
        if progress.total <= 0:
            self.progress.setRange(0, 0)
            return
        share = progress.done / progress.total
        self.progress.setRange(0, WHOLE)
        self.progress.setValue(round(WHOLE * share))
        text = f"{progress.phase} · {100 * share:.0f} %"
        if progress.eta is not None:
            text += " · " + tr("about {} left").format(duration(progress.eta))
        self.progress.setFormat(text)

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.progress.setRange(0, 0)
        self.cancel_pressed.emit()
