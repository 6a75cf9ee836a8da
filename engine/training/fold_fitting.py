"""The network of one fold."""

from __future__ import annotations

from pathlib import Path

import torch

from ..running.progress import Monitor
from .course import Course
from .fitting import Fitted, Share, Turn, fit
from .stopping_score import stopping_score


def fit_fold(
    course: Course, number: int, turn: Turn, checkpoint: Path | None, monitor: Monitor, device: torch.device
) -> Fitted:
    """Train the network of fold ``number`` of a course; the other parameters are those of ``fit``."""
    fold = course.folds[number]
    score = None if fold.stops is None else stopping_score(course.places, fold.stops, device)
    mine = fold.learnt
    return fit(
        course.architecture,
        course.places,
        Share(mine.training, mine.background_training + len(course.sites)),
        course.recipe,
        course.lambda2,
        turn,
        checkpoint,
        monitor,
        device,
        score,
    )
