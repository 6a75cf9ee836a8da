"""The authors' ``config.json``: which modalities, and of which layers their networks are.

Facts from their released code (github.com/ninavantiel/multi_scale_SDMs). ``env_model`` and ``sat_model`` are
the two modalities, in this order; either may be empty. A branch is described under ``spatial_block_params``,
in older versions ``aspp_params``, by lists of kernels, strides and pools of its valid convolutions, each with
a ReLU and a floor max-pool behind; then the middle pixel is cut out and goes through ``n_linear_layers``
linear layers, each with a ReLU.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...models.architecture import ChainLayer
from ...models.receptive_field import Stack
from ..running.errors import InputError, reason_of

MODELS = {"env_model": "bioclim", "sat_model": "satellite"}
OTHER_CLIMATE = "environment"  # what the first goes by where it is more than bioclimate
BLOCKS = ("spatial_block_params", "aspp_params")
KIND = "MultiResolutionModel"
IMAGE_SIDE = 128  # px of the images that patches are cut from

Size = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class _Backbone(_Table):
    n_filters: list[Size] = []
    kernel_sizes: list[Size] = []
    paddings: list[Annotated[int, Field(ge=0)]] = []
    pooling_sizes: list[Size] = []


class _Blocks(_Table):
    out_channels: Size
    out_size: Size
    kernel_sizes: Annotated[list[list[Size]], Field(min_length=1)]
    strides: list[list[Size]] = []
    dilations: list[list[Size]] = []
    pooling_sizes: list[list[Size]]
    n_linear_layers: Size = 1


class _Network(_Table):
    model_name: str = KIND
    covariates: list[str] = []
    patch_size: Size
    backbone: Literal["CNN", "ResNet"] = "CNN"
    backbone_params: _Backbone = _Backbone()
    spatial_block_params: _Blocks | None = None
    aspp_params: _Blocks | None = None


@dataclass(frozen=True)
class PaperModality:
    """One of the authors' networks in our words.

    ``name`` is the modality's, ``key`` that of the config. ``patch`` is the side of the patch that the network
    really gets. A ``residual`` backbone has neither ``widths`` nor ``chain`` here: the weights tell. ``stacks``
    are those of the branches in the config's order, with linear layers before the last as 1×1 convolutions.
    """

    name: str
    key: str
    patch: int
    residual: bool
    widths: tuple[int, ...]
    chain: tuple[ChainLayer, ...]
    stacks: tuple[Stack, ...]
    hidden: int
    channels: int
    out_size: int


@dataclass(frozen=True)
class PaperConfig:
    """A config: its modalities in the order of their fusion, and how absences were weighed."""

    modalities: tuple[PaperModality, ...]
    lambda2: float
    background: bool


def read_paper_config(path: Path) -> PaperConfig:
    """Read a config. Raise InputError, in one sentence, where it describes no network that can be imported."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"The config {path} can't be read as JSON ({reason_of(error)}); give a config.json."
        ) from error
    if not isinstance(raw, dict) or not any(raw.get(key) for key in MODELS):
        raise InputError(
            f"The config {path} names neither env_model nor sat_model; give the authors' config.json."
        )
    modalities = tuple(_modality(path, key, raw[key]) for key in MODELS if raw.get(key))
    weight = raw.get("lambda2", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise InputError(f"lambda2 in {path} is {weight!r}; it must be a number from 0 to 1.")
    return PaperConfig(modalities, float(weight), bool(raw.get("random_bg")))


def image_patch(size: int) -> int:
    """Return the side of the patch that the authors' code cuts from an image for a size.

    Both ends are rounded half to even: 24 px for 25, 60 for 59, 116 for 115.
    """
    if size >= IMAGE_SIDE:
        return IMAGE_SIDE
    return round((IMAGE_SIDE + size) / 2) - round((IMAGE_SIDE - size) / 2)


def _modality(path: Path, key: str, raw: Any) -> PaperModality:
    try:
        network = _Network.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (key, *first["loc"]))
        raise InputError(f"{place} in {path} can't be used ({first['msg']}); fix the config.") from error
    if network.model_name != KIND:
        raise InputError(f"{key} in {path} is a {network.model_name}; only {KIND} can be imported.")
    blocks = network.spatial_block_params or network.aspp_params
    if blocks is None:
        raise InputError(f"{key} in {path} has neither {' nor '.join(BLOCKS)}; fix the config.")
    if any(one != 1 for branch in blocks.dilations for one in branch):
        raise InputError(f"The branches of {key} in {path} are dilated; such a network can't be imported.")
    strides = blocks.strides or [[1] * len(branch) for branch in blocks.kernel_sizes]
    if not len(blocks.kernel_sizes) == len(strides) == len(blocks.pooling_sizes):
        raise InputError(f"{key} in {path} has not as many strides and pools as branches; fix the config.")
    hidden = blocks.n_linear_layers - 1
    stacks = [
        _stack(path, key, *branch, hidden)
        for branch in zip(blocks.kernel_sizes, strides, blocks.pooling_sizes, strict=True)
    ]
    residual = network.backbone == "ResNet"
    layers = network.backbone_params
    steps = [layers.n_filters, layers.kernel_sizes, layers.paddings, layers.pooling_sizes]
    if not residual and (not layers.n_filters or len({len(one) for one in steps}) > 1):
        raise InputError(f"{key}.backbone_params in {path} lacks a size of a layer; fix the config.")
    return PaperModality(
        name=_name(key, network.covariates),
        key=key,
        patch=image_patch(network.patch_size) if key == "sat_model" else network.patch_size,
        residual=residual,
        widths=() if residual else tuple(layers.n_filters),
        chain=() if residual else tuple(ChainLayer(*sizes) for sizes in zip(*steps[1:], strict=True)),
        stacks=tuple(stacks),
        hidden=hidden,
        channels=blocks.out_channels,
        out_size=blocks.out_size,
    )


def _stack(
    path: Path, key: str, kernels: list[int], strides: list[int], pools: list[int], hidden: int
) -> Stack:
    if not kernels or not len(kernels) == len(strides) == len(pools):
        raise InputError(
            f"A branch of {key} in {path} has not one stride and one pool for each kernel; fix the config."
        )
    ones = (1,) * hidden
    plain = all(one == 1 for one in strides)
    return Stack((*kernels, *ones), (*pools, *ones), () if plain else (*strides, *ones))


def _name(key: str, covariates: list[str]) -> str:
    """Return the modality's name: that of its kind, unless the first holds more than bioclimate."""
    mixed = key == "env_model" and any("bioclim" not in one.lower() for one in covariates)
    return OTHER_CLIMATE if mixed else MODELS[key]
