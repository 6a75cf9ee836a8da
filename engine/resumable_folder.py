"""A folder in which a long job keeps what is done, so that it can go on after it was stopped."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import TracebackType

from .aside import SUFFIX, held_by_another, refusal
from .errors import InputError

RUN = "run.json"


def is_of(path: Path, fingerprint: str) -> bool:
    """Tell whether a folder holds what a run of this fingerprint kept."""
    return _record(path).get("fingerprint") == fingerprint


def keeps_work(path: Path) -> bool:
    """Tell whether a folder holds anything of a run beside its record."""
    return path.is_dir() and any(file.name != RUN for file in path.iterdir())


class ResumableFolder:
    """The folder ``path``. Use as a context manager.

    Parameters
    ----------
    path
        Where; its parent is made if need be.
    fingerprint
        Text that stands for all that decides the result: config, data, versions.
    resume
        Whether to go on from what an earlier run of the same fingerprint left. Else that is put aside, as
        ``PATH.old``.
    work
        What a run does there, for messages: ``trains x.safetensors``.

    Raises
    ------
    InputError
        The folder can't be written, another run writes there, or what is there was made from something else.
    """

    def __init__(self, path: Path, fingerprint: str, resume: bool, work: str) -> None:
        self.path = path
        self._work = work
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._take(fingerprint, resume)
        except OSError as error:
            raise refusal(path.parent, error) from error

    def __enter__(self) -> ResumableFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(None)

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _take(self, fingerprint: str, resume: bool) -> None:
        found = _record(self.path)
        if self.path.exists():
            if not found:
                raise InputError(f"{self.path} is in the way and is not Scalescape's; move it away.")
            if held_by_another(found.get("pid")):
                raise InputError(f"Another run {self._work}; wait for it, or choose another place.")
            if not resume:
                old = self.path.with_name(self.path.name + ".old")
                shutil.rmtree(old, ignore_errors=True)
                self.path.rename(old)
            elif found.get("fingerprint") != fingerprint:
                raise InputError(
                    f"What {self.path} holds was made with another config, other data or another version; "
                    "go back to those, or start anew without --resume."
                )
        self.path.mkdir(exist_ok=True)
        self._fingerprint = fingerprint
        self._write(os.getpid())

    def _write(self, pid: int | None) -> None:
        if self.path.is_dir():
            text = json.dumps({"fingerprint": self._fingerprint, "pid": pid})
            partial = self.path / f"{RUN}{SUFFIX}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.path / RUN)


def _record(path: Path) -> dict[str, object]:
    """Return what a folder says of the run it belongs to; nothing where it says nothing."""
    try:
        found = json.loads((path / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
