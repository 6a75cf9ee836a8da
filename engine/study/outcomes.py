"""The outcomes of a study on disk, one small file a trial."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from ...models.whole_file import write_whole
from ..files.aside import writing
from .trial import Outcome, Trial


class Outcomes:
    """Files in ``folder``; each appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def kept(self, trial: Trial) -> Outcome | None:
        """Return the outcome of a trial that is done, None of another."""
        try:
            with np.load(self._file(trial)) as found:
                return Outcome(
                    held_out=found["held_out"],
                    surveyed=found["surveyed"],
                    seconds=float(found["seconds"]),
                    epochs=int(found["epochs"]),
                    diverged=bool(found["diverged"]) if "diverged" in found else False,
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def keep(self, trial: Trial, outcome: Outcome) -> None:
        """Keep the outcome of a trial. Raises InputError where the folder can't be written."""
        content = io.BytesIO()
        np.savez_compressed(
            content,
            held_out=outcome.held_out,
            surveyed=outcome.surveyed,
            seconds=outcome.seconds,
            epochs=outcome.epochs,
            diverged=outcome.diverged,
        )
        with writing(self._folder):
            write_whole(self._file(trial), content.getvalue())

    def _file(self, trial: Trial) -> Path:
        return self._folder / f"{trial.key}.npz"
