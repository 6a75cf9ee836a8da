"""Which maps are made, and the folder for them."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.output_folder import fresh_folder
from ..core.translation import tr
from .labels import Note
from .product_choice import ProductChoice
from .section import Section


class OutputPanel(Section):
    """Chooses kinds of maps and a folder; a run never replaces another one's maps.

    Signals
    -------
    changed : ()
        Another choice or folder.
    """

    changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Output"), parent)
        self.products = ProductChoice()
        self.body.addWidget(self.products)
        self.folder = QgsFileWidget()
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.setDialogTitle(tr("Choose a folder for the maps"))
        self.folder.lineEdit().setPlaceholderText(tr("folder for the maps"))
        self.body.addWidget(self.folder)
        self.note = Note()
        self.body.addWidget(self.note)
        self.products.changed.connect(self.changed)
        self.folder.fileChanged.connect(self.refresh)

    def out(self) -> str:
        """Return the folder that the next run writes into."""
        return fresh_folder(self.folder.filePath())

    def set_folder(self, folder: str) -> None:
        """Choose a folder."""
        self.folder.setFilePath(folder)

    def refresh(self) -> None:
        """Look whether the folder holds a run already, and say where the next one goes."""
        chosen, fresh = self.folder.filePath().strip(), self.out()
        moved = bool(chosen) and Path(fresh).name != Path(chosen).name
        said = tr("This folder holds maps already; the next ones go into “{}” beside it.")
        self.note.say(said.format(Path(fresh).name) if moved else "")
        self.changed.emit()
