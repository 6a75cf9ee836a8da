"""What the explorer's longer jobs do: maps of effects become layers, a profile fills its window."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ...engine.protocol import ProfileJob
from ...engine.protocol.scale_results import EffectsResult
from ..core.effect_layers import add_effects
from ..core.engine_bridge import EngineBridge
from ..core.engine_error import EngineError
from ..core.grid_facts import duration
from ..core.map_draft import MapDraft
from ..core.output_folder import fresh_folder, suggested_folder
from ..core.scale_answers import effects_result, profile_result
from ..core.scale_run import ScaleRun, effects_summary
from ..core.translation import tr
from ..core.wording import in_the_dock
from .profile_dialog import ProfileDialog


class ScaleJobs(QObject):
    """Runs effects and profiles, one of each at a time, and shows what comes of them.

    Signals
    -------
    ended : (str, str, str, str)
        As ``ScalescapeDock.ended``.
    mapping : (bool)
        Whether effects are being mapped.
    """

    ended = pyqtSignal(str, str, str, str)
    mapping = pyqtSignal(bool)

    def __init__(
        self,
        project: QgsProject,
        bridge: EngineBridge,
        canvas: QgsMapCanvas,
        window: Optional[QWidget] = None,
    ) -> None:
        super().__init__(window)
        self._project = project
        self._bridge = bridge
        self._effects: Optional[ScaleRun] = None
        self._profile: Optional[ScaleRun] = None
        self._draft = MapDraft()
        self._species = ""
        self.dialog = ProfileDialog(canvas, window)
        self.dialog.asked.connect(self.run_profile)
        self.dialog.cancelled.connect(self._cancel_profile)

    def close(self) -> None:
        """Stop what runs and take the window away."""
        for run in (self._effects, self._profile):
            if run is not None:
                run.cancel()
        self.dialog.close()
        self.dialog.tool.close()
        self.dialog.deleteLater()

    def map_effects(self, draft: MapDraft, species: str) -> None:
        """Map what each scale adds for ``species``, or stop doing so."""
        if self._effects is not None:
            self._effects.cancel()
            return
        obstacle = draft.obstacle_to_check()
        if obstacle or draft.card is None:
            self.ended.emit("warning", tr("No effects"), obstacle, "")
            return
        base = Path(draft.out or suggested_folder(self._project)).expanduser()
        out = fresh_folder(str(base.with_name(f"{base.name} effects {species}")))
        job = draft.effects_job(species, out)
        title = tr("scale effects of {}").format(species)
        self._draft = draft
        self._effects = self._run("effects", job, title, effects_result, self._on_effects)
        self.mapping.emit(self._effects is not None)

    def show_profile(self, draft: MapDraft, species: str = "") -> None:
        """Open the window of the profile, which will show ``species`` first."""
        self.dialog.set_draft(draft)
        self._species = species
        self.dialog.show()
        self.dialog.raise_()

    def run_profile(self, job: ProfileJob) -> None:
        """Sum up over the area of ``job``."""
        self._profile = self._run("profile", job, tr("scale profile"), profile_result, self._on_profile)
        if self._profile is not None:
            self._profile.progressed.connect(self.dialog.show_progress)
            self.dialog.show_running()

    def _run(self, method: str, job: Any, title: str, read: Any, on_end: Any) -> Optional[ScaleRun]:
        try:
            run = ScaleRun(self._bridge.client(), method, job, title, read, self)
        except EngineError as error:
            self.ended.emit("critical", title, error.sentence(), "")
            return None
        run.ended.connect(on_end)
        run.start()
        return run

    def _on_effects(self, result: Optional[EffectsResult], error: Optional[EngineError]) -> None:
        run, self._effects = self._effects, None
        self.mapping.emit(False)
        card = self._draft.card
        if result is None or run is None or card is None:
            if error is not None and error.cancelled:
                self.ended.emit("info", tr("Effects cancelled"), tr("Nothing was written."), "")
            else:
                self.ended.emit("critical", tr("No effects"), self._worded(error), "")
            return
        summary = effects_summary(card, run.job, result)
        layers = add_effects(self._project, card, result.files, result.limit, summary)
        said = tr("{}: {} maps, {}").format(result.species, len(layers), duration(result.seconds))
        self.ended.emit("success", tr("Effects mapped"), said, run.job.out)

    def _on_profile(self, result: Any, error: Optional[EngineError]) -> None:
        self._profile = None
        self.dialog.show_end(result, self.dialog.card(), self._worded(error))
        self.dialog.choose_species(self._species)

    def _cancel_profile(self) -> None:
        if self._profile is not None:
            self._profile.cancel()

    def _worded(self, error: Optional[EngineError]) -> str:
        if error is None:
            return ""
        files = {self._draft.model, *(one.file for one in self._draft.inputs())}
        return in_the_dock(error.sentence(), files, self._draft.card).text
