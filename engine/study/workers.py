"""Processes that fit trials side by side: small networks gain nothing from a second thread."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from ..recipes.config import TrainingConfig
from ..running.errors import Cancelled, InputError
from ..running.progress import Monitor
from .trial import Outcome, Trial
from .workshop import Workshop

POLL_S = 0.2
_workshop: list[Workshop] = []  # of this process, where it is a worker


def fitted(
    trials: Sequence[Trial],
    config: TrainingConfig,
    workshop: Workshop,
    folder: Path,
    jobs: int,
    monitor: Monitor,
) -> Iterator[tuple[Trial, Outcome]]:
    """Yield trials with their outcomes as they come, the first ones first.

    Parameters
    ----------
    trials
        What is to be fitted.
    config, folder
        Of the study; workers make a workshop of their own from them.
    workshop
        That of this process; it serves where ``jobs`` is 1.
    jobs
        How many processes.
    monitor
        Asked whether to go on.

    Raises
    ------
    Cancelled
        The monitor was told to stop.
    InputError
        A trial can't be fitted, or a worker was killed, as happens where memory runs out.
    """
    if jobs == 1 or len(trials) < 2:
        with one_thread():
            for trial in trials:
                monitor.check()
                yield trial, workshop.outcome(trial)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(
        min(jobs, len(trials)), context, initializer=_start, initargs=(config, folder, stop)
    ) as pool:
        try:
            yield from _collected(pool, trials, monitor)
        except BrokenProcessPool as error:
            raise InputError(
                "A process of the study was killed, maybe for want of memory; go on with --resume, and fewer "
                "--jobs."
            ) from error
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _collected(
    pool: ProcessPoolExecutor, trials: Sequence[Trial], monitor: Monitor
) -> Iterator[tuple[Trial, Outcome]]:
    waiting: dict[Future[Outcome], Trial] = {pool.submit(_outcome, trial): trial for trial in trials}
    while waiting:
        monitor.check()
        done, _ = wait(waiting, POLL_S, FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future.result()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread, so that figures do not depend on how many processes there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _start(config: TrainingConfig, folder: Path, stop: Event) -> None:
    """Make this process a worker."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    _workshop.append(Workshop(config, folder, _Listening(stop.is_set), torch.device("cpu")))


def _outcome(trial: Trial) -> Outcome:
    return _workshop[0].outcome(trial)


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class _Listening(Monitor):
    """A monitor that is told to stop from another process."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._stopped = stopped

    def check(self) -> None:
        """Raise Cancelled if the study was asked to stop."""
        if self._stopped():
            raise Cancelled
