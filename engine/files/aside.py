"""The folder beside a job's output where its files grow until they are final."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from ...models.whole_file import UNFINISHED, write_whole
from ..protocol.kept_work import RUN, work_in
from ..running.errors import InputError
from .claim import Mark, is_of_a_mark
from .full_disk import is_full, reason_in
from .made_folders import MadeFolders

SUFFIX = UNFINISHED
BESIDE = ".aux.xml"  # GDAL's notes beside a raster
GROWING = ".tiles.tif"  # at the end of a hidden file's name: what a map is made from
BEFORE = ".before"  # in the folder aside: what is being replaced
_MOVE = "move it, or choose another folder"


def refusal(folder: Path, error: BaseException) -> InputError:
    """Return the sentence for a folder that can't be written."""
    full = is_full(error, folder)
    remedy = "free some space, or choose another folder" if full else "choose another folder"
    return InputError(f"The folder {folder} can't be written ({reason_in(error, full)}); {remedy}.")


@contextmanager
def writing(folder: Path, *kinds: type[BaseException]) -> Iterator[None]:
    """Turn what is raised where a folder can't be written, OSError and ``kinds``, into an InputError."""
    failures: tuple[type[BaseException], ...] = (OSError, *kinds)
    try:
        yield
    except failures as error:
        raise refusal(folder, error) from error


class Aside:
    """``OUT.partial`` while a job runs. Use as a context manager; what is left in it at the end goes.

    It lies beside the output folder, on the same file system, so that renaming is atomic; where that can't be
    (the output is the top of a mounted disk), it lies inside. An output folder that was made for a job which
    then wrote nothing goes again.

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
        with writing(folder):
            self.folder = folder.resolve()
            if self.folder.exists() and not self.folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "it is a file")
            self._made = MadeFolders(self.folder)
            try:
                self.path = self._place()
                self._take()
            except BaseException:
                self._made.remove_empty()
                raise

    def __enter__(self) -> Aside:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._made.remove_empty()

    def write(self, name: str, content: str | bytes) -> None:
        """Write a small file, still aside."""
        with writing(self.folder):
            write_whole(self.path / name, content)

    def publish(self, names: Iterable[str]) -> list[Path]:
        """Move files to the output folder by rename, in place of what bears their names there: all, or none.

        What GDAL and QGIS noted beside a raster that is replaced, such as its range, goes with it.
        """
        with writing(self.folder):
            return published(self.path, self.folder, names)

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
        if self.path.is_symlink() or (self.path.exists() and not self.path.is_dir()):
            raise InputError(f"{self.path} is in the way and is not Scalescape's; {_MOVE}.")
        if self.path.exists() and any(self.path.iterdir()):
            self._demand_free()
            shutil.rmtree(self.path)
        self.path.mkdir(exist_ok=True)
        try:
            Mark(self.path).set()
        except BaseException:
            with suppress(OSError):
                self.path.rmdir()
            raise

    def _demand_free(self) -> None:
        """Raise InputError where what lies in the folder aside may be of use to somebody."""
        mark = Mark(self.path)
        if work_in(self.path) and (self.path / RUN).exists() and not mark.is_there:
            raise InputError(f"{self.path} keeps what a training has done; choose another folder.")
        if not mark.is_there:
            raise InputError(f"{self.path} is in the way and is not Scalescape's; {_MOVE}.")
        try:
            owner = mark.owner()
        except PermissionError as error:
            raise InputError(f"{mark.file} can't be read ({error.strerror}); {_MOVE}.") from error
        if owner is None and not _is_worthless(self.path):
            raise InputError(
                f"Whether another run writes to {self.folder} is not known, since its mark {mark.file} is "
                f"damaged; if none does, delete {self.path}."
            )
        if owner is not None and owner.elsewhere:
            raise InputError(
                f"A run on the computer {owner.host} writes to {self.folder}, or was stopped there; wait for "
                f"it, or if it no longer runs delete {self.path}."
            )
        if owner is not None and owner.runs:
            raise InputError(f"Another run writes to {self.folder}; wait for it, or choose another folder.")


def published(source: Path, folder: Path, names: Iterable[str]) -> list[Path]:
    """Move files from one folder to another of the same disk by rename; return where they are now.

    Where one can't be moved, those moved before go back, and what they replaced is there again.

    Raises
    ------
    OSError
        One can't be moved.
    """
    before = source / BEFORE
    moved: list[tuple[Path, Path, Path | None]] = []
    try:
        for name in names:
            final, new = folder / name, source / name
            final.parent.mkdir(parents=True, exist_ok=True)
            moved.append((final, new, _kept(final, before / name)))
            new.replace(final)
    except OSError:
        for final, new, old in reversed(moved):
            with suppress(OSError):
                if not new.exists():
                    final.replace(new)
                if old is not None:
                    old.replace(final)
        raise
    finally:
        shutil.rmtree(before, ignore_errors=True)
    finals = [final for final, _, _ in moved]
    for note in {final.with_name(f"{final.name}{BESIDE}") for final in finals} - {*finals}:
        note.unlink(missing_ok=True)  # on what was replaced
    return finals


def _kept(file: Path, other: Path) -> Path | None:
    """Keep a file that is about to be replaced under another name, too; None where there is none.

    Where a file can't have two names (exFAT, a link) it is moved there.
    """
    if not file.is_symlink() and not file.is_file():
        return None
    other.parent.mkdir(parents=True, exist_ok=True)
    if file.is_symlink() or not _has_second_name(file, other):
        file.replace(other)
    return other


def _has_second_name(file: Path, other: Path) -> bool:
    """Give a file a second name, if its file system knows such."""
    try:
        os.link(file, other)
    except OSError:
        return False
    return True


def _is_worthless(folder: Path) -> bool:
    """Tell whether a folder holds nothing but marks, empty files, and what maps are made from."""
    for file in folder.rglob("*"):
        growing = file.name.startswith(".") and file.name.endswith(GROWING)
        if file.is_symlink() or not (file.is_dir() or growing or is_of_a_mark(file) or not file.stat().st_size):
            return False
    return True
