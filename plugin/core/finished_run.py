"""A run that lies in a folder: reads its run.json and opens its maps as the dock would. Main thread only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsRasterLayer

from ...engine.protocol import MapJob, MessageError, job_from_params
from ...engine.protocol.tags import RUN_TAG
from ...models.card import read_card
from .engine_error import EngineError
from .map_product import tags_of
from .map_run import notes, run_summary, run_title
from .output_folder import RUN_FILE
from .result_layers import ResultGroup, RunSummary
from .translation import tr


def open_run(project: QgsProject, folder: Path) -> list[QgsRasterLayer]:
    """Add the run's maps in ``folder`` to ``project`` as a group and return their layers, in the run's order.

    Products made of them later are among them; maps of another run, which may lie there too, are not.

    Raises
    ------
    EngineError
        The folder holds no run that can be read.
    ModelError
        Its model can't be read any more.
    """
    file = folder / RUN_FILE
    try:
        run: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        job = job_from_params(MapJob, run["job"])
        species = [str(name) for name in run["species"]]
    except (OSError, ValueError, KeyError, TypeError, MessageError) as error:
        raise EngineError(tr("{} holds no run that can be opened ({}).").format(folder, error)) from error
    card = read_card(job.model)
    summary = run_summary(card, job, None)
    made = tr("Made {} on {} ({})").format(run.get("date", ""), run.get("device", ""), run.get("precision", ""))
    lines = (*summary.lines, made, *notes(card, job, (str(one) for one in run.get("warnings") or ())))
    title = run_title(card, job, str(run.get("date", ""))[:16].replace("T", " "))
    group = ResultGroup(project, card, species, RunSummary(title, lines, summary.experiment), job.products)
    return group.show_maps([str(path) for path in sorted(folder.glob("*.tif")) if _is_of(str(path), run)])


def _is_of(file: str, run: Mapping[str, Any]) -> bool:
    """Tell whether a map was made by ``run``, or of its maps: its tags then hold the same record."""
    try:
        tag = json.loads(tags_of(file, 1).get(RUN_TAG, ""))
        return all(tag.get(key) == run.get(key) for key in ("date", "model"))
    except (ValueError, AttributeError):
        return False
