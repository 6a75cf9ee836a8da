"""A column that scrolls, in which the mouse wheel changes no setting on its way."""

from __future__ import annotations

from typing import Optional

from qgis.gui import QgsScrollArea
from qgis.PyQt.QtCore import QCoreApplication, QEvent, QObject, Qt
from qgis.PyQt.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFrame,
    QScrollBar,
    QTabBar,
    QWidget,
)

SETTINGS = (QComboBox, QAbstractSpinBox, QAbstractSlider, QTabBar)  # what a wheel would change


class WheelSafeArea(QgsScrollArea):
    """A scroll area of one column that is as wide as the area.

    No combo box, spin box or slider in it takes the wheel, not even one with the focus: a setting that was just
    chosen keeps it while the user scrolls on. QgsScrollArea alone spares settings just after another turn only.
    """

    def __init__(self, content: QWidget, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        self._guard = _WheelGuard(self)
        self._guard.watch(content)


class _WheelGuard(QObject):
    """Sends the wheel over settings to the area that they are in, also over those that are added later."""

    def __init__(self, area: QgsScrollArea) -> None:
        super().__init__(area)
        self._area = area

    def watch(self, widget: QWidget) -> None:
        """Guard a widget and all in it."""
        for one in (widget, *widget.findChildren(QWidget)):
            one.installEventFilter(self)
            if one.focusPolicy() == Qt.FocusPolicy.WheelFocus:
                one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Scroll the area in place of what is watched, if that is a setting."""
        if event.type() == QEvent.Type.ChildPolished:
            child = event.child()
            if isinstance(child, QWidget):
                self.watch(child)
        elif event.type() == QEvent.Type.Wheel and _is_setting(watched):
            QCoreApplication.sendEvent(self._area.viewport(), event)
            return True
        return False


def _is_setting(widget: QObject) -> bool:
    return isinstance(widget, SETTINGS) and not isinstance(widget, QScrollBar)
