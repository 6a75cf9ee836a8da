"""A folder in which a long job keeps what is done, so that it can go on after it was stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from types import TracebackType

from ...models.whole_file import UNFINISHED, write_whole
from ..protocol.kept_work import RUN, RUNNING, work_in
from ..running.errors import InputError
from .aside import writing
from .claim import Mark, Owner
from .made_folders import MadeFolders

OLD = ".old"  # at the end of a folder's name: work that was put aside


def holds_work_of(path: Path, fingerprint: str) -> bool:
    """Tell whether a folder, or one put aside from it, holds what a run of this fingerprint kept."""
    return any(_fingerprint(one) == fingerprint for one in (path, *put_aside(path)))


def put_aside(path: Path) -> list[Path]:
    """Return the folders ``PATH.old``, ``PATH.old-2`` and so on that are there."""
    name = f"{path.name}{OLD}"
    try:
        beside = sorted(path.parent.iterdir())
    except OSError:
        return []
    return [
        one
        for one in beside
        if (one.name == name or (one.name.startswith(f"{name}-") and one.name[len(name) + 1 :].isdecimal()))
        and one.is_dir()
    ]


class ResumableFolder:
    """The folder ``path``. Use as a context manager.

    Work that is done is never deleted here, unless another folder beside holds as much of the same: a run that
    does not go on from it puts it aside as ``PATH.old``, ``PATH.old-2`` and so on, and one that does goes on
    from whichever of all these holds most of it.

    Parameters
    ----------
    path
        Where; its parent is made if need be.
    fingerprint
        Text that stands for all that decides the result: config, data, versions.
    resume
        Whether to go on from what an earlier run of the same fingerprint left; None: where it is of the same.
    work
        What a run does there, for messages: ``trains x.safetensors``.

    Raises
    ------
    InputError
        The folder can't be written, another run writes there, or what is there was made from something else.

    Attributes
    ----------
    note
        A sentence on work of before that the run does not go on from, or that it does though it was put aside;
        else empty.
    """

    def __init__(self, path: Path, fingerprint: str, resume: bool | None, work: str) -> None:
        self.path = path
        self.note = ""
        self._work = work
        self._mark = Mark(path, RUNNING)  # not that of what is cleared away when its run is dead
        if resume is None:
            resume = holds_work_of(path, fingerprint)
        with writing(path.parent):
            self._made = MadeFolders(path.parent)
            try:
                self._take(fingerprint, resume)
            except BaseException:
                self._made.remove_empty()
                raise

    def __enter__(self) -> ResumableFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mark.clear()
        if not work_in(self.path):
            self.remove()

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._made.remove_empty()

    def progress(self, path: Path) -> Mapping[str, float]:
        """Return how far each piece of work in a folder is; a piece that is done is as far as it can be."""
        return dict.fromkeys(work_in(path), 1.0)

    def _take(self, fingerprint: str, resume: bool) -> None:
        if self.path.exists() or self.path.is_symlink():
            self._demand_ours()
        if resume:
            self._bring_back(fingerprint)
            self._demand_of(fingerprint)
        elif work_in(self.path):
            self._put_aside(fingerprint)
        if not resume:
            shutil.rmtree(self.path, ignore_errors=True)  # notes alone
        self.path.mkdir(exist_ok=True)
        try:
            write_whole(self.path / RUN, json.dumps({"fingerprint": fingerprint}))
            self._mark.set()
        except BaseException:
            if not work_in(self.path):
                shutil.rmtree(self.path, ignore_errors=True)
            raise

    def _demand_ours(self) -> None:
        """Raise InputError where the folder is not Scalescape's, or another run writes to it."""
        mark, record = self._mark, self.path / RUN
        in_the_way = f"{self.path} is in the way and is not Scalescape's; move it away."
        if not self.path.is_dir():
            raise InputError(in_the_way)
        if not (mark.is_there or record.exists() or record.is_symlink()):
            if any(file.suffix != UNFINISHED for file in self.path.iterdir()):
                raise InputError(in_the_way)
            return
        try:
            owners = [mark.owner(), Owner.of(_record(self.path))]  # once the record named the process
        except PermissionError as error:
            raise InputError(f"The mark {mark.file} can't be read ({error.strerror}); delete it.") from error
        for owner in owners:
            if owner is not None and owner.elsewhere:
                raise InputError(
                    f"A run on the computer {owner.host} {self._work}, or was stopped there; wait for it, or "
                    f"if it no longer runs delete {mark.file}."
                )
            if owner is not None and owner.runs:
                raise InputError(f"Another run {self._work}; wait for it, or choose another place.")

    def _demand_of(self, fingerprint: str) -> None:
        """Raise InputError where there is work of another fingerprint."""
        if not work_in(self.path) or _fingerprint(self.path) == fingerprint:
            return
        if not _fingerprint(self.path):
            raise InputError(
                f"What the work in {self.path} was made from is not known, since {self.path / RUN} is damaged; "
                "start without resuming (--resume), which puts that work aside."
            )
        raise InputError(
            f"What {self.path} holds was made with another config, other data or another version; go back to "
            "those, or start without resuming (--resume), which puts that work aside."
        )

    def _bring_back(self, fingerprint: str) -> None:
        """Give the folder that holds most work of this fingerprint the name ``path``."""
        mine = [one for one in (self.path, *put_aside(self.path)) if _fingerprint(one) == fingerprint]
        if not mine:
            return
        most = max(mine, key=lambda one: _amount(self.progress(one)))  # of equals the first
        if most == self.path or not work_in(most):
            return
        if work_in(self.path):
            self._put_aside(fingerprint, keep=most)
        shutil.rmtree(self.path, ignore_errors=True)
        if most.exists():
            most.rename(self.path)
            self.note = f"It goes on from what was put aside in {most} ({_in_words(self.path)})."

    def _put_aside(self, fingerprint: str, keep: Path | None = None) -> None:
        """Rename the folder, or leave it to be cleared where another one put aside holds as much of the same.

        ``keep`` is one that stays whatever it holds.
        """
        mine, own = self.progress(self.path), _fingerprint(self.path)
        for other in put_aside(self.path):
            if not own or _fingerprint(other) != own:
                continue
            if _covers(self.progress(other), mine):
                self.note = self._kept_note(other, own == fingerprint)
                shutil.rmtree(self.path)
                return
            if other != keep and _covers(mine, self.progress(other)):
                shutil.rmtree(other)
        old = self.path.with_name(f"{self.path.name}{OLD}")
        further = (old.with_name(f"{old.name}-{number}") for number in count(2))
        free = next(one for one in chain([old], further) if not one.exists())
        self.path.rename(free)
        self.note = self._kept_note(free, own == fingerprint)

    def _kept_note(self, folder: Path, same: bool) -> str:
        """Return the sentence on work that is kept in a folder, of the ``same`` training or of another."""
        how = "of the same config and data" if same else "of another config, other data or another version"
        remedy = (
            "a run that resumes (--resume) goes on from it" if same else "delete it where you need it no more"
        )
        return f"What an earlier run {how} had done ({_in_words(folder)}) is kept in {folder}; {remedy}."


def _amount(progress: Mapping[str, float]) -> tuple[int, float]:
    """Return how much work there is: pieces that are done, then how far the others are."""
    return sum(far >= 1 for far in progress.values()), sum(progress.values())


def _covers(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Tell whether ``one`` is as far as ``other`` in every piece of work."""
    return all(one.get(piece, -1.0) >= far for piece, far in other.items())


def _in_words(folder: Path) -> str:
    number = len(work_in(folder))
    return f"{number} file{'s' if number > 1 else ''}"


def _fingerprint(path: Path) -> str:
    """Return what a folder says of the run it belongs to, empty where it says nothing."""
    found = _record(path).get("fingerprint")
    return found if isinstance(found, str) else ""


def _record(path: Path) -> dict[str, object]:
    with suppress(OSError, ValueError, RecursionError):
        found = json.loads((path / RUN).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}
