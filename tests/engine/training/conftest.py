"""One finished training for all tests of it."""

from __future__ import annotations

import pytest
from tiny_run import Run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("trained"))
