"""A small model whose contributions are centred on something, and the answer at a point by plain means."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
import torch
from scalescape.models.model_file import ModelFile, read_model, write_model
from scalescape.models.network import branch_name


def centred_copy(small_model: Path, path: Path, seed: int = 5, **training: object) -> Path:
    """Write a copy of a model with means and replacements near those of noise and, by ``seed``, a head."""
    model = read_model(small_model)
    draw = torch.Generator().manual_seed(seed)
    noise = {
        m.name: torch.randn(32, len(m.bands), max(m.scales), max(m.scales), generator=draw)
        for m in model.card.modalities
    }
    means = {}
    for key, features in model.network.features(noise).items():
        means[key] = features.mean(dim=0)
        model.network.replacements[branch_name(key)].copy_(features[:3].mean(dim=0))
    model.network.head.weight.mul_(1 + 0.3 * torch.rand(model.network.head.weight.shape, generator=draw))
    card = replace(model.card, training=replace(model.card.training, **training))
    write_model(path, ModelFile(model.network, card, means))
    return path


def plain_contributions(
    model: ModelFile, files: dict[str, Path], x: float, y: float, scales: dict[str, tuple[int, ...]]
) -> tuple[np.ndarray, dict[tuple[str, int], np.ndarray]]:
    """Centred bias (species,) and contributions by branch (species,) at a point in the satellite's CRS.

    Windows are cut from whole rasters, each branch gets just its own, and sums are plain loops in float64.
    """
    network = model.network.double()
    with rasterio.open(files["satellite"]) as source:
        crs = source.crs
        row, column = source.index(x, y)
        x, y = source.xy(row, column)
    weight = network.head.weight.numpy()
    bias = network.head.bias.numpy().copy()
    found, start = {}, 0
    for modality in model.card.modalities:
        with rasterio.open(files[modality.name]) as source:
            (px,), (py,) = rasterio.warp.transform(crs, source.crs, [x], [y])
            column, row = (math.floor(v) for v in ~source.transform * (px, py))
            values = source.read().astype(float)
        for scale in modality.scales:
            key = modality.name, scale
            mean = model.branch_means[key].double().numpy()
            radius = (scale - 1) // 2
            if scale in scales.get(modality.name, modality.scales):
                window = values[:, row - radius : row + radius + 1, column - radius : column + radius + 1]
                patch = np.stack([(w - b.mean) / b.std for w, b in zip(window, modality.bands, strict=True)])
                with torch.no_grad():
                    features = network.features(
                        {modality.name: torch.from_numpy(patch)[None]}, {modality.name: (scale,)}
                    )
                vector = features[key][0].numpy()
            else:
                vector = network.replacements[branch_name(key)].detach().numpy()
            part = np.zeros(len(bias))
            for species in range(len(bias)):
                for place in range(len(mean)):
                    part[species] += weight[species, start + place] * (vector[place] - mean[place])
                    bias[species] += weight[species, start + place] * mean[place]
            found[key] = part
            start += len(mean)
    return bias, found
