"""The wheel over a panel scrolls it and changes no setting, however the setting came there."""

from __future__ import annotations

import pytest
from plugin_stand_ins import wait_until
from qgis.gui import QgsDoubleSpinBox, QgsMapLayerComboBox
from qgis.PyQt.QtCore import QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QWheelEvent
from qgis.PyQt.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDoubleSpinBox,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from scalescape.plugin.gui.dock import ScalescapeDock
from scalescape.plugin.gui.explorer_panel import ExplorerPanel
from scalescape.plugin.gui.wheel_safe_area import WheelSafeArea


def turn(widget, steps=-1):
    """Turn the wheel over the middle of a widget."""
    at = widget.rect().center()
    event = QWheelEvent(
        QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(0, 0), QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def combo():
    box = QComboBox()
    box.addItems(["40 m", "80 m", "320 m"])
    return box


def slider():
    return QSlider(Qt.Orientation.Horizontal)


def value_of(widget):
    return widget.currentIndex() if isinstance(widget, QComboBox) else widget.value()


@pytest.fixture
def column(qgis_app):
    """Return a column that is higher than its scroll area, and its layout."""
    content = QWidget()
    layout = QVBoxLayout(content)
    content.setMinimumHeight(2000)
    area = WheelSafeArea(content)
    area.resize(300, 200)
    area.show()
    yield area, layout
    area.close()
    area.deleteLater()


@pytest.mark.parametrize("make", [combo, QSpinBox, QDoubleSpinBox, QgsDoubleSpinBox, slider])
@pytest.mark.parametrize("deep", [False, True])
def test_it_passes_settings_by_and_scrolls(column, make, deep):
    area, layout = column
    widget = make()
    if deep:
        holder = QWidget()
        QVBoxLayout(holder).addWidget(widget)
        layout.addWidget(holder)
    else:
        layout.addWidget(widget)
    wait_until(widget.isVisible)
    QApplication.processEvents()
    before = value_of(widget)
    turn(widget)
    assert value_of(widget) == before and area.verticalScrollBar().value() > 0


def test_a_list_of_choices_still_scrolls(column):
    _, layout = column
    box = QComboBox()
    box.addItems([str(number) for number in range(300)])
    layout.addWidget(box)
    wait_until(box.isVisible)
    box.showPopup()
    wait_until(box.view().isVisible)
    turn(box.view().viewport(), -3)
    assert box.view().verticalScrollBar().value() > 0 and box.currentIndex() == 0
    box.hidePopup()


def test_no_setting_of_the_dock_moves(bridge, project, canvas):
    dock = ScalescapeDock(bridge, project, canvas)
    dock.show()
    QApplication.processEvents()
    boxes = [
        one
        for kind in (QComboBox, QSpinBox, QDoubleSpinBox)
        for one in dock.scroll.findChildren(kind)
        if one.isEnabled()
    ]
    assert len(boxes) > 8
    before = [value_of(one) for one in boxes]
    for one in boxes:
        turn(one)
        turn(one, 2)
    assert [value_of(one) for one in boxes] == before
    for one in dock.scroll.findChildren(QAbstractSpinBox) + dock.scroll.findChildren(QgsMapLayerComboBox):
        assert one.focusPolicy() != Qt.FocusPolicy.WheelFocus
    dock.close()
    dock.deleteLater()


def test_the_explorer_scrolls_so_too(qgis_app):
    assert len(ExplorerPanel().findChildren(WheelSafeArea)) == 1
