"""A file that appears under its name whole, or not at all. Standard library alone."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Union

UNFINISHED = ".partial"  # at the end of a name: what grows, and is nothing yet
LETTERS = 40  # of the name that the growing file bears too: no system allows names much longer than 255 bytes


@contextmanager
def whole_file(path: Path, lasting: bool = True) -> Iterator[Path]:
    """Yield the path of a file beside ``path`` to write to; in the end it takes that name.

    Its content is on the disk before it does, so that neither a full disk nor a power cut leaves half a file
    under the name. Where anything fails, what stood there stays. What is easily made again need not be
    ``lasting``: then it may be lost in a power cut.

    Raises
    ------
    OSError
        The file can't be written.
    """
    beside = path.with_name(f"{path.name[:LETTERS]}.{os.getpid()}-{threading.get_native_id()}{UNFINISHED}")
    try:
        yield beside
        if lasting:
            with beside.open("r+b") as stream:
                os.fsync(stream.fileno())
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: Union[str, bytes], lasting: bool = True) -> None:
    """Write a file at once; text is UTF-8, with its ends of lines. All else is as for ``whole_file``."""
    with whole_file(path, lasting) as beside:
        beside.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
