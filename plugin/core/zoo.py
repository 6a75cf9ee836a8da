"""The models that there are to choose from: those shipped in ``models/zoo`` and those used lately."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...models.card import CardError, read_card
from . import settings
from .engine_python import ROOT

ZOO = ROOT / "models" / "zoo"


@dataclass(frozen=True)
class KnownModel:
    """A model file and the name on its card."""

    path: str
    name: str
    shipped: bool


def known_models(zoo: Path = ZOO) -> list[KnownModel]:
    """Return the shipped models, then those used lately that still can be read."""
    models = [_known(path, True) for path in sorted(zoo.glob("*.safetensors"))]
    shipped = {str(path.resolve()) for path in zoo.glob("*.safetensors")}
    for text in settings.recent_models():
        path = Path(text)
        if _is_file(path) and str(path.resolve()) not in shipped:
            models.append(_known(path, False))
    return [model for model in models if model.name]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # on a disk that is gone, or no name that a file can have
        return False


def _known(path: Path, shipped: bool) -> KnownModel:
    try:
        name = read_card(path).name
    except CardError:
        name = ""  # offered no more; choosing it by hand says what is wrong with it
    return KnownModel(str(path), name, shipped)
