"""The ``profile`` job: how much each species relies on each branch over an area."""

from __future__ import annotations

from ..protocol import ProfileJob
from ..protocol.scale_results import ProfileResult
from ..running.progress import Monitor
from ..scales.scale_profile import scale_profile


def run_profile(job: ProfileJob, monitor: Monitor) -> ProfileResult:
    """Do a profile job.

    Raises
    ------
    InputError, ModelError
        The job can't be done, or a refit has other species or branches.
    Cancelled
        The monitor was told to stop.
    """
    return scale_profile(job, monitor)
