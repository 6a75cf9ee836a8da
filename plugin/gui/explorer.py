"""The scale explorer: tool, panel and marks on the canvas, joined to the desk that answers."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from qgis.core import QgsMapLayer, QgsPointXY, QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QAction, QApplication, QFileDialog, QWidget

from ..core.engine_bridge import EngineBridge
from ..core.explorer_desk import ExplorerDesk, ExplorerState, Point
from ..core.point_table import as_text, records, write_csv
from ..core.raster_facts import crs_text
from ..core.translation import tr
from .canvas_marks import CanvasMarks
from .dock import ScalescapeDock
from .explorer_panel import ExplorerPanel
from .explorer_tool import ExplorerTool
from .icons import explorer_icon
from .scale_jobs import ScaleJobs


class Explorer(QObject):
    """Owns all parts of the scale explorer.

    Signals
    -------
    ended : (str, str, str, str)
        As ``ScalescapeDock.ended``: how something ended, for the message bar.
    """

    ended = pyqtSignal(str, str, str, str)

    def __init__(
        self,
        bridge: EngineBridge,
        dock: ScalescapeDock,
        canvas: QgsMapCanvas,
        window: Optional[QWidget] = None,
    ) -> None:
        super().__init__(window)
        self._dock = dock
        self._canvas = canvas
        self.desk = ExplorerDesk(bridge, self)
        self.panel = ExplorerPanel(window)
        self.tool = ExplorerTool(canvas)
        self.marks = CanvasMarks(canvas)
        self.action = QAction(explorer_icon(), tr("Scale explorer"), self)
        self.action.setToolTip(tr("Scale explorer: through which scale does a place suit a species?"))
        self.action.setCheckable(True)
        self.action.triggered.connect(self._on_action)
        self.tool.setAction(self.action)
        self.tool.pointed.connect(self._on_point)
        self.desk.changed.connect(self._on_state)
        dock.desk.state_changed.connect(lambda _: self.desk.set_draft(dock.desk.draft))
        self.panel.species_chosen.connect(self.desk.choose_species)
        self.panel.switched.connect(self.desk.switch)
        self.panel.pin_pressed.connect(self.desk.pin)
        self.panel.clear_pressed.connect(self.desk.clear)
        self.panel.copy_pressed.connect(self._on_copy)
        self.panel.export_pressed.connect(self._on_export)
        self.panel.help_pressed.connect(lambda: dock.setUserVisible(True))
        self.panel.closed.connect(self._on_closed)
        self.jobs = ScaleJobs(QgsProject.instance(), bridge, canvas, window)
        self.jobs.ended.connect(self.ended)
        self.jobs.mapping.connect(self.panel.show_mapping)
        self.panel.effects_pressed.connect(self._on_effects)
        self.panel.profile_pressed.connect(self._on_profile)

    def close(self) -> None:
        """Take tool and marks from the canvas."""
        self._on_closed()
        self.marks.close()
        self.jobs.close()
        self.panel.close()

    def follow_layer(self, layer: Optional[QgsMapLayer]) -> None:
        """Show the species of ``layer`` where it is one of our maps."""
        card = self.desk.state.card
        if layer is None or card is None:
            return
        named = layer.metadata().keywords().get("species", [])
        known = {one.name for one in card.species}
        if len(named) == 1 and named[0] in known:
            self.desk.choose_species(named[0])

    def _on_action(self) -> None:
        self._dock.wake()
        self.panel.setUserVisible(True)
        self._canvas.setMapTool(self.tool)
        self.action.setChecked(True)
        self.desk.set_draft(self._dock.desk.draft)
        self.follow_layer(self._canvas.currentLayer())

    def _on_point(self, point: QgsPointXY) -> None:
        crs = self._canvas.mapSettings().destinationCrs()
        text = ""
        if crs.isValid():
            text = crs_text(crs)
        self.desk.look_at(Point(point.x(), point.y(), text))

    def _on_state(self, state: ExplorerState) -> None:
        self.panel.show_state(state)
        self.marks.show_state(state)

    def _on_closed(self) -> None:
        self.desk.clear()
        if self._canvas.mapTool() is self.tool:
            self._canvas.unsetMapTool(self.tool)

    def _on_effects(self) -> None:
        self.jobs.map_effects(self._dock.desk.draft, self._shown_species())

    def _on_profile(self) -> None:
        self.jobs.show_profile(self._dock.desk.draft, self._shown_species())

    def _shown_species(self) -> str:
        result = self.desk.state.result
        return result.species if result is not None else ""

    def _on_copy(self) -> None:
        QApplication.clipboard().setText(as_text(records(self.desk.state)))

    def _on_export(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self.panel, tr("Save the numbers"), str(Path.home() / "points.csv"), tr("Tables (*.csv)")
        )
        if chosen:
            self.export(Path(chosen))

    def export(self, file: Path) -> None:
        """Write the table of all points to ``file``."""
        if not file.suffix:
            file = file.with_suffix(".csv")
        try:
            write_csv(records(self.desk.state), file)
        except OSError as error:
            said = tr("{} can't be written ({}).").format(file, error.strerror or error)
            self.ended.emit("warning", tr("Not saved"), said, "")
