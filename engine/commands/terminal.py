"""Progress in a terminal, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from ..protocol import Progress as Report
from ..running.progress import NOTE, Sink


@contextmanager
def progress_sink() -> Iterator[Sink]:
    """Yield a sink that shows phase, bar, rate and time left; notes alone where it is no terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}% {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        tasks: dict[str, TaskID] = {}

        def sink(report: Report) -> None:
            if report.phase == NOTE:
                console.print(f"Note: {report.detail}", markup=False, highlight=False, soft_wrap=True)
                return
            if report.phase not in tasks:
                tasks[report.phase] = shown.add_task(report.phase, total=report.total, rate="")
            rate = f"{report.rate:,.0f} {report.unit}/s" if report.rate and report.unit else ""
            said = f"{report.phase}, {report.detail}" if report.detail else report.phase
            shown.update(
                tasks[report.phase], description=said, completed=report.done, total=report.total, rate=rate
            )

        yield sink
