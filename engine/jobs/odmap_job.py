"""The ``odmap`` job: a record of a finished run by the ODMAP protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from ...models.card import read_card
from ..files.aside import Aside, writing
from ..finished.finished_map import bands_of
from ..maps.map_writer import RUN
from ..odmap.answers import Key, Study, answers
from ..odmap.elements import ELEMENTS
from ..odmap.former_record import FILLED, FormerRecord, filled_in, former_record
from ..odmap.odmap_files import CSV, PAGE, page_of, table_of
from ..protocol import OdmapJob
from ..protocol.finished_results import OdmapResult
from ..running.errors import InputError, reason_of
from ..running.streams import demand_no_stream
from ..words.listing import listed
from .products_job import RECORD

MOST_NAMED = 5  # elements in a note


def run_odmap(job: OdmapJob) -> OdmapResult:
    """Do an odmap job. What the author wrote into a record of before is kept.

    Raises
    ------
    InputError, CardError
        The folder holds no run, its model file is not there any more, the record of before can't be read, or
        the folder can't be written.
    """
    folder = Path(job.folder)
    run = run_of(folder)
    model = job.model or str(run.get("model", {}).get("file", ""))
    demand_no_stream(model, "model")
    if not Path(model).is_file():
        raise InputError(
            f"The model file {model or 'of the run'} is not there; name where it is now (--model)."
        )
    maps = sorted(folder.glob("*.tif"))
    if not maps:
        raise InputError(f"The folder {folder} holds no map; give the folder of a run.")
    card = read_card(model)
    study = Study(card, run, bands_of(str(maps[0]))[0].grid, later_products(folder, run))
    filled = answers(study)
    former = former_record(folder, filled)
    record = {one: filled[one.key] for one in ELEMENTS if one.key in filled} | dict(former.written)
    page = page_of(record, card.name)
    with Aside(folder) as aside:
        aside.write(CSV, table_of(record))
        aside.write(FILLED, filled_in(filled, page))
        aside.write(PAGE, page)
        moved = [_moved(aside.folder / name) for name in former.aside]
        files = aside.publish([CSV, PAGE, FILLED])
    return OdmapResult(
        files=tuple(str(file) for file in files[:2]),
        answered=sum(one in record for one in ELEMENTS),
        left=sum(one not in record and not one.optional for one in ELEMENTS),
        warnings=(*moved, *_differences(former, filled)),
    )


def _moved(file: Path) -> str:
    """Give a file with more than is kept a fresh name; return the sentence on it."""
    number = next(n for n in count(1) if not file.with_stem(f"{file.stem}_{n}").exists())
    fresh = file.with_stem(f"{file.stem}_{number}")
    with writing(file.parent):
        file.rename(fresh)
    return f"{file.name} may hold more of yours than can be taken over; it is called {fresh.name} now."


def _differences(former: FormerRecord, filled: Mapping[Key, str]) -> list[str]:
    """Return a sentence on the author's answers in place of those of card and run, or nothing."""
    names = [f"{one.subsection}: {one.name.strip()}" for one in former.written if filled.get(one.key)]
    if not names:
        return []
    return [
        f"{CSV} says other than card and run on {listed(names, MOST_NAMED, '; ')}. What you wrote was "
        "kept; empty a cell to have it filled in again."
    ]


def run_of(folder: Path) -> dict[str, Any]:
    """Return the record of the run that made the maps in a folder. Raise InputError where there is none."""
    return _record(folder / RUN, "give the folder of a run")


def later_products(folder: Path, run: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record of products made of the finished maps of a run; empty where none were.

    A record older than the run tells of maps that stood there before.
    """
    if not (folder / RECORD).is_file():
        return {}
    found = _record(folder / RECORD, "remove it, or make the products again")
    return found if str(found.get("date", "")) >= str(run.get("date", "")) else {}


def _record(file: Path, remedy: str) -> dict[str, Any]:
    if not file.exists():
        raise InputError(f"There is no {file}; {remedy}.")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} can't be read ({reason_of(error)}); {remedy}.") from error
    if not isinstance(found, dict):
        raise InputError(f"{file} is no record of a run; {remedy}.")
    return found
