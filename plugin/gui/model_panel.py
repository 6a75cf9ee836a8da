"""Which model: the shipped ones, those used lately, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QToolButton, QWidget

from ...models.card import Card, CardError, read_card
from ..core.card_text import summary_line
from ..core.raster_facts import Raster
from ..core.translation import tr
from ..core.zoo import fitting_model, known_models
from .card_dialog import CardDialog
from .icons import theme_icon
from .labels import Note, coloured
from .section import Section


class _ModelCombo(QComboBox):
    """Tells that its list is about to open."""

    opening = pyqtSignal()

    def showPopup(self) -> None:
        self.opening.emit()
        super().showPopup()


class ModelPanel(Section):
    """Chooses a model file and shows its card.

    Signals
    -------
    changed : ()
        Another model, or none that can be read.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Model"), parent)
        self.card: Optional[Card] = None
        self.error = ""
        self.by_hand = False  # whether the user chose the model since QGIS was started
        self.settled = False  # whether the project or the user's last run says which model it is
        self._dialog: Optional[CardDialog] = None
        self.combo = _ModelCombo()
        self.combo.setObjectName("scalescapeModel")
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.combo.setMinimumContentsLength(12)
        self.combo.setPlaceholderText(tr("— choose a model file —"))
        self.browse = QToolButton()
        self.browse.setText("…")
        self.browse.setToolTip(tr("Choose a model file (.safetensors)"))
        row = QHBoxLayout()
        row.addWidget(self.combo, 1)
        row.addWidget(self.browse)
        self.body.addLayout(row)
        self.summary = Note()
        self.summary.linkActivated.connect(self.show_card)
        self.body.addWidget(self.summary)
        self._offer_known()
        self.combo.setCurrentIndex(-1)
        self.combo.opening.connect(self._offer_known)
        self.combo.currentIndexChanged.connect(self._on_choice)
        self.combo.activated.connect(self._on_touch)
        self.browse.clicked.connect(self._on_browse)

    @property
    def path(self) -> str:
        """Return the chosen model file; empty where none."""
        return str(self.combo.currentData() or "")

    def choose(self, path: str) -> None:
        """Choose a model file, adding it to the list where it is new."""
        index = self.combo.findData(path)
        if index < 0:
            self._add(path, self._name_of(path))
            index = self.combo.count() - 1
        if index == self.combo.currentIndex():
            self._on_choice()
        else:
            self.combo.setCurrentIndex(index)

    def choose_fitting(self, rasters: Sequence[Raster]) -> None:
        """Choose the model whose bands some rasters have, unless one was chosen; the demo where none has.

        A model that does not fit worse than others stays.
        """
        if self.by_hand or self.settled:
            return
        path = fitting_model(known_models(), rasters, self.path)
        if path and path != self.path:
            self.choose(path)

    def _on_touch(self, _index: int) -> None:
        self.by_hand = True

    def show_card(self) -> None:
        """Open the card in a window of its own."""
        if self.card is not None:
            self._dialog = CardDialog(self.card, self.path, self)
            self._dialog.destroyed.connect(self._forget_dialog)
            self._dialog.show()

    def _forget_dialog(self) -> None:
        self._dialog = None

    def _offer_known(self) -> None:
        """Add the models that are known now, such as one that was trained meanwhile."""
        for model in known_models():
            if self.combo.findData(model.path) < 0:
                self._add(model.path, model.name)

    def _add(self, path: str, name: str) -> None:
        self.combo.addItem(theme_icon("mIconRaster.svg"), name, path)
        self.combo.setItemData(self.combo.count() - 1, path, 3)  # Qt.ItemDataRole.ToolTipRole

    def _name_of(self, path: str) -> str:
        try:
            return read_card(path).name
        except CardError:
            return Path(path).name

    def _on_browse(self) -> None:
        start = str(Path(self.path).parent) if self.path else ""
        kinds = tr("Scalescape models (*.safetensors);;All files (*)")
        file, _ = QFileDialog.getOpenFileName(self, tr("Choose a model"), start, kinds)
        if file:
            self.by_hand = True
            self.choose(file)

    def _on_choice(self) -> None:
        self.card, self.error = None, ""
        if self.path:
            try:
                self.card = read_card(self.path)
            except CardError as error:
                self.error = str(error)
        if self.card is not None:
            link = f" · <a href='card'>{tr('card')}</a>"
            self.summary.say_html(coloured(summary_line(self.card), "quiet", self) + link)
            self.summary.setToolTip(self.card.summary)
        else:
            self.summary.say(self.error, "bad")
        self.changed.emit()
