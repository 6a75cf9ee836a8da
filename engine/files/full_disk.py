"""Whether an error comes from a disk that is full, whatever library met it."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..running.errors import reason_of
from .cache_folder import cache_folder

FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
SAID = ("no space left", "os error 28", "disk is full", "disk quota", "no usable temporary directory")
LEAST_FREE = 1 << 20  # bytes; a disk with less is full for whatever was to be written


def is_full(error: BaseException, folder: Path | None = None) -> bool:
    """Tell whether ``error`` was met because a disk is full.

    Some libraries raise errors of their own there that do not say so; then the disk of ``folder`` tells.
    """
    for one in _chain(error):
        if isinstance(one, OSError) and one.errno in FULL:
            return True
        if any(said in reason_of(one).lower() for said in SAID):
            return True
    return folder is not None and _is_vague(error) and has_no_room(folder)


def reason_in(error: BaseException, full: bool) -> str:
    """Return in a few words why something can't be written, given whether a disk is full."""
    if full and _is_vague(error):
        return os.strerror(errno.ENOSPC)
    return reason_of(error).strip().split("\n")[0].rstrip(".")


def has_no_room(folder: Path) -> bool:
    """Tell whether the disk of a folder, or of the nearest one above it that is there, is full."""
    for one in (folder, *folder.parents):
        try:
            return shutil.disk_usage(one).free < LEAST_FREE
        except OSError:
            continue
    return False


def full_disk_sentence(error: BaseException) -> str:
    """Return what to say of an error that nothing else has put into words; empty where no disk is full."""
    if not is_full(error):
        return ""
    named = next((one.filename for one in _chain(error) if isinstance(one, OSError) and one.filename), None)
    full = next((one for one in (cache_folder(), _temporary_folder(), Path.cwd()) if has_no_room(one)), None)
    what = f"{named} can't be written" if named else "A file can't be written"
    where = f" on the disk of {full}" if full and not named else ""
    return f"{what} ({reason_in(error, True)}{where}); free some space and start again: what is done is kept."


def _temporary_folder() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError:  # it looks for a place where it can write
        return Path(os.environ.get("TMPDIR", "/"))


def _is_vague(error: BaseException) -> bool:
    """Tell whether an error is not the system's own, with its number."""
    return not isinstance(error, OSError) or error.errno is None or type(error).__module__ != "builtins"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
