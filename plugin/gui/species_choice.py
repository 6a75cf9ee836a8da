"""A combo box of species that can be searched; its first entry is the most likely one."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QCompleter, QSizePolicy, QWidget

from ...models.card import Card
from ..core.translation import tr

LEAST_LETTERS = 12


class SpeciesChoice(QComboBox):
    """Type any part of a name, or pick from the list.

    Signals
    -------
    chosen : (str)
        The species; empty for the most likely one at each point.
    """

    chosen = pyqtSignal(str)

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setObjectName("scalescapeExplorerSpecies")
        self.setEditable(True)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(LEAST_LETTERS)
        self.setToolTip(tr("Whose values are shown; type a part of a name to search"))
        completer = self.completer() or QCompleter(self)
        completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.activated.connect(lambda _: self._on_choice())
        self.lineEdit().editingFinished.connect(self._on_typed)
        self.set_card(None)

    def set_card(self, card: Optional[Card]) -> None:
        """Offer the species of ``card``."""
        self.blockSignals(True)
        self.clear()
        self.addItem(tr("Most likely here"), "")
        for species in card.species if card is not None else ():
            self.addItem(species.name, species.name)
        self.blockSignals(False)

    def show_species(self, name: str) -> None:
        """Show what is chosen, without telling."""
        place = self.findData(name)
        if place >= 0 and place != self.currentIndex():
            self.blockSignals(True)
            self.setCurrentIndex(place)
            self.blockSignals(False)

    def _on_choice(self) -> None:
        self.chosen.emit(str(self.currentData() or ""))

    def _on_typed(self) -> None:
        """Take what was typed where it is one of the names, else show again what is chosen."""
        place = self.findText(self.currentText(), Qt.MatchFlag.MatchFixedString)
        if place < 0:
            self.setEditText(self.itemText(self.currentIndex()))
        elif place != self.currentIndex():
            self.setCurrentIndex(place)
            self._on_choice()
