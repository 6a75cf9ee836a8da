"""The ODMAP record: every element of the protocol once, filled from card and run, the rest marked."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from scalescape.engine.errors import InputError
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.odmap.elements import ELEMENTS
from scalescape.engine.odmap.odmap_files import TO_SAY
from scalescape.engine.progress import Monitor
from scalescape.engine.protocol import MapJob, OdmapJob, RasterInput
from surveyed_network import surveyed_copy


@pytest.fixture(scope="module")
def folder(small_model: Path, landscape: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("odmap")
    model = surveyed_copy(small_model, place / "surveyed.safetensors")
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    products = ("probability", "binary", "novelty")
    run_map(MapJob(str(model), inputs, str(place / "maps"), step=8, products=products, clamp=True), Monitor())
    return place / "maps"


def rows(folder: Path) -> dict[tuple[str, str, str], str]:
    with (folder / "odmap.csv").open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        assert next(reader) == ["section", "subsection", "element", "Value"]  # what the web form reads
        return {(a, b, c): value for a, b, c, value in reader}


def test_every_element_stands_in_both_files_once(folder: Path) -> None:
    result = run_odmap(OdmapJob(str(folder)))
    found = rows(folder)
    assert list(found) == [(one.section, one.subsection, one.name) for one in ELEMENTS]
    assert len(found) == 84
    page = (folder / "odmap.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and "Ã" not in page
    filled = sum(bool(value) for value in found.values())
    assert result.answered == filled > 25
    optional = sum(one.optional and not found[one.section, one.subsection, one.name] for one in ELEMENTS)
    assert page.count(TO_SAY) == len(found) - filled
    assert result.left == len(found) - filled - optional > 5


def test_answers_say_what_card_and_run_say(folder: Path) -> None:
    run_odmap(OdmapJob(str(folder)))
    found = rows(folder)
    data = found["Data", "Biodiversity data", "Sample size"]
    assert data == "; ".join(f"Species {n}: 10 presences, prevalence 0.3" for n in range(3))
    assert found["Overview", "Biodiversity data", "Response data type"] == "presence/absence"
    assert found["Overview", "Scale of Analysis", "Spatial extent"].endswith(" (xmin, xmax, ymin, ymax)")
    numbers = found["Overview", "Scale of Analysis", "Spatial extent"].split(" (")[0].split(", ")
    west, east, south, north = (float(one) for one in numbers)
    assert 3 <= west < east < 3.1 and 45.0 < south < north < 45.2
    assert "clamped to the training range" in found["Model", "Model settings", "Model settings (extrapolation)"]
    assert "MESS" in found["Prediction", "Uncertainty quantification", "Novel environments"]
    settings = found["Model", "Model settings", "Model settings (fitting)"]
    assert settings.startswith("multi-scale convolutional network: lambda2 (1), background (none)")
    run = json.loads((folder / "run.json").read_text())
    assert run["model"]["sha256"] in found["Model", "Model estimates", "Coefficients"]
    assert found["Overview", "Authorship", "Author names"] == ""


def test_a_folder_without_a_run_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run.json can't be read"):
        run_odmap(OdmapJob(str(tmp_path)))
    run = json.loads((folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**run, "model": {"file": "gone.safetensors"}}))
    with pytest.raises(InputError, match="gone.safetensors is not there"):
        run_odmap(OdmapJob(str(tmp_path)))
    with pytest.raises(InputError, match="holds no map"):
        run_odmap(replace(OdmapJob(str(tmp_path)), model=run["model"]["file"]))
