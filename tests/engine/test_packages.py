"""What is installed: every package of engine and models, so that an installed command finds all its parts."""

from __future__ import annotations

from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_is_in_the_list_of_those_to_be_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    files = [file for top in ("engine", "models") for file in (ROOT / top).rglob("__init__.py")]
    folders = sorted(".".join(("scalescape", *file.parent.relative_to(ROOT).parts)) for file in files)
    assert len(folders) > 2
    assert settings["packages"] == ["scalescape", *folders]
