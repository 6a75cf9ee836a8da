"""The ``inspect`` job for the command line: one question, and its pictures as files."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

from ..files.aside import Aside
from ..protocol import InspectJob
from ..protocol.scale_results import InspectResult
from ..scales.inspection import Inspector
from ..words.naming import slug

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
    with Aside(folder) as aside:
        for patch in result.patches:
            band = f"_{slug(patch.bands[0])}" if patch.kind == "ramp" else ""
            written.append(f"{patch.modality}_{patch.scale}{band}.png")
            aside.write(written[-1], base64.b64decode(patch.png))
        stream = io.StringIO(newline="")
        table = csv.writer(stream)
        table.writerow(["modality", "band", "unit", "value"])
        table.writerows([one.modality, one.band, one.unit, one.value] for one in result.values)
        aside.write(VALUES, stream.getvalue())
        aside.publish([*written, VALUES])
    return [folder / name for name in (*written, VALUES)]
