"""The example of samples with data: presence-only records of the Australian Wet Tropics, tested on surveys."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from scalescape.engine.jobs.evaluate_job import run_evaluate
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.protocol import EvaluateJob, TrainJob
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.recipes.recipe import SAMPLES, recipe_of
from scalescape.engine.running.progress import Monitor

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
REGIONS = ("awt", "nz", "swi")
LEAST_AUC = 0.66  # after a training that is cut short; chance is 0.5


@pytest.fixture
def folder(real_data: Path, tmp_path: Path) -> Path:
    """The examples beside the data, as their first lines say."""
    for region in REGIONS:
        shutil.copy(EXAMPLES / f"nceas_{region}.toml", tmp_path)
    (tmp_path / "nceas").symlink_to(real_data / "nceas", target_is_directory=True)
    return tmp_path


@pytest.mark.real_data
def test_examples_of_samples_with_data_keep_to_one_recipe(folder: Path) -> None:
    for region in REGIONS:
        assert recipe_of(read_config(folder / f"nceas_{region}.toml")) == replace(SAMPLES, min_records=1)


@pytest.mark.real_data
def test_records_alone_tell_where_surveys_find_species(folder: Path) -> None:
    config = folder / "nceas_awt.toml"
    config.write_text(config.read_text().replace("min_records = 1 ", "folds = 1\nmin_records = 100 "))
    run_train(TrainJob(str(config), str(folder / "awt.safetensors"), False), Monitor())
    job = EvaluateJob(str(folder / "awt.safetensors"), str(config), str(folder / "judged"))
    summary = run_evaluate(job, Monitor()).summary
    assert summary["n_species"] >= 10
    assert summary["against"] == "survey"
    assert summary["auc_mean"] > LEAST_AUC
