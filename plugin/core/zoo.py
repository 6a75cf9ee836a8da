"""The models that there are to choose from: those shipped in ``models/zoo`` and those used lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from ...models.card import Card, CardError, read_card
from . import settings
from .engine_python import ROOT
from .inputs import match
from .raster_facts import Raster

ZOO = ROOT / "models" / "zoo"
DEMO = "demo.safetensors"  # whose rasters come with Scalescape, too


@dataclass(frozen=True)
class KnownModel:
    """A model file and its card."""

    path: str
    card: Card
    shipped: bool

    @property
    def name(self) -> str:
        """Return the name on the card."""
        return self.card.name


def known_models(zoo: Path = ZOO) -> list[KnownModel]:
    """Return the shipped models, then those used lately that still can be read."""
    shipped = sorted(zoo.glob("*.safetensors"))
    whole = {path.resolve() for path in shipped}
    used = [Path(text) for text in settings.recent_models()]
    lately = [path for path in used if _is_file(path) and path.resolve() not in whole]
    models = [_known(path, True) for path in shipped] + [_known(path, False) for path in lately]
    return [model for model in models if model is not None]


def fitting_model(models: Sequence[KnownModel], rasters: Sequence[Raster], current: str = "") -> str:
    """Return the file of the model of which most bands are found by name among some rasters.

    Where none is better it is the ``current`` one; without one the demo's, else the first; empty without any.
    """
    shares = {model.path: _share_found(model.card, rasters) for model in models}
    first = sorted(shares, key=lambda path: (path != current, Path(path).name != DEMO))  # stable for the others
    return max(first, key=lambda path: shares[path], default="")


def _share_found(card: Card, rasters: Sequence[Raster]) -> float:
    """Return which share of a model's bands some rasters have by the names of bands or files."""
    found = [
        one is not None and one.by_name for modality in card.modalities for one in match(modality, rasters)
    ]
    return sum(found) / len(found)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # on a disk that is gone, or no name that a file can have
        return False


def _known(path: Path, shipped: bool) -> Optional[KnownModel]:
    try:
        return KnownModel(str(path), read_card(path), shipped)
    except CardError:
        return None  # offered no more; choosing it by hand says what is wrong with it
