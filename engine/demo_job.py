"""The ``demo`` job: a made-up landscape on disk."""

from __future__ import annotations

from pathlib import Path

from .demo.files import write_landscape
from .demo.landscape import SMALLEST_SIZE, make_landscape
from .errors import InputError
from .progress import Monitor
from .protocol import DemoJob


def run_demo(job: DemoJob, monitor: Monitor) -> list[Path]:
    """Write the landscape of a seed; return its files. Raise InputError where it can't be made or written."""
    if job.size < SMALLEST_SIZE:
        raise InputError(f"The size is {job.size}; choose {SMALLEST_SIZE} pixels or more.")
    if job.seed < 0:
        raise InputError(f"The seed is {job.seed}; choose 0 or more.")
    folder = Path(job.out)
    monitor.report("growing the landscape", 0, 1)
    landscape = make_landscape(job.seed, job.size)
    monitor.report("growing the landscape", 1, 1)
    try:
        return write_landscape(
            landscape, folder, lambda done, total: monitor.report("writing", done, total, "files")
        )
    except OSError as error:
        raise InputError(
            f"The folder {folder} can't be written ({error.strerror or error}); choose another folder."
        ) from error
