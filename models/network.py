"""The multi-scale, multimodal network of van Tiel et al. (arXiv 2411.04016), from top to bottom.

One backbone a modality, one branch a scale, and a linear head on all branch features together (late fusion):
a logit is a bias plus one contribution per branch, exactly.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .architecture import Architecture, BranchKey, BranchShape, ModalityShape
from .errors import ModelError

Features = dict[BranchKey, Tensor]
"""Feature vectors by branch: (sites, out_size), or (sites, out_size, rows, columns) over a tile."""


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and a shortcut (He et al. 2015), with or without padding.

    Without padding the shortcut takes the pixels under the centres of the two convolutions.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, padding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, padding, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.padding = padding
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    @property
    def margin(self) -> int:
        """How many input pixels the shortcut leaves out before its first: the centre of both convolutions."""
        return (1 + self.stride) * (1 - self.padding)

    def forward(self, x: Tensor) -> Tensor:
        """Map (sites, inputs, rows, columns) to (sites, outputs, fewer rows, fewer columns)."""
        main = torch.relu(self.norm1(self.conv1(x)))
        main = self.norm2(self.conv2(main))
        rows, columns = main.shape[-2:]
        aside = x[:, :, self.margin :: self.stride, self.margin :: self.stride][:, :, :rows, :columns]
        return torch.relu(main + self.shortcut(aside))


def residual_backbone(bands: int, widths: tuple[int, ...], padding: int) -> nn.Sequential:
    """Return the first nine convolutions of a ResNet-18, stem at stride 1: receptive field 25 px, jump 2."""
    stem, narrow, wide = widths
    return nn.Sequential(
        nn.Conv2d(bands, stem, 3, 1, padding, bias=False),
        nn.BatchNorm2d(stem),
        nn.ReLU(),
        BasicBlock(stem, narrow, 1, padding),
        BasicBlock(narrow, narrow, 1, padding),
        BasicBlock(narrow, wide, 2, padding),
        BasicBlock(wide, wide, 1, padding),
    )


def pointwise_backbone(bands: int, widths: tuple[int, ...]) -> nn.Sequential:
    """Return 1x1 convolutions with batch norm and ReLU: receptive field 1 px."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip((bands, *widths), widths, strict=False):
        layers += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def chain_backbone(shape: ModalityShape) -> nn.Sequential:
    """Return convolutions of any kernel and padding with batch norm, ReLU and max-pool."""
    layers: list[nn.Module] = []
    inputs = shape.bands
    for width, layer in zip(shape.widths, shape.chain, strict=True):
        layers.append(nn.Conv2d(inputs, width, layer.kernel, padding=layer.padding, bias=False))
        layers += [nn.BatchNorm2d(width), nn.ReLU()]
        if layer.pool > 1:
            layers.append(nn.MaxPool2d(layer.pool))
        inputs = width
    return nn.Sequential(*layers)


def backbone(shape: ModalityShape, padding: int) -> nn.Sequential:
    """Return the backbone of a modality."""
    if shape.backbone == "residual":
        return residual_backbone(shape.bands, shape.widths, padding)
    if shape.backbone == "chain":
        return chain_backbone(shape)
    return pointwise_backbone(shape.bands, shape.widths)


class Branch(nn.Module):
    """One scale: a stack whose receptive field is exactly that scale, then linear + ReLU."""

    def __init__(self, inputs: int, shape: BranchShape, norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for kernel, stride, pool in shape.stack.layers:
            layers.append(nn.Conv2d(inputs, shape.channels, kernel, stride, bias=not norm))
            if norm:
                layers.append(nn.BatchNorm2d(shape.channels))
            layers.append(nn.ReLU())
            if pool > 1:
                layers.append(nn.MaxPool2d(pool))
            inputs = shape.channels
        self.stack = nn.Sequential(*layers)
        self.project = nn.Linear(inputs, shape.out_size)

    def forward(self, features: Tensor) -> Tensor:
        """Map backbone features of one window to (sites, out_size).

        Of a padded backbone, or a patch wider than the scale, more than one pixel is left; the centre one is
        taken.
        """
        x = features
        for layer in self.stack:
            x = layer(x.to(layer.weight.dtype) if isinstance(layer, nn.Conv2d) else x)
        x = x.to(self.project.weight.dtype)
        row, column = (self.centre(side) for side in x.shape[-2:])
        return torch.relu(self.project(x[:, :, row, column]))

    @staticmethod
    def centre(side: int) -> int:
        """Return the place of the centre pixel among ``side`` ones, as torchvision's CenterCrop rounds."""
        return round((side - 1) / 2)


class FusionNetwork(nn.Module):
    """The whole network. Its inputs are normalised patches with the sites at their centres.

    ``replacements`` hold for each branch the learned vector that stands for its features where scale dropout,
    or the user, has switched it off.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        architecture.check()
        self.architecture = architecture
        padding = 1 if architecture.padding == "zero" else 0
        taken = nn.ModuleDict()  # it holds modules as attributes, beside those of its own
        for modality in architecture.modalities:
            if hasattr(taken, modality.name):
                raise ModelError(f"A modality can't be called {modality.name!r}; choose another name.")
        self.backbones = nn.ModuleDict({m.name: backbone(m, padding) for m in architecture.modalities})
        self.branches = nn.ModuleDict()
        self.replacements = nn.ParameterDict()
        sizes = []
        for modality in architecture.modalities:
            for shape in modality.branches:
                name = branch_name((modality.name, shape.scale))
                self.branches[name] = Branch(modality.widths[-1], shape, architecture.branch_norm)
                self.replacements[name] = nn.Parameter(torch.zeros(shape.out_size))
                sizes.append(shape.out_size)
        self.head = nn.Linear(sum(sizes), architecture.species)
        self._sizes = sizes

    def features(
        self, patches: Mapping[str, Tensor], scales: Mapping[str, Sequence[int]] | None = None
    ) -> Features:
        """Return the feature vector of the branches of the modalities given.

        Parameters
        ----------
        patches
            By modality, (sites, bands, side, side): normalised windows as wide as the modality's largest
            scale, or wider by an even number of pixels. Where its branches share a patch, that patch, or a
            window with it in the middle (half a pixel to the upper left where just one of the sides is even).
        scales
            By modality, which scales; all by default.

        Returns
        -------
        Features
            By branch, (sites, out_size).
        """
        found: Features = {}
        for name, patch in patches.items():
            shape = self.architecture.modality(name)
            wanted = shape.scales if scales is None else scales.get(name, shape.scales)
            for together, window in self._windows(shape, patch, wanted):
                shared = self.backbones[name](window)
                for scale in together:
                    key = (name, scale)
                    mine = shared
                    if self.architecture.padding == "valid" and shape.patch is None:
                        jump = shape.field.jump
                        edge = (window.shape[-1] - scale) // 2 // jump
                        mine = shared[:, :, edge : shared.shape[-2] - edge, edge : shared.shape[-1] - edge]
                    found[key] = self.branch(key)(mine)
        return found

    def _windows(
        self, shape: ModalityShape, patch: Tensor, wanted: Sequence[int]
    ) -> list[tuple[list[int], Tensor]]:
        """Return scales that can share a backbone pass, with the window of that pass.

        Windows that start at different phases of the backbone's jump can't share one, and padded ones none.
        """
        if shape.patch is not None:
            edge, side = (patch.shape[-1] - shape.patch) // 2, shape.patch
            return [(list(wanted), patch[:, :, edge : edge + side, edge : edge + side])]
        jump = shape.field.jump
        shared: dict[int, list[int]] = {}
        for scale in wanted:
            alone = self.architecture.padding == "zero"
            phase = scale if alone else (patch.shape[-1] - scale) // 2 % jump
            shared.setdefault(phase, []).append(scale)
        windows = []
        for scales in shared.values():
            edge = (patch.shape[-1] - max(scales)) // 2
            windows.append((scales, patch[:, :, edge : patch.shape[-2] - edge, edge : patch.shape[-1] - edge]))
        return windows

    def branch(self, key: BranchKey) -> Branch:
        """Return the branch of ``key``."""
        found = self.branches[branch_name(key)]
        if not isinstance(found, Branch):
            raise TypeError(f"{key} is no branch")
        return found

    def in_precision(self, name: str, dtype: torch.dtype) -> FusionNetwork:
        """Return the network with the widest layers of one modality in a precision; a copy where that differs.

        Those are the later convolutions of its branches: most of the work and least of the error. The backbone,
        the first convolution of each branch, projections, head and replacements keep theirs.
        """
        if self.precision_of(name) == dtype:
            return self
        found = copy.deepcopy(self)
        for scale in self.architecture.modality(name).scales:
            for layer in found._later_convolutions((name, scale)):
                layer.to(dtype)
        return found

    def precision_of(self, name: str) -> torch.dtype:
        """Return the precision of a modality's widest layers."""
        for scale in self.architecture.modality(name).scales:
            for layer in self._later_convolutions((name, scale)):
                return layer.weight.dtype
        return self.dtype_of(name)

    def _later_convolutions(self, key: BranchKey) -> list[nn.Conv2d]:
        return [layer for layer in self.branch(key).stack if isinstance(layer, nn.Conv2d)][1:]

    def dtype_of(self, name: str) -> torch.dtype:
        """Return the precision of a modality's input."""
        return next(self.backbones[name].parameters()).dtype

    def logits(self, features: Features, kept: Mapping[BranchKey, Tensor] | None = None) -> Tensor:
        """Return logits (sites, species) from branch features (sites, out_size).

        A branch that ``features`` lacks is replaced by its learned vector, and so is each site where
        ``kept[key]`` (sites,) is False.
        """
        sites = next(iter(features.values())).shape[0]
        parts = []
        for key in self.architecture.branch_keys:
            replacement = self.replacements[branch_name(key)]
            part = features.get(key)
            if part is None:
                part = replacement.expand(sites, -1)
            elif kept is not None and key in kept:
                part = torch.where(kept[key][:, None], part, replacement)
            parts.append(part.to(replacement.dtype))
        logits: Tensor = self.head(torch.cat(parts, dim=1))
        return logits

    def forward(self, patches: Mapping[str, Tensor], kept: Mapping[BranchKey, Tensor] | None = None) -> Tensor:
        """Return logits (sites, species) for patches as in ``features``."""
        return self.logits(self.features(patches), kept)

    def head_weights(self) -> dict[BranchKey, Tensor]:
        """Return the part of the head's weights that each branch meets: (species, out_size)."""
        parts = torch.split(self.head.weight, self._sizes, dim=1)
        return dict(zip(self.architecture.branch_keys, parts, strict=True))

    def contributions(self, features: Features) -> dict[BranchKey, Tensor]:
        """Return what each branch adds to each logit: by branch, (sites, species).

        Their sum plus the head's bias is the logit. A branch that ``features`` lacks contributes by its
        learned replacement, the same for all sites.
        """
        sites = next(iter(features.values())).shape[0]
        found = {}
        for key, weight in self.head_weights().items():
            part = features.get(key)
            if part is None:
                part = self.replacements[branch_name(key)].expand(sites, -1)
            found[key] = part @ weight.T
        return found


def branch_name(key: BranchKey) -> str:
    """Return the name of a branch in the weights: ``MODALITY_SCALE``."""
    return f"{key[0]}_{key[1]}"
