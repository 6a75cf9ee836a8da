"""The shape of a fusion network as plain values: what a card holds and a network is built from."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from .errors import ModelError
from .receptive_field import BACKBONE_FIELDS, Stack, stack_for

BranchKey = tuple[str, int]
"""A branch by its modality and its scale (px)."""

PADDINGS = ("valid", "zero")
RESIDUAL_WIDTHS = 3  # stem, blocks at stride 1, blocks at stride 2
LARGEST = 1_000_000  # channels, features or species; far more than any network has


@dataclass(frozen=True)
class BranchShape:
    """A branch: its scale (px), the stack that gives it, its channels and the size of its feature vector."""

    scale: int
    stack: Stack
    channels: int
    out_size: int


@dataclass(frozen=True)
class ModalityShape:
    """A modality's number of input channels, backbone (``residual`` or ``pointwise``), widths and branches.

    ``bands`` counts channels: a categorical band has one a category.
    """

    name: str
    bands: int
    backbone: str
    widths: tuple[int, ...]
    branches: tuple[BranchShape, ...]

    @property
    def scales(self) -> tuple[int, ...]:
        """The scales of the branches, ascending."""
        return tuple(branch.scale for branch in self.branches)


@dataclass(frozen=True)
class Architecture:
    """A fusion network. ``branch_norm`` tells whether batch norm follows each convolution of a branch."""

    modalities: tuple[ModalityShape, ...]
    species: int
    padding: str = "valid"
    branch_norm: bool = True

    def modality(self, name: str) -> ModalityShape:
        """Return the modality called ``name``; raise KeyError where there is none."""
        for modality in self.modalities:
            if modality.name == name:
                return modality
        raise KeyError(name)

    @property
    def branch_keys(self) -> tuple[BranchKey, ...]:
        """All branches in the order in which the head concatenates their features."""
        return tuple((m.name, branch.scale) for m in self.modalities for branch in m.branches)

    def to_dict(self) -> dict[str, Any]:
        """Return the architecture as JSON values."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Architecture:
        """Rebuild an architecture from JSON values. Raise ModelError where it is none that can be built."""
        try:
            modalities = tuple(
                ModalityShape(
                    name=m["name"],
                    bands=int(m["bands"]),
                    backbone=m["backbone"],
                    widths=tuple(int(w) for w in m["widths"]),
                    branches=tuple(
                        BranchShape(
                            scale=int(b["scale"]),
                            stack=Stack(tuple(b["stack"]["kernels"]), tuple(b["stack"]["pools"])),
                            channels=int(b["channels"]),
                            out_size=int(b["out_size"]),
                        )
                        for b in m["branches"]
                    ),
                )
                for m in raw["modalities"]
            )
            architecture = cls(modalities, int(raw["species"]), raw["padding"], bool(raw["branch_norm"]))
            architecture.check()
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"The architecture lacks or misspells a field ({error}).") from error
        return architecture

    def check(self) -> None:
        """Raise ModelError, in one sentence, where the architecture can't be built."""
        if self.padding not in PADDINGS:
            raise ModelError(f"The architecture has padding {self.padding!r}, not valid or zero.")
        for modality in self.modalities:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", modality.name):
                raise ModelError(
                    f"A modality can't be called {modality.name!r}: use lower-case letters, digits and _."
                )
            if modality.backbone not in BACKBONE_FIELDS:
                raise ModelError(f"There is no backbone {modality.backbone!r}; choose residual or pointwise.")
            if list(modality.scales) != sorted(set(modality.scales)) or not modality.scales:
                raise ModelError(f"The scales of {modality.name} must be one or more, different and ascending.")
            start = BACKBONE_FIELDS[modality.backbone]
            sizes = [self.species, modality.bands, *modality.widths]
            for branch in modality.branches:
                sizes += [branch.channels, branch.out_size, *branch.stack.kernels, *branch.stack.pools]
            wrong = modality.backbone == "residual" and len(modality.widths) != RESIDUAL_WIDTHS
            if wrong or not modality.widths or not all(isinstance(s, int) and 0 < s <= LARGEST for s in sizes):
                raise ModelError(f"The architecture of {modality.name} has a size that can't be built.")
            for branch in modality.branches:
                seen = branch.stack.field(start).size
                if seen != branch.scale:
                    raise ModelError(
                        f"The branch {modality.name} {branch.scale} sees {seen} pixels by its layers, "
                        f"not {branch.scale}."
                    )


def modality_shape(
    name: str,
    bands: int,
    scales: tuple[int, ...],
    backbone: str,
    widths: tuple[int, ...],
    channels: int,
    out_size: int,
) -> ModalityShape:
    """Return a modality with a branch of each scale. Raise ScaleError where a scale can't be had."""
    branches = tuple(
        BranchShape(scale, stack_for(scale, backbone), channels, out_size) for scale in sorted(scales)
    )
    return ModalityShape(name, bands, backbone, widths, branches)
