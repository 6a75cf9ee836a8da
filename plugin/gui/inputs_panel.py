"""Which rasters: one choice for each modality of the model."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ...models.card import Card
from ..core.inputs import BandSource, source
from ..core.project_rasters import ProjectRasters
from ..core.translation import tr
from .labels import Note
from .modality_input import ModalityInput
from .section import Section


class InputsPanel(Section):
    """The inputs of a model, matched by name with what is in the project.

    Signals
    -------
    changed : ()
        A band comes from elsewhere now.
    """

    changed = pyqtSignal()

    def __init__(self, rasters: ProjectRasters, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Inputs"), parent)
        self._rasters = rasters
        self.modalities: dict[str, ModalityInput] = {}
        self._empty = Note()
        self._empty.say(tr("A model says which rasters it needs."))
        self.body.addWidget(self._empty)
        rasters.changed.connect(self._on_project)

    def set_card(self, card: Optional[Card]) -> None:
        """Ask for the modalities of ``card``, finest first, and match them."""
        for widget in self.modalities.values():
            widget.changed.disconnect(self.changed)
            self.body.removeWidget(widget)
            widget.deleteLater()
        self.modalities = {}
        self._empty.setVisible(card is None)
        for modality in card.modalities if card else ():
            widget = ModalityInput(modality, self._rasters)
            widget.match()
            widget.changed.connect(self.changed)
            self.modalities[modality.name] = widget
            self.body.addWidget(widget)

    def bands(self) -> dict[str, tuple[Optional[BandSource], ...]]:
        """Return for each modality where its bands come from."""
        return {name: tuple(widget.sources) for name, widget in self.modalities.items()}

    def unmatched(self) -> dict[str, str]:
        """Return for a modality the file that was chosen for it though no band fits."""
        return {name: widget.unmatched for name, widget in self.modalities.items() if widget.unmatched}

    def whole(self) -> dict[str, BandSource]:
        """Return for the modalities of ``unmatched`` the first band of the raster that was chosen."""
        return {
            name: source(widget.chosen, 1)
            for name, widget in self.modalities.items()
            if widget.unmatched and widget.chosen is not None
        }

    def refusals(self, on: set[str]) -> tuple[str, ...]:
        """Return why chosen layers can't be used, for the modalities that are ``on``."""
        return tuple(w.refusal for name, w in self.modalities.items() if w.refusal and name in on)

    def set_on(self, on: set[str]) -> None:
        """Grey out the modalities that are switched off."""
        for name, widget in self.modalities.items():
            widget.set_on(name in on)

    def _on_project(self) -> None:
        for widget in self.modalities.values():
            widget.match()
