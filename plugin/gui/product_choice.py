"""What the network's answer is made into: kinds of maps, and the threshold where one of them needs it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Optional

from qgis.gui import QgsCheckableComboBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from ...engine.protocol import PRODUCTS, USUAL_PRODUCTS
from ...models.card import Card
from ..core.product_titles import product_titles, rule_titles
from ..core.translation import tr
from .section import SPACE

LEAST_LETTERS = 12
NUMBER = ""  # the rule's data where a number is typed
_STATE = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked}


class ProductChoice(QWidget):
    """A list of kinds of maps to tick; what one of them alone needs shows where it is ticked.

    Signals
    -------
    changed : ()
        Another choice.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.maps = QgsCheckableComboBox()
        self.maps.setSeparator(", ")
        self.maps.setDefaultText(tr("tick at least one"))
        self.maps.setToolTip(tr("What maps are made; hold the pointer over an entry to see what it says"))
        for name in PRODUCTS:
            self.maps.addItemWithCheckState(name, _STATE[name in USUAL_PRODUCTS], name)
        self.rule = QComboBox()
        for name, title in rule_titles().items():
            self.rule.addItem(title, name)
        self.rule.addItem(tr("a number"), NUMBER)
        self.rule.setToolTip(
            tr("From which value on a species counts; the model's card has a threshold by each rule")
        )
        for combo in (self.maps, self.rule):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(LEAST_LETTERS)
        self.number = QDoubleSpinBox()
        self.number.setRange(0.0, 1.0)
        self.number.setDecimals(3)
        self.number.setSingleStep(0.05)
        self.number.setValue(0.5)
        title, self._threshold_title = QLabel(tr("Maps")), QLabel(tr("Threshold"))
        for label in (title, self._threshold_title):
            label.setMinimumWidth(self._threshold_title.sizeHint().width())
        first, self.row = QWidget(), QWidget()
        for widget, parts in (
            (first, (title, self.maps)),
            (self.row, (self._threshold_title, self.rule, self.number)),
        ):
            line = QHBoxLayout(widget)
            line.setContentsMargins(0, 0, 0, 0)
            for part in parts:
                line.addWidget(part, 1 if isinstance(part, QComboBox) else 0)
        self.unproven = QCheckBox(tr("Count unproven species in richness and top"))
        self.unproven.setToolTip(
            tr(
                "Tests prove nothing for species that are flagged for few presences, few blocks or chance; by "
                "default they do not count"
            )
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(first)
        layout.addWidget(self.row)
        layout.addWidget(self.unproven)
        self._some_unproven = False
        self._wanted = self._ticked = self.products()
        self._show_needed()
        # Its own signal comes of the user's clicks alone.
        self.maps.model().dataChanged.connect(lambda *_: self._on_tick())
        self.rule.currentIndexChanged.connect(lambda _: self._on_rule())
        self.number.valueChanged.connect(self.changed)
        self.unproven.toggled.connect(self.changed)

    def set_card(self, card: Optional[Card]) -> None:
        """Name the maps as they are for the species of ``card``, and rule out what it does not allow."""
        if card is None:
            return
        wanted = self._wanted
        for place, one in enumerate(product_titles(card)):
            self.maps.setItemText(place, one.title)
            self.maps.setItemData(place, one.refusal or one.tip, Qt.ItemDataRole.ToolTipRole)
            self.maps.model().item(place).setEnabled(not one.refusal)
        self._some_unproven = any(card.is_unproven(one) for one in card.species)
        self.set_products(wanted)
        self._show_needed()

    def products(self) -> tuple[str, ...]:
        """Return the kinds of maps that are ticked and allowed, in the engine's order."""
        # “Select all” of the list's own menu ticks what is not allowed, too.
        ticked = {str(name) for name in self.maps.checkedItemsData()}
        return tuple(
            name
            for place, name in enumerate(PRODUCTS)
            if name in ticked and self.maps.model().item(place).isEnabled()
        )

    def set_products(self, products: Sequence[str]) -> None:
        """Tick some kinds of maps, as far as the model allows them, and no others.

        What it does not allow is ticked again with a model that does.
        """
        for place, name in enumerate(PRODUCTS):
            allowed = self.maps.model().item(place).isEnabled()
            self.maps.setItemCheckState(place, _STATE[allowed and name in products])
        self._wanted = tuple(name for name in PRODUCTS if name in products)

    def threshold(self) -> str:
        """Return the rule, or the number where one is to be typed."""
        return str(self.rule.currentData()) or repr(self.number.value())

    def settings(self) -> dict[str, Any]:
        """Return what ``restore`` takes."""
        return {
            "products": list(self.products()),
            "threshold": self.threshold(),
            "include_unproven": self.unproven.isChecked(),
        }

    def restore(self, run: dict[str, Any]) -> None:
        """Choose as the project's last run did; what is usual without one, or for what can't be understood."""
        products = run.get("products")
        known = [name for name in PRODUCTS if isinstance(products, list) and name in products]
        self.set_products(known or USUAL_PRODUCTS)
        self.unproven.setChecked(bool(run.get("include_unproven")))
        threshold = str(run.get("threshold"))
        self.rule.setCurrentIndex(max(0, self.rule.findData(threshold)))
        if self.rule.findData(threshold) < 0:
            with suppress(ValueError):
                self.number.setValue(float(threshold))
                self.rule.setCurrentIndex(self.rule.findData(NUMBER))

    def _on_tick(self) -> None:
        ticked = self.products()
        if ticked != self._ticked:
            self._wanted = self._ticked = ticked
            self._show_needed()
            self.changed.emit()

    def _on_rule(self) -> None:
        self._show_needed()
        self.changed.emit()

    def _show_needed(self) -> None:
        # Richness needs a threshold without occurrence, as with scales off even for a model that has one.
        ticked = set(self.products())
        self.row.setVisible(bool({"binary", "richness"} & ticked))
        self.unproven.setVisible(self._some_unproven and bool({"richness", "top"} & ticked))
        self.number.setVisible(self.rule.currentData() == NUMBER)
