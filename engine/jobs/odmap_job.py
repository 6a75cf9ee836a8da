"""The ``odmap`` job: a record of a finished run by the ODMAP protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...models.card import read_card
from ..aside import refusal
from ..errors import InputError
from ..finished.finished_map import bands_of
from ..mapping.map_writer import RUN
from ..odmap.answers import Study, answers
from ..odmap.odmap_files import CSV, PAGE, write_odmap
from ..protocol import OdmapJob
from ..protocol.finished_results import OdmapResult


def run_odmap(job: OdmapJob) -> OdmapResult:
    """Do an odmap job.

    Raises
    ------
    InputError, CardError
        The folder holds no run, its model file is not there any more, or the folder can't be written.
    """
    folder = Path(job.folder)
    run = run_of(folder)
    model = job.model or str(run.get("model", {}).get("file", ""))
    if not Path(model).is_file():
        raise InputError(
            f"The model file {model or 'of the run'} is not there; name where it is now (--model)."
        )
    maps = sorted(folder.glob("*.tif"))
    if not maps:
        raise InputError(f"The folder {folder} holds no map; give the folder of a run.")
    card = read_card(model)
    study = Study(card, run, bands_of(str(maps[0]))[0].grid)
    try:
        answered, left = write_odmap(answers(study), card.name, folder)
    except OSError as error:
        raise refusal(folder, error) from error
    return OdmapResult((str(folder / CSV), str(folder / PAGE)), answered, left)


def run_of(folder: Path) -> dict[str, Any]:
    """Return the record of the run that made the maps in a folder. Raise InputError where there is none."""
    try:
        found = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / RUN} can't be read ({error}); give the folder of a run.") from error
    if not isinstance(found, dict):
        raise InputError(f"{folder / RUN} is no record of a run; give the folder of a run.")
    return found
