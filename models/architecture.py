"""The shape of a fusion network as plain values: what a card holds and a network is built from."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .card import window_side
from .errors import ModelError
from .plain_json import shortened
from .receptive_field import BACKBONE_FIELDS, Field, Stack, stack_for

BranchKey = tuple[str, int]
"""A branch by its modality and its scale (px)."""

PADDINGS = ("valid", "zero")
BACKBONES = (*BACKBONE_FIELDS, "chain")
RESIDUAL_WIDTHS = 3  # stem, blocks at stride 1, blocks at stride 2
# Far more than any network has.
LARGEST = 1_000_000  # channels, features or species
MOST_LAYERS = 1_000  # convolutions
MOST_PADDING = 100  # px


@dataclass(frozen=True)
class BranchShape:
    """A branch: its scale (px), the stack that gives it, its channels and the size of its feature vector."""

    scale: int
    stack: Stack
    channels: int
    out_size: int


@dataclass(frozen=True)
class ChainLayer:
    """One step of a ``chain`` backbone: a convolution with ``padding`` zeros a side, then a max-pool."""

    kernel: int
    padding: int
    pool: int


@dataclass(frozen=True)
class ModalityShape:
    """A modality's number of input channels, backbone, widths and branches.

    ``bands`` counts channels: a categorical band has one a category. The backbone is ``residual``,
    ``pointwise`` or ``chain``, which takes a patch and has a layer of ``chain`` for each width. ``patch`` is
    the side of the one patch that all branches share, each taking the middle of what its stack makes of it;
    where it is None, each has a window of its own scale.
    """

    name: str
    bands: int
    backbone: str
    widths: tuple[int, ...]
    branches: tuple[BranchShape, ...]
    patch: int | None = None
    chain: tuple[ChainLayer, ...] = ()

    @property
    def scales(self) -> tuple[int, ...]:
        """The scales of the branches, ascending."""
        return tuple(branch.scale for branch in self.branches)

    @property
    def layers(self) -> int:
        """The number of its convolutions and projections, or a little more."""
        in_branches = sum(len(branch.stack.kernels) + 1 for branch in self.branches)
        return max(len(self.widths), len(self.chain)) + in_branches

    @property
    def field(self) -> Field:
        """The receptive field and the jump of the backbone."""
        if self.backbone != "chain":
            return BACKBONE_FIELDS[self.backbone]
        field = Field()
        for layer in self.chain:
            field = field.after(layer.kernel).after(layer.pool, layer.pool)
        return field

    def reach(self, scales: Sequence[int]) -> int:
        """Return the side (px, odd) of the centred window that holds all that ``scales`` need."""
        return window_side(scales, self.patch)


@dataclass(frozen=True)
class Architecture:
    """A fusion network. ``branch_norm`` tells whether batch norm follows each convolution of a branch."""

    modalities: tuple[ModalityShape, ...]
    species: int
    padding: str = "valid"
    branch_norm: bool = True

    @property
    def patchwise(self) -> bool:
        """Whether an output depends on more than its window: on padding, or on where the patch ends.

        Such a network has one value a patch, and neighbours can't share work.
        """
        return self.padding != "valid" or any(one.patch is not None for one in self.modalities)

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
                            stack=Stack(
                                tuple(b["stack"]["kernels"]),
                                tuple(b["stack"]["pools"]),
                                tuple(b["stack"].get("strides") or ()),
                            ),
                            channels=int(b["channels"]),
                            out_size=int(b["out_size"]),
                        )
                        for b in m["branches"]
                    ),
                    patch=None if m.get("patch") is None else int(m["patch"]),
                    chain=tuple(ChainLayer(**layer) for layer in m.get("chain") or ()),
                )
                for m in raw["modalities"]
            )
            architecture = cls(modalities, int(raw["species"]), raw["padding"], bool(raw["branch_norm"]))
            architecture.check()
        except ModelError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ModelError(f"The architecture lacks or misspells a field ({error}).") from error
        return architecture

    def check(self) -> None:
        """Raise ModelError, in one sentence, where the architecture can't be built."""
        if self.padding not in PADDINGS:
            raise ModelError(
                f"The architecture has padding {shortened(str(self.padding))!r}, not valid or zero."
            )
        layers = sum(one.layers for one in self.modalities)
        if layers > MOST_LAYERS:
            raise ModelError(
                f"The architecture has {layers} layers, more than the {MOST_LAYERS} that can be built."
            )
        names = [one.name for one in self.modalities]
        if len(set(names)) < len(names):
            raise ModelError("Two modalities of the architecture have one name.")
        for modality in self.modalities:
            if not re.fullmatch(r"[a-z][a-z0-9_]*", modality.name):
                raise ModelError(
                    f"A modality can't be called {shortened(str(modality.name))!r}: use lower-case letters, "
                    "digits and _."
                )
            if modality.backbone not in BACKBONES:
                raise ModelError(
                    f"There is no backbone {shortened(str(modality.backbone))!r}; choose one of "
                    f"{', '.join(BACKBONES)}."
                )
            if list(modality.scales) != sorted(set(modality.scales)) or not modality.scales:
                raise ModelError(f"The scales of {modality.name} must be one or more, different and ascending.")
            _check_sizes(modality, self.species)
            for branch in modality.branches:
                seen = branch.stack.field(modality.field).size
                named = seen if modality.patch is None else named_scale(seen)
                if named != branch.scale:
                    raise ModelError(
                        f"The branch {modality.name} {branch.scale} sees {seen} pixels by its layers, "
                        f"not {branch.scale}."
                    )


def _check_sizes(modality: ModalityShape, species: int) -> None:
    """Raise ModelError where a size of a modality is none that can be built."""
    chain = modality.backbone == "chain"
    layers = len(modality.chain) if chain else RESIDUAL_WIDTHS
    wrong = modality.backbone != "pointwise" and len(modality.widths) != layers
    wrong |= chain and modality.patch is None
    wrong |= any(not 0 <= layer.padding <= MOST_PADDING for layer in modality.chain)
    sizes = [species, modality.bands, *modality.widths]
    sizes += [] if modality.patch is None else [modality.patch]
    for layer in modality.chain:
        sizes += [layer.kernel, layer.pool]
    for branch in modality.branches:
        stack = branch.stack
        sizes += [branch.channels, branch.out_size, *stack.kernels, *stack.pools, *stack.strides]
        wrong |= len(stack.strides) not in (0, len(stack.kernels)) or len(stack.pools) != len(stack.kernels)
    if wrong or not modality.widths or not all(isinstance(s, int) and 0 < s <= LARGEST for s in sizes):
        raise ModelError(f"The architecture of {modality.name} has a size that can't be built.")


def named_scale(seen: int) -> int:
    """Return the odd scale by which a branch that sees ``seen`` pixels goes: one more where that is even."""
    return seen + (seen + 1) % 2


def modality_shape(
    name: str,
    bands: int,
    scales: tuple[int, ...],
    backbone: str,
    widths: tuple[int, ...],
    channels: int,
    out_size: int,
) -> ModalityShape:
    """Return a modality with a branch of each scale. Raise ScaleError where a scale isn't possible."""
    branches = tuple(
        BranchShape(scale, stack_for(scale, backbone), channels, out_size) for scale in sorted(scales)
    )
    return ModalityShape(name, bands, backbone, widths, branches)
