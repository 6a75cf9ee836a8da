"""The ODMAP record: every element of the protocol once, filled from card and run, the rest marked."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from scalescape.engine.jobs.map_job import run_map
from scalescape.engine.jobs.odmap_job import run_odmap
from scalescape.engine.jobs.products_job import run_products
from scalescape.engine.odmap.elements import ELEMENTS
from scalescape.engine.odmap.odmap_files import TO_SAY
from scalescape.engine.protocol import MapJob, OdmapJob, ProductsJob, RasterInput
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import read_model, write_model
from surveyed_network import LINES, surveyed_copy


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


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A copy of the folder, without a record."""
    copy = tmp_path / "maps"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("odmap*"))
    return copy


def edit(
    folder: Path, changes: dict[tuple[str, str, str], str], separator: str = ",", coding: str = "utf-8"
) -> None:
    """Write texts into the CSV, as a spreadsheet does."""
    changed = rows(folder) | changes
    with (folder / "odmap.csv").open("w", encoding=coding, newline="") as stream:
        writer = csv.writer(stream, delimiter=separator)
        writer.writerow(["section", "subsection", "element", "Value"])
        writer.writerows([*row, text] for row, text in changed.items())


TITLE = ("Overview", "Authorship", "Study title")
CONTACT = ("Overview", "Authorship", "Contact ")
EXTENT = ("Overview", "Scale of Analysis", "Spatial extent")
RESOLUTION = ("Overview", "Scale of Analysis", "Spatial resolution")
NOVEL = ("Prediction", "Uncertainty quantification", "Novel environments")
SOURCES = ("Data", "Biodiversity data", "Data sources")
OWN = ("Data", "Biodiversity data", "Permits")


@pytest.mark.parametrize(("separator", "coding"), [(",", "utf-8"), (";", "cp1252"), ("\t", "utf-8-sig")])
def test_what_the_author_wrote_stays_and_the_rest_is_filled_anew(
    own: Path, separator: str, coding: str
) -> None:
    first = run_odmap(OdmapJob(str(own)))
    before = rows(own)
    changes = {
        TITLE: "Forêts d’altitude,\nune étude", CONTACT: "a@b.org", EXTENT: "the whole valley",
        SOURCES: "", OWN: "none <needed>",
    }  # fmt: skip
    edit(own, changes, separator, coding)
    run = json.loads((own / "run.json").read_text())
    run["job"] |= {"products": ["probability"], "clamp": False}
    (own / "run.json").write_text(json.dumps(run))
    again = run_odmap(OdmapJob(str(own)))
    found = rows(own)
    for row, text in (changes | {SOURCES: before[SOURCES]}).items():
        assert found[row] == text
    assert list(found) == [*before, OWN]
    assert before[NOVEL] and not found[NOVEL], "of the new run"
    assert before[RESOLUTION] == found[RESOLUTION] != ""
    fewer = sum(bool(before[row]) and not found[row] for row in before)
    assert again.answered == first.answered + 2 - fewer == sum(bool(found[row]) for row in before)
    page = (own / "odmap.html").read_text(encoding="utf-8")
    assert (
        "Forêts d’altitude,\nune étude" in page and "the whole valley" in page and "none &lt;needed&gt;" in page
    )
    assert again.warnings == (
        "odmap.csv says other than card and run on Scale of Analysis: Spatial extent. What you wrote was kept; "
        "empty a cell to have it filled in again.",
    )
    run_odmap(OdmapJob(str(own)))
    assert rows(own) == found, "nor is it lost the third time"


def test_a_text_that_a_spreadsheet_garbled_is_not_taken_for_the_authors(own: Path) -> None:
    """Excel opens UTF-8 as Windows' own letters, and saves what it shows."""
    run_odmap(OdmapJob(str(own)))
    before = rows(own)
    assert "×" in before[RESOLUTION]
    edit(own, {RESOLUTION: before[RESOLUTION].encode().decode("cp1252")}, ";", "utf-8-sig")
    assert not run_odmap(OdmapJob(str(own))).warnings
    assert rows(own) == before


def test_answers_are_kept_where_it_is_not_known_what_was_filled_in(own: Path) -> None:
    run_odmap(OdmapJob(str(own)))
    edit(own, {TITLE: "Mine", EXTENT: "here"})
    (own / "odmap.json").unlink()
    (note,) = [one for one in run_odmap(OdmapJob(str(own))).warnings if "empty a cell" in one]
    assert "Spatial extent" in note
    assert (rows(own)[TITLE], rows(own)[EXTENT]) == ("Mine", "here")


def test_what_can_not_be_taken_over_is_put_aside(own: Path) -> None:
    run_odmap(OdmapJob(str(own)))
    page = own / "odmap.html"
    mine = page.read_text(encoding="utf-8").replace("</body>", "<p>My remark</p></body>")
    for number in (1, 2):
        page.write_text(mine, encoding="utf-8")
        (note,) = run_odmap(OdmapJob(str(own))).warnings
        assert note.startswith("odmap.html may hold more of yours")
        assert note.endswith(f" is called odmap_{number}.html now.")
        assert (own / f"odmap_{number}.html").read_text(encoding="utf-8") == mine
        assert "My remark" not in page.read_text(encoding="utf-8")
    table = (own / "odmap.csv").read_text(encoding="utf-8")
    remarks = table.replace("element,Value\n", "element,Value,Remark\n").replace(
        "Study link,\n", "Study link,,ask\n"
    )
    for text in (remarks, "My notes\n"):
        (own / "odmap.csv").write_text(text, encoding="utf-8")
        assert any("odmap.csv may hold" in one for one in run_odmap(OdmapJob(str(own))).warnings)
        assert (own / "odmap.csv").read_text(encoding="utf-8") == table
    assert (own / "odmap_1.csv").read_text(encoding="utf-8") == remarks


def test_a_table_with_a_cell_too_long_to_read_is_put_aside(own: Path) -> None:
    run_odmap(OdmapJob(str(own)))
    edit(own, {TITLE: "x" * 131_073})
    mine = (own / "odmap.csv").read_bytes()
    (note,) = run_odmap(OdmapJob(str(own))).warnings
    assert note.endswith("it is called odmap_1.csv now.")
    assert (own / "odmap_1.csv").read_bytes() == mine and not rows(own)[TITLE]


@pytest.mark.parametrize("name", ["odmap.csv", "odmap.html"])
def test_a_record_that_can_not_be_read_is_refused_and_left(
    own: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As where another program holds the file."""
    run_odmap(OdmapJob(str(own)))
    before = {file.name: file.read_bytes() for file in own.iterdir()}
    read = Path.read_bytes

    def held(file: Path) -> bytes:
        if file.name == name:
            raise PermissionError(13, "Permission denied", str(file))
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", held)
    sentence = rf"^The file .*{name} can't be read \(Permission denied\); close it .*, or move it away\.$"
    with pytest.raises(InputError, match=sentence):
        run_odmap(OdmapJob(str(own)))
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in own.iterdir()} == before


USED = "; used for this map: minimum-presence."


@pytest.mark.parametrize(
    ("products", "calibration", "scales_on", "used"),
    [
        (["probability", "novelty"], LINES[0], {}, ""),
        (["probability", "binary"], LINES[0], {}, USED),
        (["richness"], LINES[0], {}, ""),
        (["richness"], None, {}, USED),
        (["richness"], LINES[0], {"bioclim": [1]}, USED),
    ],
)
def test_the_threshold_is_named_where_a_product_used_it(
    own: Path,
    products: list[str],
    calibration: tuple[float, float] | None,
    scales_on: dict[str, list[int]],
    used: str,
) -> None:
    """Richness needs none where it is the sum of occurrence."""
    run = json.loads((own / "run.json").read_text())
    run["job"] |= {"products": products, "threshold": "minimum-presence"}
    run |= {"scales_on": scales_on} if scales_on else {}
    (own / "run.json").write_text(json.dumps(run))
    model = read_model(run["model"]["file"])
    species = tuple(replace(one, calibration=calibration) for one in model.card.species)
    file = own / "m.safetensors"
    write_model(file, replace(model, card=replace(model.card, species=species)))
    run_odmap(OdmapJob(str(own), str(file)))
    found = rows(own)["Model", "Threshold selection", "Threshold selection"]
    assert found == "Rules of the card: largest TSS, minimum presence" + (used or ".")


def test_a_threshold_that_is_a_number_is_named_where_the_card_has_no_rule(own: Path) -> None:
    run = json.loads((own / "run.json").read_text())
    run["job"] |= {"products": ["binary"], "threshold": "0.4"}
    (own / "run.json").write_text(json.dumps(run))
    model = read_model(run["model"]["file"])
    species = tuple(replace(one, threshold=None, thresholds={}) for one in model.card.species)
    write_model(own / "m.safetensors", replace(model, card=replace(model.card, species=species)))
    run_odmap(OdmapJob(str(own), str(own / "m.safetensors")))
    assert rows(own)["Model", "Threshold selection", "Threshold selection"] == "Used for this map: 0.4."


def test_products_made_later_are_told_with_their_threshold(own: Path) -> None:
    later = ProductsJob(str(own), ("binary", "richness"), threshold="0.4")
    run_products(later, Monitor())
    run_odmap(OdmapJob(str(own)))
    found = rows(own)
    assert found["Model", "Threshold selection", "Threshold selection"].endswith("0.4.")
    assert "richness" in found["Overview", "Model objective", "Target output"]


def test_products_of_maps_that_stood_there_before_are_not_told(own: Path) -> None:
    run_products(ProductsJob(str(own), ("richness",), threshold="0.4"), Monitor())
    record = json.loads((own / "products.json").read_text())
    (own / "products.json").write_text(json.dumps(record | {"date": "2001-01-01T00:00:00+00:00"}))
    run_odmap(OdmapJob(str(own)))
    assert "richness" not in rows(own)["Overview", "Model objective", "Target output"]


def test_a_record_of_products_that_can_not_be_read_is_refused(own: Path) -> None:
    (own / "products.json").write_text("{")
    with pytest.raises(InputError, match=r"products\.json can't be read .*make the products again"):
        run_odmap(OdmapJob(str(own)))


MAPPED, TRANSFER = "Mapping and interpolation", "Forecast and transfer"
AROUND, ELSEWHERE = (499_000, 4_990_000, 503_000, 5_001_000), (600_000, 4_990_000, 601_000, 5_001_000)


@pytest.mark.parametrize(
    ("job", "extent", "objective", "scenario"),
    [
        ({}, (), MAPPED, ""),
        ({}, AROUND, MAPPED, ""),
        ({}, ELSEWHERE, TRANSFER, ""),
        ({"clamp": True}, (), TRANSFER, ""),
        ({"scenario": "A", "date": "2071-01-01", "held": ["satellite"]}, (), TRANSFER,
         "A (2071-01-01), satellite held at today"),
        ({"scenario": "wetter"}, (), TRANSFER, "wetter"),
        ({"scenario": "today", "date": "2026-05-01"}, (), MAPPED, ""),
        ({"scenario": "then", "date": "1950-01-01"}, (), TRANSFER, "then (1950-01-01)"),
    ],
)  # fmt: skip
def test_the_objective_is_that_of_the_run(
    own: Path, job: dict[str, object], extent: tuple[float, ...], objective: str, scenario: str
) -> None:
    run = json.loads((own / "run.json").read_text())
    run["job"] |= {"clamp": False, **job}
    run["date"] = "2026-10-12T08:00:00+00:00"
    (own / "run.json").write_text(json.dumps(run))
    model = read_model(run["model"]["file"])
    training = replace(model.card.training, extent=extent, extent_crs="EPSG:32631")
    file = own / "m.safetensors"
    write_model(file, replace(model, card=replace(model.card, training=training)))
    run_odmap(OdmapJob(str(own), str(file)))
    found = rows(own)
    assert found["Overview", "Model objective", "Model objective"] == objective
    assert found["Data", "Transfer data", "Models and scenarios"] == scenario


def test_a_folder_without_a_run_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^There is no .*run\.json; give the folder of a run\.$"):
        run_odmap(OdmapJob(str(tmp_path)))
    run = json.loads((folder / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**run, "model": {"file": "gone.safetensors"}}))
    with pytest.raises(InputError, match="gone.safetensors is not there"):
        run_odmap(OdmapJob(str(tmp_path)))
    with pytest.raises(InputError, match="holds no map"):
        run_odmap(replace(OdmapJob(str(tmp_path)), model=run["model"]["file"]))
