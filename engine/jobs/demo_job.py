"""The ``demo`` job: a made-up landscape on disk."""

from __future__ import annotations

from pathlib import Path

from ..demo.files import write_landscape
from ..demo.landscape import SMALLEST_SIZE, make_landscape
from ..files.aside import Aside, writing
from ..maps.geotiff import FAILURES
from ..protocol import DemoJob
from ..running.errors import InputError
from ..running.progress import Monitor

LARGEST_SIZE = 8192  # px; a landscape is made in memory, and this one takes 10 GB


def run_demo(job: DemoJob, monitor: Monitor) -> list[Path]:
    """Write the landscape of a seed; return its files. Raise InputError where it can't be made or written."""
    if not SMALLEST_SIZE <= job.size <= LARGEST_SIZE:
        raise InputError(f"The size is {job.size}; choose {SMALLEST_SIZE} to {LARGEST_SIZE} pixels.")
    if job.seed < 0:
        raise InputError(f"The seed is {job.seed}; choose 0 or more.")
    monitor.report("growing the landscape", 0, 1)
    landscape = make_landscape(job.seed, job.size)
    monitor.report("growing the landscape", 1, 1)
    with Aside(Path(job.out)) as aside:
        with writing(aside.folder, *FAILURES):
            files = write_landscape(
                landscape, aside.path, lambda done, total: monitor.report("writing", done, total, "files")
            )
        return aside.publish([str(file.relative_to(aside.path)) for file in files])
