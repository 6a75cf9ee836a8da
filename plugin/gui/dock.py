"""The dock: the panels in the order of a person's thought, and the desk that acts on them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

from qgis.core import QgsProject
from qgis.gui import QgsDockWidget, QgsMapCanvas
from qgis.PyQt.QtCore import QSize, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QVBoxLayout, QWidget

from ..core import settings
from ..core.engine_bridge import EngineBridge
from ..core.engine_error import EngineError
from ..core.grid_facts import duration, volume
from ..core.map_desk import DeskState, MapDesk
from ..core.map_draft import MapDraft
from ..core.output_folder import suggested_folder
from ..core.project_rasters import ProjectRasters
from ..core.translation import tr
from .advanced_panel import AdvancedPanel
from .cautions_panel import CautionsPanel
from .icons import plugin_icon
from .inputs_panel import InputsPanel
from .model_panel import ModelPanel
from .output_panel import OutputPanel
from .run_bar import RunBar
from .scales_panel import ScalesPanel
from .species_panel import SpeciesPanel
from .wheel_safe_area import WheelSafeArea
from .where_panel import WherePanel

OBJECT_NAME = "ScalescapeDock"
LEAST_WIDTH, WIDTH, HEIGHT = 340, 400, 760
SPECIES_STRETCH = 100  # against 1 for empty space


class ScalescapeDock(QgsDockWidget):
    """Model, inputs, scales, where, species, output, and Run.

    Signals
    -------
    ended : (str, str, str, str)
        How a run ended: level, title, sentence and folder (or an empty text), for the message bar.
    """

    ended = pyqtSignal(str, str, str, str)

    def __init__(
        self,
        bridge: EngineBridge,
        project: QgsProject,
        canvas: Optional[QgsMapCanvas] = None,
        parent: Optional[QWidget] = None,
    ) -> None:
        super().__init__(tr("Scalescape"), parent)
        self.setObjectName(OBJECT_NAME)
        self.setWindowIcon(plugin_icon())
        self._project = project
        self._bridge = bridge
        self._hello: Optional[int] = None
        self._filling = False
        self._stale = True  # nothing is read, matched or started before the dock is seen
        self.rasters = ProjectRasters(project, self)
        self.desk = MapDesk(project, bridge, self)

        self.model = ModelPanel()
        self.inputs = InputsPanel(self.rasters)
        self.scales = ScalesPanel()
        self.where = WherePanel(canvas)
        self.species = SpeciesPanel()
        self.output = OutputPanel()
        self.advanced = AdvancedPanel()
        self.cautions = CautionsPanel(self.desk.worded)
        self.run_bar = RunBar()

        content = QWidget()
        content.setMinimumWidth(LEAST_WIDTH // 2)  # never wider than the dock: nothing is cut off at its right
        # A wrapped label asks for the height that it has in a narrow column, and the sum of these is far too
        # much: with a least height given, the scroll area goes by the height for the width that there is.
        content.setMinimumHeight(1)
        panels = QVBoxLayout(content)
        panels.setContentsMargins(9, 9, 9, 9)
        panels.setSpacing(2)
        for panel in (self.model, self.inputs, self.scales, self.where, self.species, self.output):
            # The list of species takes what height is to spare, and gives it up again for hints and warnings.
            panels.addWidget(panel, SPECIES_STRETCH if panel is self.species else 0)
        panels.addWidget(self.cautions)
        panels.addWidget(self.advanced)
        panels.addStretch(1)
        self.scroll = WheelSafeArea(content)
        whole = QWidget()
        whole.setMinimumWidth(LEAST_WIDTH)
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.scroll, 1)
        layout.addWidget(self.run_bar)
        self.setWidget(whole)

        self.rasters.changed.connect(self._on_rasters)
        self.model.changed.connect(self._on_model)
        for panel in (self.inputs, self.scales, self.where, self.species, self.output, self.advanced):
            panel.changed.connect(self._on_change)
        self.advanced.python_changed.connect(self._on_python)
        self.cautions.acknowledged.connect(self.desk.acknowledge)
        self.run_bar.run_pressed.connect(self._on_run)
        self.run_bar.cancel_pressed.connect(self.desk.cancel)
        self.desk.state_changed.connect(self._on_state)
        self.desk.progressed.connect(self.run_bar.show_progress)
        self.desk.ended.connect(self._on_end)
        bridge.answered.connect(self._on_answer)
        bridge.failed.connect(self._on_failure)
        project.readProject.connect(self._on_project)
        self.opened.connect(self._on_opened)
        self.closed.connect(self._on_closed)

    def sizeHint(self) -> QSize:
        """Return a size at which every panel can be read."""
        return QSize(WIDTH, HEIGHT)

    def restore(self) -> None:
        """Fill the panels with what was used last, in the project or else by the user."""
        run = settings.project_run(self._project)
        with self._being_filled():
            self.output.set_folder(str(run.get("out") or suggested_folder(self._project)))
            self.advanced.choose_device(str(run.get("device") or settings.value("device", "auto")))
        mine = self.model.path if self.model.by_hand else settings.value("model")
        model = str(run.get("model") or mine)
        self.model.settled = bool(model)
        if model:
            self.model.choose(model)
        else:
            self.model.choose_fitting(self.rasters.all())
        with self._being_filled():
            self.scales.set_scales(run.get("scales") or {})
            if run.get("step"):
                self.where.set_step(int(run["step"]))
            within = run.get("within") or {}
            layer = self._project.mapLayer(str(within.get("layer", "")))
            self.where.within.choose(layer, bool(within.get("selected_only")))
            self.output.products.restore(run)
            self.advanced.restore(run)
            if run.get("species"):
                self.species.set_species(set(run["species"]))
        self._stale = False
        self._on_change()

    def draft(self) -> MapDraft:
        """Return what the panels say."""
        scales = self.scales.scales()
        on = {name for name, some in scales.items() if some}
        extent, crs = self.where.extent()
        nodata, nodata_error = self.advanced.nodata()
        return MapDraft(
            model=self.model.path,
            card=self.model.card,
            model_error=self.model.error,
            bands=self.inputs.bands(),
            unmatched=self.inputs.unmatched(),
            whole=self.inputs.whole(),
            refusals=self.inputs.refusals(on),
            scales=scales,
            extent=extent,
            extent_crs=crs,
            extent_error=self.where.error(),
            mask=self.where.within.mask.file(),
            mask_error=self.where.within.mask.error(),
            step=self.where.current_step,
            species=self.species.species(),
            out=self.output.out(),
            nodata=nodata,
            nodata_error=nodata_error,
            edge=str(self.advanced.edge.currentData()),
            device=str(self.advanced.device.currentData()),
            memory=self.advanced.memory_bytes(),
            precision=str(self.advanced.precision.currentData()),
            blend=self.advanced.blend.isChecked(),
            verify=self.advanced.verify.value(),
            products=self.output.products.products(),
            threshold=self.output.products.threshold(),
            include_unproven=self.output.products.unproven.isChecked(),
            cut_novel=self.advanced.cut_novel.isChecked(),
            clamp=self.advanced.clamp.isChecked(),
            encoding=str(self.advanced.encoding.currentData()),
            layout=str(self.advanced.layout_of_files.currentData()),
        )

    @contextmanager
    def _being_filled(self) -> Iterator[None]:
        """Do not take for the user's what changes in the panels meanwhile."""
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _on_model(self) -> None:
        card = self.model.card
        with self._being_filled():
            self.inputs.set_card(card)
            self.scales.set_card(card)
            self.species.set_card(card)
            self.output.products.set_card(card)
        self._on_change()

    def _on_rasters(self) -> None:
        if not self._stale:
            self.model.choose_fitting(self.rasters.all())

    def _on_change(self) -> None:
        if self._filling or self._stale:
            return
        with self._being_filled():  # what follows from a change is no change of its own
            scales = self.scales.scales()
            on = {name for name, some in scales.items() if some}
            self.inputs.set_on(on)
            self.where.set_card(self.model.card, on)
            draft = self.draft()
            self.advanced.set_files(sorted({one.file for one in draft.inputs()}))
        self.desk.set_draft(self.draft())

    def _on_run(self) -> None:
        draft = self.desk.draft
        settings.remember_model(draft.model)
        if self.model.by_hand or self.model.settled:  # else the next project may have rasters of another one
            settings.set_value("model", draft.model)
        settings.set_value("out", self.output.folder.filePath())
        settings.set_value("device", draft.device)
        run: dict[str, Any] = {
            "model": draft.model,
            "scales": {name: list(on) for name, on in draft.scales.items()},
            "step": draft.step,
            "species": list(draft.species),
            "out": self.output.folder.filePath(),
            "device": draft.device,
            "within": self.where.within.chosen(),
            **self.output.products.settings(),
            **self.advanced.settings(),
        }
        settings.set_project_run(self._project, run)
        self.desk.run()

    def _on_state(self, state: DeskState) -> None:
        known = set(self.cautions.boxes)
        # What the engine says about scales stands beside them, once.
        about_scales = [one for one in state.cautions if one.kind == "scales" and not one.blocking]
        others = tuple(one for one in state.cautions if one not in about_scales)
        self.cautions.show_cautions(others, state.acknowledged)
        if not state.checking:
            self.scales.set_cautions([self.desk.worded(one.message).text for one in about_scales])
        if set(self.cautions.boxes) - known:
            QTimer.singleShot(0, self._show_warnings)
        result = state.result
        if result is not None:
            self.scales.set_margin(result.margin_m, result.margin_modality)
            self.where.show_size(result.width, result.height, result.pixel_m)
        else:
            self.scales.set_margin(None)
            if not state.checking:
                self.where.forget_size()
        hint, role = state.obstacle, "bad" if state.is_fault else "quiet"
        if not hint and state.open_cautions and not state.checking:
            number = len(state.open_cautions)
            one = tr("Acknowledge or fix the warning above.")
            many = tr("Acknowledge or fix the {} warnings above.")
            hint, role = one if number == 1 else many.format(number), "caution"
        elif not hint and state.checking:
            hint = tr("Looking at the inputs …")
        elif not hint and not state.can_run and not state.running:
            hint = tr("Waiting for the engine …")
        elif not hint and state.result is not None and state.result.estimate is not None:
            took = state.result.estimate
            hint = tr("About {}, at most {} of disk.").format(duration(took.seconds), volume(took.disk_bytes))
        tip = state.obstacle_tip if hint == state.obstacle else ""
        self.run_bar.show_state(state.can_run, state.running, hint, role, tip)

    def _show_warnings(self) -> None:
        """Bring the warnings that want an answer into sight."""
        self.scroll.ensureWidgetVisible(self.cautions)

    def _on_end(self, level: str, title: str, sentence: str, folder: str) -> None:
        self.output.refresh()  # the folder may hold a run now
        self.ended.emit(level, title, sentence, folder)

    def _on_python(self) -> None:
        self._greet()
        self.desk.check_again()

    def wake(self) -> None:
        """Read and match the project's rasters and fill the panels, seen or not."""
        self.rasters.set_active(True)
        if self._stale:
            self.restore()

    def _on_opened(self) -> None:
        self.wake()
        if self._hello is None:
            self._greet()

    def _greet(self) -> None:
        """Start the engine and ask which devices it has."""
        try:
            self._hello = self._bridge.ask("hello", {})
        except EngineError as error:
            self.advanced.device_note.say(error.sentence(), "bad")

    def _on_answer(self, number: int, values: object) -> None:
        if number == self._hello and isinstance(values, dict):
            self.advanced.set_engine(values)

    def _on_failure(self, number: int, error: object) -> None:
        if number == self._hello and isinstance(error, EngineError) and not error.cancelled:
            self.advanced.device_note.say(error.sentence(), "bad")

    def _on_closed(self) -> None:
        self.rasters.set_active(False)

    def _on_project(self) -> None:
        self._stale = True
        if self.isVisible():
            self.restore()
