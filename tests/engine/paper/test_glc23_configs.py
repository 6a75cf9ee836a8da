"""The configs of the paper's networks fit the official data of GeoLifeCLEF 2023; reproduce.md has them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.protocol import TrainJob
from scalescape.engine.recipes.config import TrainingConfig
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.recipes.recipe import PAPER, recipe_of
from scalescape.engine.recipes.shape import architecture_of
from scalescape.engine.running.progress import Monitor
from scalescape.models.model_file import read_model
from scalescape.models.windows import true_windows

DOCS = Path(__file__).resolve().parents[3] / "docs"
CONFIGS = sorted((DOCS / "examples").glob("glc23_*.toml"))
CLIMATE = "EnvironmentalRasters/Climate/BioClimatic_Average_1981-2010"
FILES = [
    "GLC23_species_in_surveys.csv", "Presence_Absence_surveys/Presences_Absences_train.csv",
    *(f"{CLIMATE}/bio{i}.tif" for i in range(1, 20)),
]  # fmt: skip
SAMPLE = {
    "GLC23_species_in_surveys.csv": "Presence_only_occurrences/Presences_only_train_sample.csv",
    "Presence_Absence_surveys/Presences_Absences_train.csv":
        "Presence_Absence_surveys/Presences_Absences_train_sample.csv",
}  # fmt: skip
# Median AUC and F1 of the paper's tables, by the scales of bioclimate and images.
PAPER_FIGURES = {
    ((1,), ()): ("86.91", "3.32"), ((1, 5), ()): ("85.73", "3.34"), ((1, 5, 9, 17), ()): ("86.28", "3.28"),
    ((), (25,)): ("80.41", "3.01"), ((), (59,)): ("81.38", "3.10"), ((), (115,)): ("80.85", "3.21"),
    ((), (25, 59, 115)): ("81.80", "3.93"), ((1,), (25,)): ("88.27", "4.21"),
    ((1,), (25, 59, 115)): ("87.43", "3.12"), ((1, 5), (25, 59, 115)): ("87.56", "4.08"),
}  # fmt: skip


def read(path: Path, folder: Path) -> TrainingConfig:
    """Read a config from beside a tree of empty files that bear the official names."""
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    for name in ("rgb", "nir"):
        (folder / "SatelliteImages" / name).mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return read_config(copy)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_is_the_paper_s_network(path: Path, tmp_path: Path) -> None:
    config = read(path, tmp_path)
    scales = {name: one.scales for name, one in config.modality.items()}
    figures = PAPER_FIGURES[scales.get("bioclim", ()), scales.get("satellite", ())]
    recipe = recipe_of(config)
    assert (recipe.lambda2, recipe.n_background, recipe.epochs, recipe.batch_size) == (1, 0, 30, 256)
    assert (recipe.optimiser, recipe.learning_rate, recipe.weight_decay) == ("sgd", 1e-2, 1e-4)
    assert (recipe.momentum, recipe.schedule, recipe.patience) == (0, PAPER.schedule, 0)
    shape = architecture_of(config, {"bioclim": 19, "satellite": 4}, 3, 0.02)
    assert {one.name: one.scales for one in shape.modalities} == scales and not shape.branch_norm
    assert all(window.width == scale for (_, scale), window in true_windows(shape).items())
    backbones = {one.name: one.backbone for one in shape.modalities}
    assert {("bioclim", "pointwise"), ("satellite", "residual")} >= set(backbones.items())
    head = path.read_text(encoding="utf-8")
    assert f"a median AUC of {figures[0]} % and an F1 of {figures[1]} %" in head
    assert head.count(path.stem) == 5 and tomllib.loads(head)


def test_every_config_stands_in_the_table_with_its_figures(tmp_path: Path) -> None:
    text = (DOCS / "reproduce.md").read_text(encoding="utf-8")
    rows = re.findall(r"\[(glc23_\S+\.toml)\]\(examples/\1\) \| [^|]+ \| ([\d.]+) \| ([\d.]+) \|", text)
    assert sorted(name for name, *_ in rows) == [path.name for path in CONFIGS]
    assert len(CONFIGS) == len(PAPER_FIGURES)
    for name, *figures in rows:
        config = read(DOCS / "examples" / name, tmp_path)
        scales = {key: one.scales for key, one in config.modality.items()}
        assert PAPER_FIGURES[scales.get("bioclim", ()), scales.get("satellite", ())] == tuple(figures)


@pytest.mark.real_data
def test_a_config_trains_on_the_sample(tmp_path: Path, real_data: Path) -> None:
    text = (DOCS / "examples" / "glc23_sat_25-59-115.toml").read_text(encoding="utf-8")
    for official, sample in SAMPLE.items():
        text = text.replace(official, str(real_data / "glc23_sample" / sample))
    text = text.replace('"SatelliteImages"', f'"{real_data / "glc23_sample" / "SatelliteImages"}"')
    config = tmp_path / "sample.toml"
    config.write_text(text + "epochs = 2\nwidth = 0.03\n", encoding="utf-8")
    result = run_train(TrainJob(str(config), str(tmp_path / "sample.safetensors")), Monitor())
    card = read_model(result.model).card
    assert result.n_sites == 100 and card.modality("satellite").scales == (25, 59, 115)
    assert card.training.lambda2 == 1 and not card.training.background
