"""Demo landscapes that several tests look at, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from scalescape.engine.demo.files import write_landscape
from scalescape.engine.demo.landscape import Landscape, make_landscape

SIZE = 1024  # the smallest that promises a prevalence


@pytest.fixture(scope="session")
def landscape() -> Landscape:
    return make_landscape(seed=3, size=SIZE)


@pytest.fixture(scope="session")
def folder(landscape: Landscape, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo")
    write_landscape(landscape, path)
    return path
