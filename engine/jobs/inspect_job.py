"""The ``inspect`` job for the command line: one question, and its pictures as files."""

from __future__ import annotations

import base64
import csv
from pathlib import Path

from ..aside import refusal
from ..naming import slug
from ..protocol import InspectJob
from ..protocol.scale_results import InspectResult
from ..scales.inspection import Inspector

VALUES = "values.csv"


def run_inspect(job: InspectJob) -> InspectResult:
    """Answer one question. Raises as ``Inspector.answer``."""
    inspector = Inspector()
    try:
        return inspector.answer(job)
    finally:
        inspector.close()


def write_patches(result: InspectResult, folder: Path) -> list[Path]:
    """Write the patches of an answer as ``MODALITY_SCALE[_BAND].png``, and the values under the point as CSV.

    Raises
    ------
    InputError
        The folder can't be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for patch in result.patches:
            band = f"_{slug(patch.bands[0])}" if patch.kind == "ramp" else ""
            path = folder / f"{patch.modality}_{patch.scale}{band}.png"
            path.write_bytes(base64.b64decode(patch.png))
            written.append(path)
        with (folder / VALUES).open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream)
            table.writerow(["modality", "band", "unit", "value"])
            table.writerows([one.modality, one.band, one.unit, one.value] for one in result.values)
    except OSError as error:
        raise refusal(folder, error) from error
    return [*written, folder / VALUES]
