"""Imports run one way: plugin to what it shares with the engine, engine to models, models to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARD_ALONE = [
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "engine" / "protocol").glob("*.py"))),
    "models/band_names.py", "models/card.py", "models/card_faults.py", "models/errors.py",
    "models/field_types.py", "models/flags.py", "models/plain_json.py", "models/sensor_bands.py",
    "models/tensor_header.py",
]  # fmt: skip
EMPTY_AT_IMPORT = ["__init__.py", "engine/__init__.py", "models/__init__.py"]
FORBIDDEN = {
    "plugin": {
        "torch",
        "rasterio",
        "numpy",
        "scipy",
        "pyproj",
        "fiona",
        "geopandas",
        "safetensors",
        "scalescape",
    },
    "engine": {"qgis", "PyQt5", "PyQt6", "osgeo", "plugin"},
    "models": {"qgis", "PyQt5", "PyQt6", "osgeo", "rasterio", "plugin", "scalescape"},
}
ALLOWED_ACROSS = {
    "plugin": {"engine.protocol", "models.card"},
    "engine": {"models"},
    "models": set(),
}

# The rooms of engine/ from the ground up: each needs only those before it. The doors, cli.py and server.py, may
# use all of them.
ROOMS = (
    "protocol", "running", "words", "files",
    "rasters", "tables", "recipes", "sites", "patches",
    "judging", "maps", "mapping", "products", "scales", "training",
    "finished", "odmap", "paper", "demo", "study",
    "jobs", "bench", "commands",
)  # fmt: skip
DOORS = ("__init__.py", "__main__.py", "cli.py", "server.py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Names imported by a file from the root on, and whether each is relative."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", False
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            stem = [*base, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                full = [*stem, alias.name]
                place = ROOT.joinpath(*full)
                is_module = place.with_suffix(".py").exists() or (place / "__init__.py").exists()
                yield ".".join(full if is_module else stem), True


def sources(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


@pytest.mark.parametrize("part", ["plugin", "engine", "models"])
def test_each_part_imports_only_what_it_may(part: str) -> None:
    faults = []
    for path in sources(part):
        for name, relative in imports(path):
            if not relative:
                if name.split(".")[0] in FORBIDDEN[part] and path.name != "__main__.py":
                    faults.append(f"{path.relative_to(ROOT)} imports {name}")
            elif name.split(".")[0] != part and not any(
                name == ok or name.startswith(ok + ".") for ok in ALLOWED_ACROSS[part]
            ):
                faults.append(f"{path.relative_to(ROOT)} imports {name}")
    assert sources(part) and not faults


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_of_the_engine_needs_only_those_below_it(room: str) -> None:
    below = {*ROOMS[: ROOMS.index(room) + 1]}
    needed = [
        (path.relative_to(ROOT), name)
        for path in sources(f"engine/{room}")
        for name, relative in imports(path)
        if relative and name.split(".")[0] == "engine"
    ]
    assert sources(f"engine/{room}")
    assert not [f"{path} imports {name}" for path, name in needed if name.split(".")[1] not in below]


def test_every_file_of_the_engine_is_in_a_room_or_a_door() -> None:
    found = {path.relative_to(ROOT / "engine").parts[0] for path in sources("engine")}
    assert found == {*ROOMS, *DOORS}


@pytest.mark.parametrize("file", STANDARD_ALONE)
def test_what_the_plugin_imports_needs_the_standard_library_alone(file: str) -> None:
    for name, relative in imports(ROOT / file):
        assert relative or name.split(".")[0] in sys.stdlib_module_names, name
        assert not relative or f"{name.replace('.', '/')}.py" in STANDARD_ALONE, name


@pytest.mark.parametrize("file", EMPTY_AT_IMPORT)
def test_packages_import_nothing_at_module_level(file: str) -> None:
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    assert not [node for node in body if isinstance(node, (ast.Import, ast.ImportFrom))]


def test_the_rule_would_catch_a_fault(tmp_path: Path) -> None:
    """The walker itself: an import upwards and one across are seen as what they are."""
    names = dict(imports(ROOT / "engine" / "jobs" / "map_job.py"))
    assert names["models.model_file"] is True
    assert dict(imports(ROOT / "engine" / "mapping" / "limits.py"))["torch"] is False


def test_patches_are_read_without_torch() -> None:
    """Sites are checked and patches cached before any network is there; only training needs torch."""
    code = (
        "import sys, scalescape.engine.patches.cache, scalescape.engine.patches.raster_source,"
        "scalescape.engine.patches.image_source, scalescape.engine.patches.statistics;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
