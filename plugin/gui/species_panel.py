"""Which species."""

from __future__ import annotations

from typing import Optional

from qgis.gui import QgsFilterLineEdit
from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from ...models.card import Card
from ..core.reliability import auc_text, explanation
from ..core.translation import tr
from .labels import coloured
from .section import Section

LEAST_ROWS = 3
NAME, AUC = 0, 1


class _SpeciesList(QTreeWidget):
    """A list that asks for no more than its least height, and takes what there is to spare."""

    def sizeHint(self) -> QSize:
        """Return the least height: a scroll area gives its content what it hints at, and scrolls for it."""
        return QSize(super().sizeHint().width(), self.minimumHeight())


class SpeciesPanel(Section):
    """A list to tick, with a search, and beside each species its held-out AUC with the interval and flag.

    Signals
    -------
    changed : ()
        Other species are ticked.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Species"), parent)
        self.search = QgsFilterLineEdit()
        self.search.setShowSearchIcon(True)
        self.search.setPlaceholderText(tr("Search"))
        self.list = _SpeciesList()
        self.list.setObjectName("scalescapeSpecies")
        self.list.setColumnCount(2)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAlternatingRowColors(True)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(AUC, QHeaderView.ResizeMode.ResizeToContents)
        self.body.addWidget(self.search)
        self.body.addWidget(self.list)
        self.aside.linkActivated.connect(self._on_link)
        self.search.textChanged.connect(self._filter)
        self.list.itemChanged.connect(self._on_item)
        self._count()

    def set_card(self, card: Optional[Card]) -> None:
        """List the species of ``card``, all ticked."""
        self.list.blockSignals(True)
        self.list.clear()
        for species in card.species if card else ():
            item = QTreeWidgetItem([species.name, auc_text(card, species)])
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(NAME, Qt.CheckState.Checked)
            tip = explanation(card, species)
            item.setToolTip(NAME, tip)
            item.setToolTip(AUC, tip)
            self.list.addTopLevelItem(item)
        self.list.blockSignals(False)
        self._set_height()
        self._filter(self.search.text())
        self._count()

    def species(self) -> tuple[str, ...]:
        """Return the names that are ticked, in the order of the card."""
        items = self._items()
        return tuple(item.text(NAME) for item in items if item.checkState(NAME) == Qt.CheckState.Checked)

    def set_species(self, names: set[str]) -> None:
        """Tick just these."""
        self._tick(lambda item: item.text(NAME) in names, self._items())

    def tick_all(self, yes: bool) -> None:
        """Tick all that the search shows, or none of them."""
        self._tick(lambda _item: yes, [item for item in self._items() if not item.isHidden()])

    def _set_height(self) -> None:
        """Let the list be from ``LEAST_ROWS`` rows to as many as it has species, and the section with it."""
        number = self.list.topLevelItemCount()
        row = self.list.sizeHintForRow(0) if number else self.list.fontMetrics().height()
        frame = 2 * self.list.frameWidth() + 2
        least = LEAST_ROWS * row + frame
        most = max(number, LEAST_ROWS) * row + frame
        self.list.setMinimumHeight(least)
        self.list.setMaximumHeight(most)
        self.setMaximumHeight(self.minimumSizeHint().height() + most - least)

    def _items(self) -> list[QTreeWidgetItem]:
        return [self.list.topLevelItem(i) for i in range(self.list.topLevelItemCount())]

    def _tick(self, wanted, items: list[QTreeWidgetItem]) -> None:
        self.list.blockSignals(True)
        for item in items:
            item.setCheckState(NAME, Qt.CheckState.Checked if wanted(item) else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self.list.viewport().update()
        self._on_item()

    def _filter(self, text: str) -> None:
        wanted = text.strip().lower()
        for item in self._items():
            item.setHidden(wanted not in item.text(NAME).lower())

    def _on_link(self, link: str) -> None:
        self.tick_all(link == "all")

    def _on_item(self, *_: object) -> None:
        self._count()
        self.changed.emit()

    def _count(self) -> None:
        said = tr("{} of {}").format(len(self.species()), self.list.topLevelItemCount())
        links = f"<a href='all'>{tr('all')}</a> · <a href='none'>{tr('none')}</a>"
        self.aside.setText(f"{coloured(said, 'quiet', self)} &nbsp; {links}")
