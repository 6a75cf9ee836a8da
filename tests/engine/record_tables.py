"""Tables of records for tests, and what becomes of their rows."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from scalescape.engine.recipes.config import SourceConfig
from scalescape.engine.sites.cleaning import Cleaning
from scalescape.engine.sites.coordinate_checks import with_sound_coordinates
from scalescape.engine.sites.observations import read_observations
from scalescape.engine.sites.observed_rows import Observations, Predictors

PLAIN = {"kind": "po", "species": "species", "x": "x", "y": "y", "crs": "EPSG:4326"}
DARWIN_CORE = {"x": None, "y": None, "crs": None}  # coordinates are found by their names


def read(
    file: Path | str,
    predictors: Predictors | None = None,
    max_uncertainty_m: float | None = None,
    keep_obscured: bool = False,
    **source: object,
) -> tuple[Observations, Cleaning]:
    """The rows of a table that can be used, and the report of cleaning."""
    named = {name: value for name, value in {**PLAIN, **source}.items() if value is not None}
    report = Cleaning()
    rows = read_observations(SourceConfig(file=str(file), **named), predictors or Predictors(), report)
    return with_sound_coordinates(rows, report, max_uncertainty_m, None, keep_obscured), report


def read_text(
    folder: Path, text: str | bytes, name: str = "a.csv", **source: object
) -> tuple[Observations, Cleaning]:
    """What ``read`` makes of a file that holds ``text``."""
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(file, **source)  # type: ignore[arg-type]


def names(rows: Observations) -> list[str]:
    """The species found in each row."""
    dense = rows.found.toarray()
    return ["+".join(rows.species[i] for i in np.flatnonzero(row)) for row in dense]


def places(rows: Observations) -> list[tuple[str, float, float]]:
    """Species, x and y of each row."""
    return list(zip(names(rows), rows.x.tolist(), rows.y.tolist(), strict=True))


def left_out(report: Cleaning) -> dict[str, int]:
    """How many records were left out, by reason; each reason has an example."""
    assert all(one.example for one in report.dropped)
    return {one.reason: one.count for one in report.dropped}


def write_points(
    file: Path,
    shapes: Sequence[str | None],
    crs: str | None = "EPSG:4326",
    kind: str = "Point",
    **columns: object,
) -> Path:
    """Write a vector file of shapes as text and columns; None is no shape."""
    wkb = np.array([None if one is None else shapely.to_wkb(shapely.from_wkt(one)) for one in shapes], object)
    values = _arrays(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names are cut in shapefiles
        pyogrio.raw.write(file, wkb, values, list(columns), geometry_type=kind, crs=crs)
    return file


def write_sheet(file: Path, sheet: str = "Sheet1", append: bool = False, **columns: object) -> Path:
    """Write a sheet of a workbook."""
    values = _arrays(columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            file,
            None,
            values,
            list(columns),
            driver="XLSX",
            layer=sheet,
            geometry_type=None,
            crs=None,
            append=append,
        )  # fmt: skip
    return file


def _arrays(columns: Mapping[str, Any]) -> list[np.ndarray]:
    return [np.asarray(one, object if isinstance(one[0], str) else None) for one in columns.values()]
