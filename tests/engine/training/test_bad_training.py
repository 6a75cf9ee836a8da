"""What can't be trained on: exit status 2, its sentence, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from conftest import write_raster
from pyproj import Transformer
from scalescape.engine.commands.training_commands import evaluate_command, train_command
from tiny_landscape import CRS, PREDICTORS, RECORDS_ALONE, TRAINING, write_tiny_landscape

ROOT = Path(__file__).resolve().parents[3]
SURVEYS = RECORDS_ALONE.replace("po.csv", "pa.csv").replace('"po"', '"pa"')
SURVEYS = SURVEYS.replace('species = "species"', 'species_columns = ["Corylus"]')
ALONE = "[training]\nn_background = 0\nlambda2 = 1\n"


def train(folder: Path) -> Result:
    return CliRunner().invoke(
        train_command, [str(folder / "train.toml"), "--out", str(folder / "m.safetensors")]
    )


def test_all_faults_of_a_config_are_told_at_once(tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path)
    text = config.read_text(encoding="utf-8")
    for old, new in (
        ("epochs = 2", 'epochs = "two"\nepoch = 3'),
        ("scales = [25]", "scales = [26]"),
        ("bioclim.tif", "climate.tif"),
        ('file = "pa.csv"', 'file = "surveys.csv"\nwhere = "Corylus = 1"'),
    ):
        assert old in text
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    command = [sys.executable, str(ROOT / "engine" / "__main__.py"), "train", str(config)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "m.safetensors"), "--json"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    first, *faults = done.stderr.strip().splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert first == f"The config {config} has 6 faults; fix them first:"
    assert [line.strip().partition(": ")[0] for line in faults] == [
        "training.epochs", "training.epoch", "sites.source[2].file", "sites.source[2].where",
        "modality.bioclim.inputs", "modality.satellite.scales",
    ]  # fmt: skip
    assert sorted(tmp_path.iterdir()) == before


def rewrite(folder: Path, file: str, change: Callable[[list[str]], list[str]]) -> None:
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    (folder / file).write_text("\n".join([*change(lines), ""]), encoding="utf-8")


def configure(
    folder: Path, sites: str = RECORDS_ALONE, predictors: str = PREDICTORS, training: str = TRAINING
) -> None:
    (folder / "train.toml").write_text(sites + predictors + training, encoding="utf-8")


def every_survey_a_presence(folder: Path) -> None:
    rewrite(folder, "pa.csv", lambda lines: [lines[0], *(line.rpartition(",")[0] + ",1" for line in lines[1:])])
    configure(folder, SURVEYS, training=ALONE)


def every_survey_an_absence(folder: Path) -> None:
    rewrite(folder, "pa.csv", lambda lines: [lines[0], *(line.rpartition(",")[0] + ",0" for line in lines[1:])])
    configure(folder, SURVEYS, training=ALONE)


def one_species_alone(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: [lines[0], *(line for line in lines if line.startswith("Alnus"))])
    configure(folder, training=ALONE)


def with_columns(folder: Path, value: str) -> None:
    def filled(lines: list[str]) -> list[str]:
        return [
            f"{lines[0]},rain",
            *(f"{line},{n}" for n, line in enumerate(lines[1:-1])),
            f"{lines[-1]},{value}",
        ]

    rewrite(folder, "po.csv", filled)
    configure(folder, predictors='[modality.bioclim]\ncolumns = ["rain"]\n', training=ALONE)


def no_value_in_a_column(folder: Path) -> None:
    with_columns(folder, "")


def text_in_a_column(folder: Path) -> None:
    with_columns(folder, "much")


def not_a_number_in_a_whole_raster(folder: Path) -> None:
    write_raster(folder / "bioclim.tif", np.full((2, 30, 30), np.nan, np.float32), 200)
    configure(folder)


def not_a_number_in_one_band(folder: Path) -> None:
    with rasterio.open(folder / "satellite.tif", "r+") as raster:
        raster.write(np.full(raster.shape, np.nan, np.float32), 2)
    configure(folder)


def one_value_everywhere(folder: Path) -> None:
    with rasterio.open(folder / "satellite.tif", "r+") as raster:
        raster.write(np.full(raster.shape, 7, np.float32), 2)
    configure(folder)


def fewer_sites_than_folds(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: lines[:5])
    configure(folder, training=TRAINING.replace("folds = 2", "folds = 5"))


def fewer_blocks_than_folds(folder: Path) -> None:
    configure(folder, training=TRAINING.replace("folds = 2\nblocks_km = 0.5", "folds = 5\nblocks_km = 1000"))


def a_buffer_over_all(folder: Path) -> None:
    configure(folder, training=TRAINING.replace("buffer_km = 0.05", "buffer_km = 50"))


def too_many_records_wanted(folder: Path) -> None:
    configure(folder, training=TRAINING.replace("min_records = 1\n", "min_records = 1000\n"))


def sites_elsewhere(folder: Path) -> None:
    configure(folder, RECORDS_ALONE.replace("32631", "32633"))


def rasters_apart(folder: Path) -> None:
    write_raster(folder / "bioclim.tif", np.zeros((2, 30, 30), np.float32), 200, corner=(0, 0))
    configure(folder)


def no_such_column(folder: Path) -> None:
    configure(folder, RECORDS_ALONE.replace('"species"', '"taxon"'))


def no_coordinate_system(folder: Path) -> None:
    configure(folder, RECORDS_ALONE.replace(f'crs = "{CRS}"\n', ""))


def no_row_meets_it(folder: Path) -> None:
    configure(folder, RECORDS_ALONE + 'where = "x > 1e9"\n')


def an_empty_table(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: lines[:1])
    configure(folder)


def a_raster_that_is_none(folder: Path) -> None:
    (folder / "bioclim.tif").write_text("no raster")
    configure(folder)


def a_count_where_a_name_is(folder: Path) -> None:
    rewrite(folder, "pa.csv", lambda lines: [*lines, "500100,4999900,some"])
    configure(folder, SURVEYS, training=ALONE)


def one_record(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: lines[:2])
    configure(folder)


def one_place_for_all_records(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: [lines[0], *([lines[1]] * 30)])
    configure(folder)


def records_in_degrees(folder: Path, swapped: bool = False) -> None:
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)

    def converted(lines: list[str]) -> list[str]:
        rows = [line.split(",") for line in lines[1:]]
        places = [to_degrees.transform(float(x), float(y)) for _, x, y in rows]
        return [lines[0], *(f"{r[0]},{p[swapped]},{p[not swapped]}" for r, p in zip(rows, places, strict=True))]

    rewrite(folder, "po.csv", converted)
    configure(folder, training=TRAINING.replace("min_records = 1", "min_records = 5"))


def records_in_degrees_and_swapped(folder: Path) -> None:
    records_in_degrees(folder, swapped=True)


def records_in_metres_called_degrees(folder: Path) -> None:
    configure(folder, RECORDS_ALONE.replace("EPSG:32631", "EPSG:4326"))


def every_record_obscured(folder: Path) -> None:
    def obscured(lines: list[str]) -> list[str]:
        return [f"{lines[0]},dataGeneralizations", *(f"{line},Coordinates rounded" for line in lines[1:])]

    rewrite(folder, "po.csv", obscured)
    configure(folder)


def a_name_like_a_page(folder: Path) -> None:
    rewrite(folder, "po.csv", lambda lines: [*lines, f"{'Alnus ' * 100},500600,4999600"])


def a_word_of_the_network_s_own(folder: Path) -> None:
    configure(folder, predictors=PREDICTORS.replace("[modality.bioclim]", "[modality.values]"))


def not_toml(folder: Path) -> None:
    (folder / "train.toml").write_text("[sites\n", encoding="utf-8")


CASES: dict[Callable[[Path], None], str] = {
    every_survey_a_presence: "at every site looked at",
    every_survey_an_absence: "No row of the training tables says that a species was found",
    one_species_alone: "at every site looked at",
    no_value_in_a_column: "'rain' of po.csv is empty or no number in 1 rows",
    text_in_a_column: "'rain' of po.csv is empty or no number in 1 rows",
    not_a_number_in_a_whole_raster: "outside the rasters or where they have no value",
    not_a_number_in_one_band: "outside the rasters or where they have no value",
    one_value_everywhere: "nir of satellite is 7 at every training place",
    fewer_sites_than_folds: "There are 4 sites for 5 folds",
    fewer_blocks_than_folds: "fewer than the 5 folds",
    a_buffer_over_all: "within the buffer of 50 km",
    too_many_records_wanted: "set min_records lower",
    sites_elsewhere: "outside the rasters",
    rasters_apart: "outside the rasters",
    no_such_column: "no column 'taxon'",
    no_coordinate_system: "set crs",
    no_row_meets_it: "No row of po.csv meets",
    an_empty_table: "holds no record",
    a_raster_that_is_none: "bioclim.tif",
    a_count_where_a_name_is: "'some' in row 62",
    one_record: "All that is left of 1 record is one site, and a network learns from many",
    one_place_for_all_records: "All that is left of 30 records is one site",
    records_in_degrees: "look like degrees (for example row 2",
    records_in_degrees_and_swapped: "look like degrees, latitude first (for example row 2",
    records_in_metres_called_degrees: "look like metres (for example row 2",
    every_record_obscured: "110 with coordinates that were obscured or made coarser; check the table.",
    a_name_like_a_page: "is longer than 500 letters",
    a_word_of_the_network_s_own: "can't be called 'values'; choose another name",
    not_toml: "not TOML at line 1",
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_trained_on_is_told_in_a_sentence(tmp_path: Path, case: Callable[[Path], None]) -> None:
    write_tiny_landscape(tmp_path)
    case(tmp_path)
    before = sorted(tmp_path.iterdir())
    done = train(tmp_path)
    assert done.exit_code == 2, done.output
    assert CASES[case] in done.stderr
    assert ("set min_records" in done.stderr) == ("set min_records" in CASES[case])
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.strip().endswith(".")
    assert sorted(tmp_path.iterdir()) == before, "a refused run leaves nothing behind"


def test_a_model_without_its_values_is_told(tmp_path: Path, small_model: Path) -> None:
    done = CliRunner().invoke(evaluate_command, [str(small_model), "--out", str(tmp_path / "figures")])
    assert done.exit_code == 2 and "There is no small.oof.csv beside the model" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_config_of_other_species_is_told(tmp_path: Path, small_model: Path) -> None:
    config = write_tiny_landscape(
        tmp_path, sites=RECORDS_ALONE + 'test = "pa.csv"\ntest_species_columns = ["Corylus"]\n'
    )
    command = [str(small_model), "--config", str(config), "--out", str(tmp_path / "figures")]
    done = CliRunner().invoke(evaluate_command, command)
    assert done.exit_code == 2 and "None of the species of pa.csv (Corylus)" in done.stderr
