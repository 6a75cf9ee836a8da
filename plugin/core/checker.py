"""Asks the engine what a map would be, a moment after the last change, and never twice at once."""

from __future__ import annotations

from typing import Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...engine.protocol import Caution, CheckJob, CheckResult, EstimateResult, to_params
from .engine_bridge import EngineBridge
from .engine_error import EngineError

DELAY_MS = 350


def check_result(values: dict) -> CheckResult:
    """Return the engine's answer as a CheckResult."""
    cautions = tuple(
        Caution(
            str(one.get("kind", "")),
            str(one.get("message", "")),
            bool(one.get("blocking", False)),
            str(one.get("modality") or ""),
            str(one.get("band") or ""),
        )
        for one in values.get("warnings", ())
    )
    estimate = values.get("estimate")
    return CheckResult(
        int(values["width"]),
        int(values["height"]),
        float(values["pixel_m"]),
        float(values["margin_m"]),
        str(values.get("crs", "")),
        dict(values.get("inputs", {})),
        cautions,
        None if estimate is None else EstimateResult(**estimate),
    )


class Checker(QObject):
    """Debounced checks; only the newest job counts.

    Signals
    -------
    started : ()
        A check is under way or due.
    checked : (object)
        The CheckResult of the newest job.
    failed : (object)
        The EngineError that says why the newest job can't be done.
    """

    started = pyqtSignal()
    checked = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(self, bridge: EngineBridge, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._wanted: Optional[CheckJob] = None
        self._asked: Optional[CheckJob] = None
        self._under_way: Optional[int] = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self._ask)
        bridge.answered.connect(self._on_answer)
        bridge.failed.connect(self._on_failure)

    def check(self, job: CheckJob) -> None:
        """Check ``job`` soon, in place of any that waits."""
        self._wanted = job
        self._timer.start()
        self.started.emit()

    def forget(self) -> None:
        """Drop what waits and ignore what is under way."""
        self._wanted = None
        self._timer.stop()

    def _ask(self) -> None:
        if self._wanted is None or self._under_way is not None:
            return  # the answer to the one under way asks again
        job = self._wanted
        try:
            self._under_way = self._bridge.ask("check", to_params(job))
        except EngineError as error:
            self._wanted = None
            self.failed.emit(error)
            return
        self._asked = job

    def _on_answer(self, number: int, values: object) -> None:
        if not self._is_ours(number):
            return
        try:
            result = check_result(values if isinstance(values, dict) else {})
        except (KeyError, TypeError, ValueError) as defect:
            self.failed.emit(EngineError(f"The engine's answer can't be understood ({defect})."))
            return
        self.checked.emit(result)

    def _on_failure(self, number: int, error: object) -> None:
        if self._is_ours(number):
            self.failed.emit(error)

    def _is_ours(self, number: int) -> bool:
        """Whether the answer is the one waited for and still wanted; if it is outdated, ask again."""
        if number != self._under_way:
            return False
        self._under_way = None
        if self._wanted is None:
            return False
        if self._wanted is not self._asked:
            self._timer.start()
            return False
        self._wanted = None
        return True
