"""What is seldom changed: device, memory, precision, edge, files, check, NoData, the engine's Python."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Optional

from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QSpinBox, QWidget

from ...engine.protocol import DEFAULT_MEMORY, ENCODINGS, LAYOUTS, PRECISIONS, NoData, nodata_of_text
from ..core import settings
from ..core.translation import tr
from .labels import Note
from .section import SPACE

GIB = 1024**3
LEAST_GIB, MOST_GIB = 0.5, 1024.0
MOST_VERIFIED = 1_000_000


class AdvancedPanel(QgsCollapsibleGroupBox):
    """A collapsed box below the output.

    Signals
    -------
    changed : ()
        Something about the map.
    python_changed : ()
        Another Python for the engine; it is remembered already.
    """

    changed = pyqtSignal()
    python_changed = pyqtSignal()

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Advanced"), parent)
        self.setObjectName("scalescapeAdvanced")
        self.setCollapsed(True)
        self.device = QComboBox()
        self.device.addItem(tr("automatic"), "auto")
        self.device_note = Note()
        self.memory = QDoubleSpinBox()
        self.memory.setRange(LEAST_GIB, MOST_GIB)
        self.memory.setSingleStep(0.5)
        self.memory.setDecimals(1)
        self.memory.setSuffix(" GiB")
        self.memory.setValue(DEFAULT_MEMORY / GIB)
        self.memory.setToolTip(tr("The engine stays below this; less means smaller tiles and a longer wait"))
        self.edge = QComboBox()
        self.edge.addItem(tr("no value"), "nodata")
        self.edge.setToolTip(tr("What becomes of pixels whose windows leave the raster"))
        self.edge.addItem(tr("training mean beyond it"), "fill")
        self.precision = QComboBox()
        self.precision.addItem(tr("automatic"), "auto")
        self.precision.setToolTip(
            tr(
                "automatic: float32, or bfloat16 where a map would take over a minute and it pays; "
                "probabilities then differ by up to about 0.01"
            )
        )
        for name in PRECISIONS[1:]:
            self.precision.addItem(name, name)
        self.blend = QCheckBox(tr("blend"))
        self.blend.setToolTip(
            tr(
                "Interpolates what coarse rasters contribute, so that cells of 1 km do not show in a map of "
                "10 m; without it each pixel takes its own cell, which is exact"
            )
        )
        self.verify = QSpinBox()
        self.verify.setRange(0, MOST_VERIFIED)
        self.verify.setSingleStep(100)
        self.verify.setSpecialValueText(tr("none"))
        self.verify.setSuffix(tr(" pixels"))
        self.verify.setToolTip(
            tr("Computes so many random pixels again window by window, and writes nothing if they differ")
        )
        self.clamp = QCheckBox(tr("clamp"))
        self.clamp.setToolTip(
            tr(
                "Maps places outside the training range as if their predictors stood at its end; that does not "
                "make the model know more"
            )
        )
        self.cut_novel = QCheckBox(tr("no value"))
        self.cut_novel.setToolTip(
            tr(
                "Leaves out of all maps the places outside the training range, or unlike its landscapes; the "
                "scale explorer still answers there"
            )
        )
        self.encoding = QComboBox()
        for name, title in zip(ENCODINGS, (tr("float32"), tr("bytes, a quarter of the space"))):
            self.encoding.addItem(title, name)
        self.encoding.setToolTip(tr("Bytes hold 254 steps from 0 to 1; QGIS shows them as shares of 1"))
        self.layout_of_files = QComboBox()
        for name, title in zip(LAYOUTS, (tr("one a species"), tr("one for all species"))):
            self.layout_of_files.addItem(title, name)
        self.layout_of_files.setToolTip(tr("One for all is a GeoTIFF with a band a species: fewer files"))
        for combo in (self.device, self.precision, self.edge, self.encoding, self.layout_of_files):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(12)
        self.python = QgsFileWidget()
        self.python.setStorageMode(QgsFileWidget.StorageMode.GetFile)
        self.python.setDialogTitle(tr("Choose the Python that runs the engine"))
        self.python.lineEdit().setPlaceholderText(tr("the plugin's own environment"))
        self.python.setFilePath(settings.engine_python())
        self.form = QFormLayout()
        self.form.setVerticalSpacing(SPACE)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self.form.addRow(tr("Device"), self.device)
        self.form.addRow(self.device_note)
        self.form.addRow(tr("Memory"), self.memory)
        self.form.addRow(tr("Precision"), self.precision)
        self.form.addRow(tr("At the edge"), self.edge)
        self.form.addRow(tr("Coarse cells"), self.blend)
        self.form.addRow(tr("Where novel"), self.cut_novel)
        self.form.addRow(tr("Predictors"), self.clamp)
        self.form.addRow(tr("Values"), self.encoding)
        self.form.addRow(tr("Files"), self.layout_of_files)
        self.form.addRow(tr("Verify"), self.verify)
        self.form.addRow(tr("Engine Python"), self.python)
        self.setLayout(self.form)
        self._nodata: dict[str, QLineEdit] = {}
        self.device.currentIndexChanged.connect(self.changed)
        self.edge.currentIndexChanged.connect(self.changed)
        self.memory.valueChanged.connect(self.changed)
        self.precision.currentIndexChanged.connect(self.changed)
        self.blend.toggled.connect(self.changed)
        self.cut_novel.toggled.connect(self.changed)
        self.clamp.toggled.connect(self.changed)
        self.encoding.currentIndexChanged.connect(self.changed)
        self.layout_of_files.currentIndexChanged.connect(self.changed)
        self.verify.valueChanged.connect(self.changed)
        self.python.lineEdit().editingFinished.connect(self._on_python)
        self.python.fileChanged.connect(self._on_python_file)

    def memory_bytes(self) -> int:
        """Return the memory that the engine may take."""
        return round(self.memory.value() * GIB)

    def set_engine(self, hello: dict[str, Any]) -> None:
        """Offer the devices that the engine found, and say why there is no GPU where there is none."""
        chosen = self.device.currentData()
        self.device.blockSignals(True)
        while self.device.count() > 1:
            self.device.removeItem(1)
        for one in hello.get("devices", ()):
            self.device.addItem(str(one.get("label") or one.get("name")), str(one.get("name")))
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        self.device.blockSignals(False)
        self.device_note.say(str(hello.get("note") or ""))

    def choose_device(self, name: str) -> None:
        """Choose a device, also before the engine has told which there are."""
        if self.device.findData(name) < 0:
            self.device.addItem(name, name)
        self.device.setCurrentIndex(self.device.findData(name))

    def settings(self) -> dict[str, Any]:
        """Return what ``restore`` takes."""
        return {
            "precision": self.precision.currentData(),
            "blend": self.blend.isChecked(),
            "cut_novel": self.cut_novel.isChecked(),
            "clamp": self.clamp.isChecked(),
            "encoding": self.encoding.currentData(),
            "layout": self.layout_of_files.currentData(),
            "verify": self.verify.value(),
        }

    def restore(self, run: dict[str, Any]) -> None:
        """Choose as the project's last run did; without one what is usual."""
        for combo, name in (
            (self.precision, "precision"),
            (self.encoding, "encoding"),
            (self.layout_of_files, "layout"),
        ):
            combo.setCurrentIndex(max(0, combo.findData(run.get(name))))
        self.blend.setChecked(bool(run.get("blend")))
        self.cut_novel.setChecked(bool(run.get("cut_novel")))
        self.clamp.setChecked(bool(run.get("clamp")))
        self.verify.setValue(int(run.get("verify") or 0))

    def set_files(self, files: list[str]) -> None:
        """Ask for a NoData value for each of ``files``; what was typed for one stays."""
        if files == list(self._nodata):
            return
        typed = {file: line.text() for file, line in self._nodata.items()}
        for line in self._nodata.values():
            self.form.removeRow(line)
        self._nodata = {}
        place = self.form.rowCount() - 1
        for file in files:
            line = QLineEdit(typed.get(file, ""))
            line.setPlaceholderText(tr("as the file says"))
            line.setToolTip(
                tr(
                    "What else means NoData in {}, as it is stored: numbers and ranges such as 249..255, with "
                    "blanks between"
                ).format(file)
            )
            line.textChanged.connect(self.changed)
            self.form.insertRow(place, tr("NoData in {}").format(Path(file).name), line)
            place += 1
            self._nodata[file] = line

    def nodata(self) -> tuple[dict[str, NoData], str]:
        """Return the NoData values by file, and what is wrong with one of them or an empty text."""
        values: dict[str, NoData] = {}
        for file, line in self._nodata.items():
            text = line.text().strip()
            if not text:
                continue
            try:
                values[file] = nodata_of_text(re.sub(r"(?<=\d),(?=\d)", ".", text))
            except ValueError:
                said = tr(
                    "“{}” is no number or range; give what means NoData in {}, such as -9999 or 249..255."
                )
                return values, said.format(text, Path(file).name)
        return values, ""

    def _on_python_file(self, _file: str) -> None:
        if not self.python.lineEdit().hasFocus():
            self._on_python()

    def _on_python(self) -> None:
        chosen = self.python.filePath().strip()
        if chosen != settings.engine_python():
            settings.set_value("engine_python", chosen)
            self.python_changed.emit()
