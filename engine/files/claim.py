"""The mark by which a run keeps a folder to itself while it works there."""

from __future__ import annotations

import json
import math
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ...models.whole_file import UNFINISHED, write_whole

MARK = ".scalescape.json"
CLOCK_S = 60.0  # by which a process may seem to have started earlier or later, where clocks are set
LARGEST_PID = 2**31 - 1


@dataclass(frozen=True)
class Owner:
    """A process: its number, when it started (seconds since 1970, 0 where unknown), and its computer."""

    pid: int
    started: float = 0.0
    host: str = ""

    @classmethod
    def of_this_process(cls) -> Owner:
        """Return this process."""
        return cls(os.getpid(), psutil.Process().create_time(), platform.node())

    @classmethod
    def of(cls, values: Any) -> Owner | None:
        """Return what a mark says, None where it says no process. Marks of before know the number alone."""
        if not isinstance(values, dict):
            return None
        pid, started, host = values.get("pid"), values.get("started", 0.0), values.get("host", "")
        if not isinstance(pid, int) or isinstance(pid, bool) or not 0 < pid <= LARGEST_PID:
            return None
        if not isinstance(started, (int, float)) or isinstance(started, bool) or not math.isfinite(started):
            return None
        return cls(pid, float(started), host if isinstance(host, str) else "")

    @property
    def elsewhere(self) -> bool:
        """Whether it is a process of another computer or container, of which nothing is known here."""
        return bool(self.host) and self.host != platform.node()

    @property
    def runs(self) -> bool:
        """Whether it is another process of this computer, and has not ended."""
        if self.pid == os.getpid() or not psutil.pid_exists(self.pid):
            return False
        if not self.started:
            return True
        try:
            return bool(abs(psutil.Process(self.pid).create_time() - self.started) <= CLOCK_S)
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True


class Mark:
    """The mark in ``folder``, a file of some ``name``."""

    def __init__(self, folder: Path, name: str = MARK) -> None:
        self.file = folder / name

    @property
    def is_there(self) -> bool:
        """Whether there is anything of that name, even if it can't be read."""
        return self.file.is_symlink() or self.file.exists()

    def owner(self) -> Owner | None:
        """Return who made it; None where it says nobody, as after a full disk or a power cut.

        Raises
        ------
        PermissionError
            It may not be read.
        """
        try:
            return Owner.of(json.loads(self.file.read_text(encoding="utf-8")))
        except PermissionError:
            if self.file.is_dir():  # so Windows calls it
                return None
            raise
        except (OSError, ValueError, RecursionError):
            return None

    def set(self) -> None:
        """Mark the folder as this process's. Raises OSError where it can't be written."""
        write_whole(self.file, json.dumps(vars(Owner.of_this_process())))

    def clear(self) -> None:
        """Take the mark away."""
        with suppress(OSError):
            self.file.unlink(missing_ok=True)


def is_of_a_mark(file: Path) -> bool:
    """Tell whether a file is a mark, or one that was never finished."""
    return file.name == MARK or (file.name.startswith(f"{MARK}.") and file.name.endswith(UNFINISHED))
