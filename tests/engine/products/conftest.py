"""A map job with a network of surveys."""

from __future__ import annotations

from pathlib import Path

import pytest
from scalescape.engine.protocol import MapJob, RasterInput
from surveyed_network import surveyed_copy


@pytest.fixture(scope="session")
def surveyed_model(small_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return surveyed_copy(small_model, tmp_path_factory.mktemp("surveyed") / "surveyed.safetensors")


@pytest.fixture
def job(surveyed_model: Path, landscape: dict[str, Path], tmp_path: Path) -> MapJob:
    inputs = tuple(RasterInput(name, str(landscape[name])) for name in ("satellite", "bioclim"))
    return MapJob(str(surveyed_model), inputs, str(tmp_path / "maps"), step=2)
