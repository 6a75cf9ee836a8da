"""The one engine of this QGIS: starts it when it is first needed, and turns its answers into signals."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from pathlib import Path
from typing import Any, Optional

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import settings
from .engine_client import EngineClient
from .engine_error import EngineError
from .engine_python import engine_launch

KEEP_LOGS_S = 7 * 24 * 3600
_numbers = itertools.count(1)


def engine_log() -> Path:
    """Return a new file for what an engine prints, since several may run; those of last week are removed."""
    folder = Path(QgsApplication.qgisSettingsDirPath()) / "scalescape"
    for old in folder.glob("engine-*.log"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > KEEP_LOGS_S:
                old.unlink()
    return folder / f"engine-{os.getpid()}-{next(_numbers)}.log"


def new_client() -> EngineClient:
    """Return a client by the user's settings; raise EngineError where the engine's Python can't be found."""
    return EngineClient(engine_launch(settings.engine_python(), os.environ), engine_log())


class EngineBridge(QObject):
    """Holds the warm engine and asks it small questions.

    Signals
    -------
    answered : (int, object)
        The number that ``ask`` returned, and the result.
    failed : (int, object)
        The number that ``ask`` returned, and the EngineError.
    """

    answered = pyqtSignal(int, object)
    failed = pyqtSignal(int, object)

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._client: Optional[EngineClient] = None
        self._setting = ""
        self._number = 0

    def client(self) -> EngineClient:
        """Return the client, a new one where the engine's Python was changed and nothing runs.

        Raises
        ------
        EngineError
            The engine's Python can't be found.
        """
        setting = settings.engine_python()
        if self._client is not None and (setting == self._setting or self._client.busy):
            return self._client
        fresh = new_client()
        if self._client is not None:
            self._client.close(wait=False)
        self._client, self._setting = fresh, setting
        return fresh

    def ask(self, method: str, params: dict[str, Any]) -> int:
        """Send a request; its answer comes as a signal with the number that is returned here."""
        self._number += 1
        number = self._number
        call = self.client().call(method, params)
        call.future.add_done_callback(lambda future: self._hand_over(number, future))
        return number

    def close(self) -> None:
        """Shut the engine down without waiting for it."""
        if self._client is not None:
            self._client.close(wait=False)
            self._client = None

    def _hand_over(self, number: int, future: Any) -> None:
        """Emit what ``future`` holds; runs in a thread of the client, and the signals cross to ours."""
        error = future.exception()
        try:
            if error is None:
                self.answered.emit(number, future.result())
            else:
                if not isinstance(error, EngineError):
                    error = EngineError(str(error))
                self.failed.emit(number, error)
        except RuntimeError:
            return  # the bridge was deleted while the answer was on its way: nobody waits for it
