"""What the dock's buttons do: holds the draft, has it checked, runs it. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Optional

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...engine.protocol import Caution, CheckJob, CheckResult, MapResult
from .check_answer import check_result
from .engine_bridge import EngineBridge
from .engine_error import EngineError
from .grid_facts import duration
from .map_draft import MapDraft
from .map_run import MapRun
from .newest_question import NewestQuestion
from .translation import tr
from .wording import Said, in_the_dock

CHECK_DELAY_MS = 350  # after the last change


@dataclass(frozen=True)
class DeskState:
    """What the dock shows: the newest check, its cautions, and whether Run may be pressed or why not."""

    result: Optional[CheckResult] = None
    checking: bool = False
    obstacle: str = ""
    obstacle_tip: str = ""
    is_fault: bool = False
    acknowledged: frozenset[Caution] = frozenset()
    running: bool = False

    @property
    def cautions(self) -> tuple[Caution, ...]:
        """Return the cautions of the newest check."""
        return self.result.warnings if self.result is not None else ()

    @property
    def open_cautions(self) -> tuple[Caution, ...]:
        """Return the cautions that must be acknowledged yet."""
        return tuple(one for one in self.cautions if one.blocking and one not in self.acknowledged)

    @property
    def can_run(self) -> bool:
        """Whether Run may be pressed."""
        ready = self.result is not None and not self.checking and not self.obstacle
        return ready and not self.running and not self.open_cautions


class MapDesk(QObject):
    """Turns drafts into checks and runs.

    Signals
    -------
    state_changed : (object)
        The DeskState.
    progressed : (object)
        The engine's Progress of the run.
    ended : (str, str, str, str)
        How a run ended: ``success``, ``info``, ``warning`` or ``critical``, a title, a sentence, and the folder
        of the maps (empty where there are none).
    """

    state_changed = pyqtSignal(object)
    progressed = pyqtSignal(object)
    ended = pyqtSignal(str, str, str, str)

    def __init__(self, project: QgsProject, bridge: EngineBridge, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._project = project
        self._bridge = bridge
        self._checker = NewestQuestion(bridge, "check", check_result, CHECK_DELAY_MS, self)
        self._checker.answered.connect(self._on_checked)
        self._checker.failed.connect(self._on_check_failed)
        self._checked_job: Optional[CheckJob] = None
        self._fault = Said("")
        self._run: Optional[MapRun] = None
        self.draft = MapDraft()
        self.state = DeskState()

    def set_draft(self, draft: MapDraft) -> None:
        """Take what the panels say now; the engine is asked about it where that can change its answer."""
        if draft.acknowledged_for() != self.draft.acknowledged_for():
            self.state = replace(self.state, acknowledged=frozenset())
        self.draft = draft
        if draft.obstacle_to_check():
            self._fault = Said("")
            self._checker.forget()
            self._checked_job = None
            self._tell(result=None, checking=False)
            return
        job = draft.check_job()
        if job != self._checked_job:
            self._checked_job = job
            self._fault = Said("")
            self._checker.ask(job)
            self._tell(checking=True)
        else:
            self._tell()

    def check_again(self) -> None:
        """Ask the engine again about the same draft, since something outside of it changed."""
        self._checked_job = None
        self.set_draft(self.draft)

    def acknowledge(self, caution: Caution, yes: bool) -> None:
        """Take note that the user knows (or no longer) of ``caution``; it lapses when the inputs change."""
        known = self.state.acknowledged
        self._tell(acknowledged=known | {caution} if yes else known - {caution})

    def run(self) -> None:
        """Start the map of the draft."""
        card = self.draft.card
        if not self.state.can_run or card is None:
            return
        try:
            self._run = MapRun(self._project, self._bridge.client(), card, self.draft.job(), self)
        except (EngineError, OSError) as error:
            self.ended.emit("critical", tr("No map"), self._worded(error).text, "")
            return
        self._run.progressed.connect(self.progressed)
        self._run.succeeded.connect(self._on_success)
        self._run.failed.connect(self._on_failure)
        self._tell(running=True)
        self._run.start()

    def cancel(self) -> None:
        """Stop the run."""
        if self._run is not None:
            self._run.cancel()

    def _on_checked(self, result: CheckResult) -> None:
        self._tell(result=result, checking=False)

    def _on_check_failed(self, error: EngineError) -> None:
        self._fault = self._worded(error)
        self._tell(result=None, checking=False)

    def _on_success(self, result: MapResult, layers: int) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        out = run.job.out
        self._tell(running=False)
        self.check_again()
        if not layers or not result.valid_pixels:
            said = tr("The map was written to {}, but no pixel of it has a value: the inputs hold none there.")
            self.ended.emit("warning", tr("Empty map"), said.format(out), out)
            return
        # Short, since the message bar has one line; the group of the layers tells the rest.
        said = tr("{} species, {} × {} pixels, {}").format(
            len(run.species), result.width, result.height, duration(result.seconds)
        )
        if 0 < run.species_shown < len(run.species):
            said += tr("; {} of them are open").format(run.species_shown)
        self.ended.emit("success", tr("Map finished"), said, out)

    def _on_failure(self, error: EngineError) -> None:
        self._run = None
        self._tell(running=False)
        self.check_again()
        if error.cancelled:
            self.ended.emit("info", tr("Map cancelled"), tr("Nothing was written."), "")
        else:
            self.ended.emit("critical", tr("No map"), self._worded(error).text, "")

    def _tell(self, **changes: Any) -> None:
        state = replace(self.state, **changes)
        own = self.draft.obstacle()
        said = Said(own) if own else self._fault
        is_fault = bool(self._fault.text or self.draft.model_error or self.draft.refusals)
        self.state = replace(
            state, obstacle=said.text, obstacle_tip=said.tip, is_fault=bool(said.text) and is_fault
        )
        self.state_changed.emit(self.state)

    def worded(self, sentence: str) -> Said:
        """Return an engine's sentence about the draft in the words of the dock."""
        files = {self.draft.model, self.draft.mask, *(one.file for one in self.draft.inputs())}
        return in_the_dock(sentence, files, self.draft.card)

    def _worded(self, error: Exception) -> Said:
        return self.worded(error.sentence() if isinstance(error, EngineError) else str(error))
