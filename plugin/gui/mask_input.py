"""Within which polygons: a polygon layer of the project, or its selection."""

from __future__ import annotations

from typing import Any, Optional

from qgis.core import QgsMapLayer, QgsMapLayerProxyModel, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from ..core.mask_layer import MaskLayer
from ..core.translation import tr
from .section import SPACE


class MaskInput(QWidget):
    """QGIS's layer field, empty at first, with a box for the selection where the layer has one.

    Signals
    -------
    changed : ()
        Other polygons.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.mask = MaskLayer(self)
        self.combo = QgsMapLayerComboBox()
        self.combo.setObjectName("scalescapeWithin")
        self.combo.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.combo.setAllowEmptyLayer(True, tr("the whole extent"))
        self.combo.setLayer(None)
        self.combo.setToolTip(tr("Pixels whose centre lies in no polygon of this layer get no value"))
        self.combo.setSizeAdjustPolicy(
            QgsMapLayerComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.selected_only = QCheckBox()
        self.selected_only.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.combo)
        layout.addWidget(self.selected_only)
        self.combo.layerChanged.connect(self._on_layer)
        self.selected_only.toggled.connect(self.mask.set_selected_only)
        self.mask.changed.connect(self._on_change)

    def chosen(self) -> dict[str, Any]:
        """Return what is to be remembered of the choice; empty where there is none."""
        layer = self.mask.layer
        return {} if layer is None else {"layer": layer.id(), "selected_only": self.mask.selected_only}

    def choose(self, layer: Optional[QgsMapLayer], selected_only: bool = False) -> None:
        """Choose a polygon layer, or none."""
        self.combo.setLayer(layer)
        self.selected_only.setChecked(selected_only and layer is not None)

    def _on_layer(self, layer: Optional[QgsMapLayer]) -> None:
        self.mask.set_layer(layer if isinstance(layer, QgsVectorLayer) else None)

    def _on_change(self) -> None:
        number = self.mask.selected
        one, many = tr("only the selected polygon"), tr("only the {} selected polygons")
        self.selected_only.setText(one if number == 1 else many.format(number))
        self.selected_only.setVisible(number > 0)
        self.changed.emit()
