"""The networks of van Tiel et al. stated plainly, layer by layer, with the names that their checkpoints have.

Written from the paper and the facts of its released code; shares nothing with models/.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

Params = dict[str, object]


class Block(nn.Module):
    """ResNet's basic block, padded."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        main = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(main + (x if self.downsample is None else self.downsample(x)))


class NineLayers(nn.Module):
    """The stem at stride 1 and two stages of a ResNet-18."""

    def __init__(self, bands: int, widths: tuple[int, int]) -> None:
        super().__init__()
        narrow, wide = widths
        self.layer0 = nn.Sequential(
            nn.Conv2d(bands, narrow, 3, padding=1, bias=False), nn.BatchNorm2d(narrow), nn.ReLU()
        )
        self.layer1 = nn.Sequential(Block(narrow, narrow, 1), Block(narrow, narrow, 1))
        self.layer2 = nn.Sequential(Block(narrow, wide, 2), Block(wide, wide, 1))
        self.out = wide

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer2(self.layer1(self.layer0(x)))


class Convolutions(nn.Module):
    """Convolution with bias, batch norm, ReLU and max-pool, once a filter size."""

    def __init__(self, bands: int, params: Params) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        sizes = (params["n_filters"], params["kernel_sizes"], params["paddings"], params["pooling_sizes"])
        for filters, kernel, padding, pool in zip(*sizes, strict=True):
            layers += [nn.Conv2d(bands, filters, kernel, padding=padding), nn.BatchNorm2d(filters)]
            layers += [nn.ReLU(), nn.MaxPool2d(pool, pool)]
            bands = filters
        self.layers = nn.Sequential(*layers)
        self.out = bands

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class PlainBranch(nn.Module):
    """Valid convolutions with ReLU and floor max-pool, the middle pixel, linear layers with ReLU."""

    def __init__(self, inputs: int, params: Params, number: int) -> None:
        super().__init__()
        width, last = params["out_channels"], params["n_linear_layers"] - 1
        layers: list[nn.Module] = []
        for kernel, stride, pool in zip(
            *(params[name][number] for name in ("kernel_sizes", "strides", "pooling_sizes")), strict=True
        ):
            layers += [nn.Conv2d(inputs, width, kernel, stride), nn.ReLU(), nn.MaxPool2d(pool, pool)]
            inputs = width
        self.conv_layers = nn.Sequential(*layers)
        linear: list[nn.Module] = []
        for place in range(last + 1):
            linear += [nn.Linear(width, params["out_size"] if place == last else width), nn.ReLU()]
        self.linear_layers = nn.Sequential(*linear)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_layers(x)
        row, column = (round((side - 1) / 2.0) for side in x.shape[-2:])  # as torchvision's centre crop
        return self.linear_layers(x[:, :, row, column])


class PlainModel(nn.Module):
    """One modality: backbone, branches and, where it has outputs of its own, a linear layer."""

    def __init__(self, bands: int, config: Params, outputs: int | None, branches: str, widths: object) -> None:
        super().__init__()
        if config["backbone"] == "ResNet":
            self.backbone: nn.Module = NineLayers(bands, widths)
        else:
            self.backbone = Convolutions(bands, config["backbone_params"])
        params = config[{"aspp_branches": "aspp_params"}.get(branches, "spatial_block_params")]
        count = len(params["kernel_sizes"])
        self.title = branches
        setattr(
            self, branches, nn.ModuleList([PlainBranch(self.backbone.out, params, i) for i in range(count)])
        )
        self.out_size = params["out_size"] * count
        if outputs is not None:
            self.linear = nn.Linear(self.out_size, outputs)
            self.out_size = outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.backbone(x)
        x = torch.cat([branch(x) for branch in getattr(self, self.title)], dim=1)
        return self.linear(x) if hasattr(self, "linear") else x


class PlainFusion(nn.Module):
    """Two modalities and one linear layer on both."""

    def __init__(self, first: PlainModel, second: PlainModel, outputs: int) -> None:
        super().__init__()
        self.modelA = first
        self.modelB = second
        self.fc = nn.Linear(first.out_size + second.out_size, outputs)

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.cat([self.modelA(first), self.modelB(second)], dim=1))


def blocks(kernels: list[list[int]], pools: list[list[int]], **other: object) -> Params:
    """The parameters of branches."""
    strides = [[1] * len(one) for one in kernels]
    plain = {"out_channels": 6, "out_size": 5, "strides": strides, "n_linear_layers": 1}
    return {**plain, "kernel_sizes": kernels, "pooling_sizes": pools, **other}


def climate_model(kernels: list[list[int]], patch: int, spelt: str = "aspp_params", **other: object) -> Params:
    """The part ``env_model`` of a config, with 1×1 convolutions."""
    return {
        "model_name": "MultiResolutionModel", "covariates": ["bioclim"], "patch_size": patch, "backbone": "CNN",
        "backbone_params": {"n_filters": [4, 7], "kernel_sizes": [1, 1], "paddings": [0, 0],
                            "pooling_sizes": [1, 1]},
        spelt: blocks(kernels, [[1] * len(one) for one in kernels], **other),
    }  # fmt: skip


IMAGE_KERNELS = [[1], [3, 3, 3], [3, 3, 3, 3]]
IMAGE_POOLS = [[1], [2, 2, 1], [2, 2, 2, 2]]


def image_model(scales: tuple[int, ...], spelt: str = "aspp_params", **other: object) -> Params:
    """The part ``sat_model`` of a config: the nine layers of a ResNet."""
    places = [(25, 59, 115).index(scale) for scale in scales]
    return {
        "model_name": "MultiResolutionModel", "covariates": ["sat"], "patch_size": max(scales),
        "backbone": "ResNet", "backbone_params": {"pretrained": False},
        spelt: blocks([IMAGE_KERNELS[i] for i in places], [IMAGE_POOLS[i] for i in places], **other),
    }  # fmt: skip


def seeded(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give a model random batch norms, and biases that count."""
    draw = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value, low, high in (
                (module.running_mean, -0.3, 0.3), (module.running_var, 0.5, 1.5), (module.weight, 0.5, 1.5),
                (module.bias, -0.3, 0.3),
            ):  # fmt: skip
                value.data.uniform_(low, high, generator=draw)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            bound = (3 / module.weight[0].numel()) ** 0.5
            module.weight.data.uniform_(-bound, bound, generator=draw)
            if module.bias is not None:
                module.bias.data.uniform_(-0.3, 0.3, generator=draw)
    return model.eval().requires_grad_(False)


def plain_network(config: Params, bands: dict[str, int], species: int, embed: int | None = None) -> nn.Module:
    """The seeded network of a config, whose logits have deviation 2 over noise.

    ``embed`` gives each of two modalities a linear layer of its own.
    """
    parts = {name: config[name] for name in ("env_model", "sat_model") if config.get(name)}
    models = []
    for name, part in parts.items():
        title = "aspp_branches" if "aspp_params" in part else "spatial_branches"
        outputs = species if len(parts) == 1 else embed
        models.append(PlainModel(bands[name], part, outputs, title, (5, 8)))
    whole = seeded(models[0] if len(models) == 1 else PlainFusion(*models, species))
    draw = torch.Generator().manual_seed(7)
    head = whole.linear if len(models) == 1 else whole.fc
    with torch.inference_mode():
        deviation = whole(*noise(config, bands, 32, draw)).std(dim=0)
    head.weight.mul_(2 / deviation[:, None])
    return whole


def patch_side(name: str, part: Params) -> int:
    """The side of the patch that a part of a config gets: images are cut by rounding both ends half to even."""
    size = part["patch_size"]
    return size if name == "env_model" else round((128 + size) / 2) - round((128 - size) / 2)


def noise(config: Params, bands: dict[str, int], number: int, draw: torch.Generator) -> list[torch.Tensor]:
    """Random patches of each network of a config."""
    found = []
    for name in ("env_model", "sat_model"):
        if config.get(name):
            side = patch_side(name, config[name])
            patches = torch.randn(number, bands[name], side, side, generator=draw) * 0.5
            found.append(patches + torch.randn(number, bands[name], 1, 1, generator=draw))
    return found


def write_checkpoint(
    folder: Path, config: Params, network: nn.Module, bands: dict[str, int]
) -> dict[str, Path]:
    """Write checkpoint, config, species and statistics; return the files."""
    files = {name: folder / file for name, file in (
        ("checkpoint", "best_val_auc.pth"), ("config", "config.json"), ("species", "species.txt"),
        ("stats", "stats.csv"),
    )}  # fmt: skip
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=1e-2, weight_decay=1e-4)
    state = {
        "epoch": 12, "state_dict": network.state_dict(), "optimizer_state_dict": optimizer.state_dict(),
        "train_loss": np.float32(0.25), "val_loss": np.float64(0.5), "val_auc": 0.87,
    }  # fmt: skip
    torch.save(state, files["checkpoint"])
    files["config"].write_text(json.dumps({"lambda2": 1, "random_bg": False, **config}), encoding="utf-8")
    outputs = (network.fc if hasattr(network, "fc") else network.linear).out_features
    files["species"].write_text("".join(f"Species {i}\n" for i in range(outputs)), encoding="utf-8")
    lines = ["modality,band,mean,std"]
    for name in (one for one in bands if config.get(one)):
        prefix = "bio" if name == "env_model" else "b"
        lines += [f"{name[:3]},{prefix}{i + 1},{10 * i},{i + 1}" for i in range(bands[name])]
    files["stats"].write_text("\n".join(lines), encoding="utf-8")
    return files
