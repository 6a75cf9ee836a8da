"""The folder beside a job's output where its files grow until they are final."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import TracebackType

import psutil

from .errors import InputError, reason_of

SUFFIX = ".partial"
BESIDE = ".aux.xml"  # GDAL's notes beside a raster
MARK = ".scalescape.json"


def refusal(folder: Path, error: Exception) -> InputError:
    """Return the sentence for a folder that can't be written."""
    reason = reason_of(error)
    full = getattr(error, "errno", None) == 28 or "space" in reason.lower()
    remedy = "free some space, or choose another folder" if full else "choose another folder"
    return InputError(f"The folder {folder} can't be written ({reason}); {remedy}.")


def held_by_another(owner: object) -> bool:
    """Tell whether ``owner`` is the number of another process that runs."""
    return isinstance(owner, int) and owner != os.getpid() and psutil.pid_exists(owner)


class Aside:
    """``OUT.partial`` while a job runs. Use as a context manager; what is left in it at the end goes.

    It lies beside the output folder, on the same file system, so that renaming is atomic; where that can't be
    (the output is the top of a mounted disk), it lies inside.

    Parameters
    ----------
    folder
        The output folder; it is made if need be.

    Raises
    ------
    InputError
        The folder can't be written, another run writes there, or the name is taken by something not ours.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.folder = folder.resolve()
            if self.folder.exists() and not self.folder.is_dir():
                raise NotADirectoryError(20, "it is a file")
            self.folder.mkdir(parents=True, exist_ok=True)
            self.path = self._place()
            self._take()
        except OSError as error:
            raise refusal(folder, error) from error

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def write(self, name: str, text: str) -> None:
        """Write a text file, still aside."""
        try:
            (self.path / name).write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise refusal(self.folder, error) from error

    def publish(self, names: list[str]) -> list[Path]:
        """Move files to the output folder by rename, in place of what bears their names there.

        What GDAL and QGIS noted beside a raster that is replaced, such as its range, goes with it.
        """
        try:
            finals = []
            for name in names:
                final = self.folder / name
                final.parent.mkdir(parents=True, exist_ok=True)
                final.with_name(f"{final.name}{BESIDE}").unlink(missing_ok=True)
                (self.path / name).replace(final)
                finals.append(final)
        except OSError as error:
            raise refusal(self.folder, error) from error
        return finals

    def _place(self) -> Path:
        probe = self.folder / f".probe{SUFFIX}"
        probe.touch()
        probe.unlink()
        parent = self.folder.parent
        same_disk = parent.stat().st_dev == self.folder.stat().st_dev
        if parent != self.folder and same_disk and os.access(parent, os.W_OK):
            return parent / (self.folder.name + SUFFIX)
        return self.folder / SUFFIX

    def _take(self) -> None:
        mark = self.path / MARK
        if self.path.exists() and any(self.path.iterdir()):
            if not mark.is_file():
                raise InputError(
                    f"{self.path} is in the way and is not Scalescape's; move it, or choose another folder."
                )
            owner = json.loads(mark.read_text(encoding="utf-8")).get("pid")
            if held_by_another(owner):
                raise InputError(f"Another run writes to {self.folder}; wait for it, or choose another folder.")
            shutil.rmtree(self.path)
        self.path.mkdir(exist_ok=True)
        mark.write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")
