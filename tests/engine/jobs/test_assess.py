"""A map tested with surveyed points: figures as scikit-learn has them, every error shown."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from conftest import LEFT, TOP, write_raster
from odc.geo.crs import CRS
from pyproj import Transformer
from scalescape.engine.cli import cli
from scalescape.engine.finished.map_points import MapPoints
from scalescape.engine.jobs.assess_job import run_assess
from scalescape.engine.protocol import AssessJob
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

POINTS = 400


@pytest.fixture
def truth() -> np.ndarray:
    """A probability of presence on 600 by 700 pixels, with a hole."""
    rows, columns = np.mgrid[0:600, 0:700]
    values = 1 / (1 + np.exp(-3 * np.sin(rows / 60) * np.cos(columns / 90)))
    values[100:130, 200:260] = -9999
    return values.astype(np.float32)


@pytest.fixture
def sites(truth: np.ndarray, tmp_path: Path) -> Path:
    """Points where the species was found by that probability, some of them off the map or not surveyed."""
    draw = np.random.default_rng(8)
    x, y = draw.uniform(LEFT - 300, LEFT + 7000, POINTS), draw.uniform(TOP - 6000, TOP, POINTS)
    row, column = ((TOP - y) // 10).astype(int), np.clip((x - LEFT) // 10, 0, 699).astype(int)
    found = draw.uniform(size=POINTS) < truth[row, column]
    lines = [f"{a:.3f},{b:.3f},{int(c)}" for a, b, c in zip(x, y, found, strict=True)]
    lines[7] = lines[7].rpartition(",")[0] + ","
    path = tmp_path / "survey.csv"
    path.write_text("\n".join(["east,north,Fagus", *lines, ""]), encoding="utf-8")
    return path


def written(path: Path, values: np.ndarray, **tags: str) -> Path:
    write_raster(path, values[None], 10, nodata=-9999)
    with rasterio.open(path, "r+") as target:
        target.update_tags(**tags)
    return path


def points_of(sites: Path, map_file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Value and presence at the points that count, read by rasterio's own sampling."""
    table = np.genfromtxt(sites, delimiter=",", skip_header=1)
    with rasterio.open(map_file) as source:
        value = np.array([one[0] for one in source.sample(table[:, :2])], np.float64)
        inside = (table[:, 0] >= source.bounds.left) & (table[:, 0] < source.bounds.right)
    used = inside & (value != -9999) & np.isfinite(table[:, 2])
    return value[used], table[used, 2] == 1


def job(map_file: Path, sites: Path, tmp_path: Path, **options: str) -> AssessJob:
    columns = {"x": "east", "y": "north", "crs": "EPSG:32631"}
    return AssessJob(str(map_file), str(sites), str(tmp_path / "out"), **{**columns, **options})


def test_figures_are_those_of_scikit_learn(truth: np.ndarray, sites: Path, tmp_path: Path) -> None:
    tags = {"SPECIES": "Fagus", "QUANTITY": "occurrence", "PRODUCT": "occurrence"}
    map_file = written(tmp_path / "fagus.tif", truth, **tags)
    value, found = points_of(sites, map_file)
    result = run_assess(job(map_file, sites, tmp_path, threshold="0.6"), Monitor())
    assert 300 < len(value) < POINTS and (result.n_presence, result.n_absence) == (found.sum(), (~found).sum())
    wanted = {
        "auc": roc_auc_score(found, value),
        "average_precision": average_precision_score(found, value),
        "tss": (value >= 0.6)[found].mean() + (value < 0.6)[~found].mean() - 1,
        "brier": brier_score_loss(found, value),
    }
    for name, figure in wanted.items():
        one = result.figures[name]
        assert one["value"] == pytest.approx(figure, abs=1e-5), name
        assert one["low"] < one["value"] < one["high"]
    assert result.figures["boyce"]["value"] > 0.5
    assert result.calibration_error < 0.1
    assert result.outcomes == {
        "hit": int((found & (value >= 0.6)).sum()), "miss": int((found & (value < 0.6)).sum()),
        "false alarm": int((~found & (value >= 0.6)).sum()),
        "correct rejection": int((~found & (value < 0.6)).sum()),
    }  # fmt: skip
    left_out = [int(text.split()[0]) for text in result.warnings if "left out" in text]
    assert len(left_out) == 2 and sum(left_out) == POINTS - len(value)


def test_every_point_stands_in_the_map_of_errors(truth: np.ndarray, sites: Path, tmp_path: Path) -> None:
    tags = {"SPECIES": "Fagus", "QUANTITY": "favourability", "CALIBRATION": "[0.5, -1]"}
    tags["THRESHOLDS"] = json.dumps({"largest TSS": 0.3})
    map_file = written(tmp_path / "fagus.tif", truth, **tags)
    value, found = points_of(sites, map_file)
    result = run_assess(job(map_file, sites, tmp_path), Monitor())
    assert (result.threshold, result.rule) == (0.3, "largest TSS of the model's card")
    meta, _, geometry, fields = pyogrio.raw.read(tmp_path / "out" / "errors.gpkg")
    table = dict(zip(meta["fields"], fields, strict=True))
    assert meta["crs"] == "EPSG:32631"
    np.testing.assert_allclose(table["value"], value)
    np.testing.assert_array_equal(table["found"] == 1, found)
    words = {(1, 1): "hit", (1, 0): "miss", (0, 1): "false alarm", (0, 0): "correct rejection"}
    assert list(table["outcome"]) == [
        words[int(f), int(v >= np.float32(0.3))] for f, v in zip(found, value, strict=True)
    ]
    logit = np.log(value / (1 - value))
    np.testing.assert_allclose(table["residual"], found - 1 / (1 + np.exp(1 - 0.5 * logit)), atol=1e-6)
    with sites.open() as stream:
        rows = stream.read().splitlines()
    east = [float(rows[number - 1].split(",")[0]) for number in table["row"]]
    np.testing.assert_allclose(shapely.get_x(shapely.from_wkb(geometry)), east)


def test_a_raster_of_another_tool_may_have_any_scale(truth: np.ndarray, sites: Path, tmp_path: Path) -> None:
    """Ranks are all that AUC asks for, and a linear scale all that the Boyce index does."""
    plain = written(tmp_path / "Fagus.tif", truth)
    scaled = np.where(truth == -9999, -9999, truth * 1000 - 20).astype(np.float32)
    large = written(tmp_path / "large.tif", scaled)
    one = run_assess(job(plain, sites, tmp_path), Monitor())
    other = run_assess(job(large, sites, tmp_path, presence="Fagus"), Monitor())
    for name in ("auc", "average_precision", "tss", "boyce"):
        assert other.figures[name]["value"] == pytest.approx(one.figures[name]["value"], abs=1e-3), name
    assert other.threshold == pytest.approx(1000 * one.threshold - 20, abs=0.01)
    assert one.rule == other.rule == "largest TSS of this survey"
    assert one.calibration_error is not None and other.calibration_error is None
    assert any("flatter" in note for note in one.warnings)


def test_a_map_of_relative_suitability_has_no_calibration(
    truth: np.ndarray, sites: Path, tmp_path: Path
) -> None:
    map_file = written(tmp_path / "f.tif", truth, SPECIES="Fagus", QUANTITY="relative suitability")
    result = run_assess(job(map_file, sites, tmp_path), Monitor())
    assert result.calibration_error is None and result.figures["brier"]["value"] is None
    assert any("no probability of presence" in note for note in result.warnings)


def test_bad_input_is_told_in_one_sentence(truth: np.ndarray, sites: Path, tmp_path: Path) -> None:
    map_file = written(tmp_path / "fagus.tif", truth, SPECIES="Fagus")
    present = tmp_path / "present.csv"
    present.write_text(f"east,north,Fagus\n{LEFT + 50},{TOP - 50},1\n", encoding="utf-8")
    away = tmp_path / "away.csv"
    away.write_text(f"east,north,Fagus\n{LEFT - 50},{TOP - 50},1\n", encoding="utf-8")
    places = ["--x", "east", "--y", "north", "--crs", "EPSG:32631"]
    cases = [
        (sites, [*places, "--presence", "Quercus"], "no column 'Quercus'"),
        (present, places, "1 are presences and 0 absences"),
        (away, places, r"No point of .*away\.csv lies where the map has a value; .*swapped.*\(EPSG:32631\)"),
        (sites, [], r"no columns decimalLongitude .* \(--x, --y, --crs\)"),
        (sites, places[:4], r"is not specified; name it \(--crs EPSG:4326\)\.$"),
        (sites, [*places, "--presence", "east"], "column 'east' of survey.csv holds [0-9.]+ in row 2; it must"),
        (sites, [*places, "--threshold", "some"], "neither a number nor a rule"),
        (tmp_path / "none.csv", places, r"can't be read \(No such file or directory\)"),
    ]
    for file, options, message in cases:
        arguments = ["assess", str(map_file), "--sites", str(file), *options, "--out", str(tmp_path / "out")]
        told = CliRunner().invoke(cli, arguments)
        assert told.exit_code == 2, (options, told.output)
        assert re.search(message, told.stderr) and len(told.stderr.strip().splitlines()) == 1, told.stderr


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, 7.0, -2.5, 1e30])
def test_a_map_of_one_value_tells_nothing_and_says_so(sites: Path, tmp_path: Path, value: float) -> None:
    map_file = written(tmp_path / "f.tif", np.full((600, 700), value, np.float32), SPECIES="Fagus")
    result = run_assess(job(map_file, sites, tmp_path), Monitor())
    assert result.figures["auc"]["value"] == 0.5 and result.figures["tss"]["value"] == 0
    assert result.threshold == pytest.approx(value, rel=1e-6, abs=1e-11)
    assert any(f"The map has one value, {value:.6g}, at all" in note for note in result.warnings)
    assert not any("Values run from" in note for note in result.warnings)


def test_one_value_under_the_points_is_enough_for_that(sites: Path, tmp_path: Path) -> None:
    values = np.full((600, 700), 7, np.float32)
    values[0, 0] = 9
    few = tmp_path / "few.csv"
    few.write_text("".join(sites.read_text().splitlines(True)[:60]), encoding="utf-8")
    result = run_assess(job(written(tmp_path / "f.tif", values, SPECIES="Fagus"), few, tmp_path), Monitor())
    assert result.figures["auc"]["value"] == 0.5


def rewritten(
    sites: Path, change: Callable[[float, float, str], str], header: str = "east,north,Fagus"
) -> Path:
    """The survey with every row rewritten."""
    rows = [line.split(",") for line in sites.read_text(encoding="utf-8").splitlines()[1:]]
    lines = [change(float(x), float(y), found) for x, y, found in rows]
    path = sites.with_name("rewritten.csv")
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


DEGREES = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)


@pytest.mark.parametrize(
    ("change", "crs", "words"),
    [
        (
            lambda x, y, f: "{},{},".format(*DEGREES.transform(x, y)) + f,
            "EPSG:32631",
            "look like degrees .*EPSG:4326",
        ),
        (lambda x, y, f: f"{y},{x},{f}", "EPSG:32631", "lie on them with x and y swapped"),
        (lambda x, y, f: f"{x},{y},{f}", "EPSG:4326", "look like metres .* in EPSG:32631"),
        (
            lambda x, y, f: f"{x},{y},{f}",
            "EPSG:32633",
            "lie outside the rasters as EPSG:32633, and .* as EPSG:32631",
        ),
        (lambda x, y, f: f"{x},{y},", "EPSG:32631", "400 left out, the column Fagus is empty there"),
    ],
)
def test_points_that_are_declared_wrongly_are_refused_with_the_cause(
    truth: np.ndarray, sites: Path, tmp_path: Path, change: Callable[..., str], crs: str, words: str
) -> None:
    map_file = written(tmp_path / "fagus.tif", truth, SPECIES="Fagus")
    points = rewritten(sites, change)
    with pytest.raises(InputError, match=words):
        run_assess(job(map_file, points, tmp_path, crs=crs), Monitor())


def test_what_a_survey_leaves_out_is_counted_with_an_example(
    truth: np.ndarray, sites: Path, tmp_path: Path
) -> None:
    number = iter(range(POINTS))

    def change(x: float, y: float, found: str) -> str:
        place = next(number)
        word = {"1": "TRUE", "0": "false"}.get(found, "NA")
        note = ["obscured", "", "1,5", ""][place] if place < 4 else ""
        return f"{x},{y},{word},{note}"

    points = rewritten(sites, change, "east,north,Fagus\u00a0,geoprivacy")
    map_file = written(tmp_path / "fagus.tif", truth, SPECIES="Fagus")
    notes = run_assess(job(map_file, points, tmp_path), Monitor()).warnings
    plain = run_assess(job(map_file, sites, tmp_path), Monitor())
    assert any("1 of 400 points were left out: with another number of fields" in one for one in notes)
    assert any("1 of 400 points were left out: with coordinates that were obscured" in one for one in notes)
    assert any("the column Fagus is empty there (for example row 9" in one for one in notes)
    assert sum(int(one.split()[0]) for one in notes if "left out" in one) == 2 + sum(
        int(one.split()[0]) for one in plain.warnings if "left out" in one
    )


def test_values_that_sum_to_one_over_a_map_keep_their_order() -> None:
    values = np.array([0, 1e-9, 1e-7, 5e-7, 0.2, 1 - 1e-9, 1])
    nothing = np.zeros(len(values))
    points = MapPoints(nothing.astype(int), nothing, nothing, CRS("EPSG:3310"), values, nothing > 0, 0.0, 1.0)
    logit = points.scored("Any").logit[:, 0]
    assert np.isfinite(logit).all() and (np.diff(logit) > 0).all()
