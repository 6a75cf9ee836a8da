"""A mark at each group of maps in the layer tree, whose tooltip tells how they were made."""

from __future__ import annotations

from html import escape
from typing import Optional

from qgis.core import QgsLayerTreeGroup, QgsProject
from qgis.gui import QgsLayerTreeView, QgsLayerTreeViewIndicator
from qgis.PyQt.QtCore import QObject, QTimer

from ..core.result_layers import SUMMARY_PROPERTY
from .icons import plugin_icon


class SummaryIndicators(QObject):
    """Keeps the marks in line with the layer tree; QGIS itself shows no tooltip for a group."""

    def __init__(self, project: QgsProject, view: QgsLayerTreeView, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._root = project.layerTreeRoot()
        self._view = view
        self._marks: dict[QgsLayerTreeGroup, QgsLayerTreeViewIndicator] = {}
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self.refresh)
        self._root.addedChildren.connect(self._on_change)
        self._root.customPropertyChanged.connect(self._on_change)
        self.refresh()

    def refresh(self) -> None:
        """Mark the groups that tell of a run, with the newest text."""
        for group in self._root.findGroups(True):
            text = group.customProperty(SUMMARY_PROPERTY)
            if not text:
                continue
            mark = next((m for m in self._view.indicators(group) if m in self._marks.values()), None)
            if mark is None:
                mark = QgsLayerTreeViewIndicator(self)
                mark.setIcon(plugin_icon())
                self._view.addIndicator(group, mark)
                self._marks[group] = mark
            mark.setToolTip("<br>".join(escape(line) for line in str(text).splitlines()))

    def close(self) -> None:
        """Take all marks away."""
        self._root.addedChildren.disconnect(self._on_change)
        self._root.customPropertyChanged.disconnect(self._on_change)
        self._later.stop()
        for group in self._root.findGroups(True):
            for mark in self._view.indicators(group):
                if mark in self._marks.values():
                    self._view.removeIndicator(group, mark)
        self._marks = {}

    def _on_change(self, *_: object) -> None:
        self._later.start()
