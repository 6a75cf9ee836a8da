"""Asks the engine small questions one after another; of those that wait only the newest counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...engine.protocol import to_params
from .engine_bridge import EngineBridge
from .engine_error import EngineError


class NewestQuestion(QObject):
    """Debounced questions of one method, never two under way at once.

    Parameters
    ----------
    bridge
        To the engine.
    method
        The engine's, such as ``check``.
    read
        Turns the engine's values into a result; may raise KeyError, TypeError or ValueError.
    delay_ms
        How long to wait for a newer question before asking.
    follow
        Whether answers to questions that are outdated meanwhile are told too, so that whoever asks without
        end sees something; they come in the order of asking.

    Signals
    -------
    started : ()
        A question is under way or due.
    answered : (object)
        The result; ``answered_job`` is what was asked.
    failed : (object)
        The EngineError that says why ``answered_job`` can't be answered.
    """

    started = pyqtSignal()
    answered = pyqtSignal(object)
    failed = pyqtSignal(object)

    def __init__(
        self,
        bridge: EngineBridge,
        method: str,
        read: Callable[[dict[str, Any]], Any],
        delay_ms: int,
        parent: Optional[QObject] = None,
        follow: bool = False,
    ) -> None:
        super().__init__(parent)
        self.answered_job: Any = None
        self._bridge = bridge
        self._method = method
        self._read = read
        self._follow = follow
        self._wanted: Any = None
        self._asked: Any = None
        self._under_way: Optional[int] = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._send)
        bridge.answered.connect(self._on_answer)
        bridge.failed.connect(self._on_failure)

    @property
    def waiting(self) -> bool:
        """Whether an answer that counts is still to come."""
        return self._wanted is not None

    def ask(self, job: Any) -> None:
        """Ask ``job`` soon, in place of any that waits."""
        self._wanted = job
        if not self._timer.isActive() or not self._follow:
            self._timer.start()
        self.started.emit()

    def forget(self) -> None:
        """Drop what waits and ignore what is under way."""
        self._wanted = self._asked = None
        self._timer.stop()

    def _send(self) -> None:
        if self._wanted is None or self._under_way is not None:
            return  # the answer to the one under way asks again
        job = self._wanted
        try:
            self._under_way = self._bridge.ask(self._method, to_params(job))
        except EngineError as error:
            self._wanted = None
            self.answered_job = job
            self.failed.emit(error)
            return
        self._asked = job

    def _on_answer(self, number: int, values: object) -> None:
        if not self._is_ours(number):
            return
        try:
            result = self._read(values if isinstance(values, dict) else {})
        except (KeyError, TypeError, ValueError) as defect:
            self.failed.emit(EngineError(f"The engine's answer can't be understood ({defect})."))
            return
        self.answered.emit(result)

    def _on_failure(self, number: int, error: object) -> None:
        if self._is_ours(number):
            self.failed.emit(error)

    def _is_ours(self, number: int) -> bool:
        """Whether the answer is the one waited for and to be told; if it is outdated, ask again."""
        if number != self._under_way:
            return False
        self._under_way = None
        if self._wanted is None:
            return False
        self.answered_job = self._asked
        if self._wanted is not self._asked:
            self._timer.start()
            return self._follow and self._asked is not None
        self._wanted = None
        return True
