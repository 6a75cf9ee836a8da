"""The outcomes of a study on disk, one small file a trial."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from ..aside import SUFFIX, refusal
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
        file = self._file(trial)
        partial = file.with_name(file.name + SUFFIX)
        try:
            with partial.open("wb") as stream:
                np.savez_compressed(
                    stream,
                    held_out=outcome.held_out,
                    surveyed=outcome.surveyed,
                    seconds=outcome.seconds,
                    epochs=outcome.epochs,
                    diverged=outcome.diverged,
                )
            partial.replace(file)
        except OSError as error:
            raise refusal(self._folder, error) from error

    def _file(self, trial: Trial) -> Path:
        return self._folder / f"{trial.key}.npz"
