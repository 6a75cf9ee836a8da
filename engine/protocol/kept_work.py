"""What a stopped training or study keeps on disk. Standard library alone."""

from __future__ import annotations

from pathlib import Path

KEPT = ".partial"  # in place of a model file's ending: the folder of its training
RUN = "run.json"  # in such a folder: what the work in it belongs to
RUNNING = "running.json"  # in such a folder: which process works there
SECONDS = "seconds.json"  # in a study's folder: what fits were measured to take
UNFINISHED = ".partial"  # at the end of a file's name: what is only half written


def work_in(folder: Path) -> frozenset[str]:
    """Return the files of work in a folder, relative to it: all but notes and what is only half written."""
    try:
        files = [file for file in folder.rglob("*") if file.is_file()]
    except OSError:
        return frozenset()
    return frozenset(
        file.relative_to(folder).as_posix()
        for file in files
        if file.name not in (RUN, RUNNING, SECONDS) and file.suffix != UNFINISHED
    )
