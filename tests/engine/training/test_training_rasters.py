"""What training and judging do with rasters that come in another order, unit of NoData, or CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.protocol import EvaluateJob, RasterInput
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.running.errors import InputError
from scalescape.engine.running.progress import Monitor
from scalescape.engine.training.supplies import Spots, supply_of
from tiny_landscape import RECORDS_ALONE, write_tiny_landscape
from tiny_run import Run, edit

TESTED = RECORDS_ALONE + 'test = "pa.csv"\ntest_species_columns = ["Corylus"]\n'


def judged(run: Run, config: Path, out: Path) -> tuple[dict[str, object], tuple[str, ...]]:
    done = run_evaluate(EvaluateJob(str(run.out), str(config), str(out)), Monitor())
    return done.summary, done.warnings


def reordered(file: Path, names: list[str]) -> None:
    with rasterio.open(file) as source:
        values, corner = source.read()[::-1], (source.transform.c, source.transform.f)
    write_raster(file, values, 200, names=names, corner=corner)


def test_judging_finds_the_model_s_bands_by_name(run: Run, tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path / "a", TESTED)
    first, said = judged(run, config, tmp_path / "one")
    assert not any("by name" in one for one in said)
    reordered(tmp_path / "a" / "bioclim.tif", ["wc2.1_30s_bio_12", "wc2.1_30s_bio_1"])
    second, said = judged(run, config, tmp_path / "two")
    assert second == first
    assert any("The bands of bioclim were matched by name" in one for one in said)
    reordered(tmp_path / "a" / "bioclim.tif", ["bio1", "bio5"])
    with pytest.raises(InputError, match=r"bio1 is band 1 .* and others are not \(bio12\)"):
        judged(run, config, tmp_path / "three")


def test_pixels_of_another_size_are_told_when_a_model_is_judged(run: Run, tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path / "a", TESTED)
    assert not any("see another ground" in one for one in judged(run, config, tmp_path / "one")[1])
    file = tmp_path / "a" / "bioclim.tif"
    with rasterio.open(file) as source:
        values = source.read()
    write_raster(file, values, 230, names=["bio1", "bio12"], corner=(LEFT - 1480, TOP + 1530))
    (said,) = [one for one in judged(run, config, tmp_path / "two")[1] if "see another ground" in one]
    assert "pixels of bioclim are 230 metres wide, those that the model learnt from 200 metres" in said


def test_what_training_does_to_rasters_is_told(run: Run, tmp_path: Path) -> None:
    """Among the warnings of a training, where a file was resampled or moved."""
    config = write_tiny_landscape(tmp_path / "a")
    with rasterio.open(tmp_path / "a" / "bioclim.tif") as source:
        values = source.read(1)
    write_raster(
        tmp_path / "a" / "more.tif", values[None], 170, names=["bio5"], corner=(LEFT - 1480, TOP + 1530)
    )
    edit(config, 'inputs = ["bioclim.tif"]', 'inputs = ["bioclim.tif", "more.tif"]')
    supply = supply_of("bioclim", read_config(config).modality["bioclim"])
    spots = Spots(np.array([LEFT + 500.0]), np.array([TOP - 500.0]), "EPSG:32631")
    with supply.source(spots, 1) as source:
        assert source.bands == ("bio1", "bio12", "bio5")
        (said,) = source.notes
    assert "more.tif was resampled onto the grid of" in said


def test_nodata_and_crs_of_a_config_reach_the_patches(tmp_path: Path) -> None:
    config = write_tiny_landscape(tmp_path / "a")
    file = tmp_path / "a" / "bioclim.tif"
    values = np.full((2, 30, 30), 5, np.float32)
    values[0, 3], values[1, 4] = 250, 251
    write_raster(file, values, 200, crs="EPSG:32632", names=["bio1", "bio12"], corner=(LEFT, TOP))
    edit(
        config, 'inputs = ["bioclim.tif"]', 'inputs = ["bioclim.tif"]\nnodata = "249..255"\ncrs = "EPSG:32631"'
    )
    supply = supply_of("bioclim", read_config(config).modality["bioclim"])
    y = TOP - 200 * np.arange(30) - 100
    spots = Spots(np.full(30, LEFT + 300.0), y, "EPSG:32631")
    with supply.source(spots, 1) as source:
        valid = np.concatenate([part for _, part in source.chunks(lambda: None)])[source.places][:, :, 0, 0]
        digest = source.digest
    assert valid.sum() == 58 and not valid[3, 0] and not valid[4, 1]
    edit(config, "249..255", "249..250")
    supply = supply_of("bioclim", read_config(config).modality["bioclim"])
    with supply.source(spots, 1) as source:
        assert source.digest != digest


def test_columns_are_found_by_name_when_a_model_is_judged(run: Run) -> None:
    from dataclasses import replace

    from scalescape.engine.recipes.config import ModalityConfig

    supply = supply_of("bioclim", ModalityConfig(columns=("BIO_12", "bio1")))
    columns = {"BIO_12": np.array([12.0]), "bio1": np.array([1.0])}
    spots = Spots(np.zeros(1), np.zeros(1), "EPSG:32631", columns)
    with supply.source(spots, 1, run.card) as source:
        assert source.bands == ("bio1", "bio12")
        ((values, _),) = source.chunks(lambda: None)
        assert values.ravel().tolist() == [1, 12]
    other = replace(run.card, modalities=run.card.modalities)
    wrong = supply_of("bioclim", ModalityConfig(columns=("bio1", "bio5")))
    with (
        pytest.raises(InputError, match=r"None of the columns .* is clearly the model's bio12"),
        wrong.source(replace(spots, columns={"bio1": columns["bio1"], "bio5": columns["bio1"]}), 1, other),
    ):
        pass


def test_rasters_of_a_config_are_inputs_of_a_map() -> None:
    from scalescape.engine.recipes.config import ModalityConfig

    config = ModalityConfig(inputs=("a.tif#2,1", "b.tif"))
    assert config.rasters("m") == (RasterInput("m", "a.tif", (2, 1)), RasterInput("m", "b.tif"))
