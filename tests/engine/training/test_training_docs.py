"""docs/training.md names every key of a config with its default, and its examples are configs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
from pydantic import BaseModel
from scalescape.engine.recipes.config import (
    ModalityConfig,
    ModelConfig,
    SitesConfig,
    SourceConfig,
    TrainingSettings,
)
from scalescape.engine.recipes.config_file import read_config
from scalescape.engine.recipes.recipe import OURS, PAPER, SAMPLES
from scalescape.models.presets import PRESETS

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


def section(title: str) -> str:
    """The text under a heading, to the next one."""
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


@pytest.mark.parametrize(
    ("title", "model"),
    [
        ("`[sites]`", SitesConfig),
        ("`[[sites.source]]`", SourceConfig),
        ("`[modality.NAME]`", ModalityConfig),
        ("`[model]`", ModelConfig),
        ("`[training]`", TrainingSettings),
    ],
)
def test_every_key_is_named(title: str, model: type[BaseModel]) -> None:
    named = set(re.findall(r"`(\w+)`", section(title)))
    assert set(model.model_fields) <= named


def test_the_presets_are_named() -> None:
    assert set(PRESETS) <= set(re.findall(r"`([\w-]+)`", section("`[model]`")))


def test_the_defaults_are_those_of_the_recipes() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (\S+) \| (\S+) \|", section("`[training]`"), re.MULTILINE)
    assert {row[0] for row in rows} == set(TrainingSettings.model_fields)

    def shown(value: object) -> str:
        return str(value).lower() if isinstance(value, (bool, str)) else f"{value:g}"

    for name, *values in rows:
        assert values == [shown(getattr(recipe, name)) for recipe in (OURS, SAMPLES, PAPER)], name


def test_the_first_config_is_one(tmp_path: Path) -> None:
    for name in ("0001234-250101000000000.zip", "climate.tif", "leaves.tif", "clouds.tif"):
        (tmp_path / name).touch()
    (tmp_path / "slugs.toml").write_text(EXAMPLES[0], encoding="utf-8")
    config = read_config(tmp_path / "slugs.toml")
    assert config.modality["surface"].scales == (1, 5) and config.training.buffer_km == 20


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_hold_known_keys(example: str) -> None:
    raw = tomllib.loads(example)
    known: dict[str, type[BaseModel]] = {
        "sites": SitesConfig, "modality": ModalityConfig, "model": ModelConfig, "training": TrainingSettings,
    }  # fmt: skip
    for name, table in raw.items():
        for one in table.values() if name == "modality" else [table]:
            known[name].model_validate(one)
