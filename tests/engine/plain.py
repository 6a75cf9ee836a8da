"""An independent answer for one map pixel: plain loops over whole arrays, no code of the engine's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
import rasterio.warp
import torch
from scalescape.models.model_file import ModelFile


def whole(
    files: list[Path], nodata: dict[Path, float] | None = None
) -> tuple[np.ndarray, np.ndarray, object, object]:
    """All bands of all files: values (float64), validity, transform and CRS of the first."""
    values, valid = [], []
    for file in files:
        with rasterio.open(file) as source:
            for number in range(1, source.count + 1):
                data = source.read(number).astype(np.float64)
                ok = np.isfinite(data)
                flag = source.nodatavals[number - 1]
                if flag is not None and not math.isnan(flag):
                    ok &= ~np.isclose(data, flag)
                if nodata and file in nodata:
                    ok &= data != nodata[file]
                values.append(data)
                valid.append(ok)
            transform, crs = source.transform, source.crs
            if file == files[0]:
                first = transform, crs
    return np.stack(values), np.stack(valid), *first


def pixel(
    model: ModelFile,
    rasters: dict[str, tuple[np.ndarray, np.ndarray, object, object]],
    x: float,
    y: float,
    crs: object,
) -> np.ndarray | None:
    """Probabilities (species,) at a point, or None where a window leaves its raster or its centre is NoData."""
    patches = {}
    for modality in model.card.modalities:
        values, valid, transform, own_crs = rasters[modality.name]
        (px,), (py,) = rasterio.warp.transform(crs, own_crs, [x], [y])
        column, row = (math.floor(v) for v in ~transform * (px, py))
        radius = (max(modality.scales) - 1) // 2
        up, left = row - radius, column - radius
        side = 2 * radius + 1
        if up < 0 or left < 0 or up + side > values.shape[1] or left + side > values.shape[2]:
            return None
        if not valid[:, row, column].all():
            return None
        channels = []
        for i, band in enumerate(modality.bands):
            window = values[i, up : up + side, left : left + side]
            ok = valid[i, up : up + side, left : left + side]
            if band.categories and values[i, row, column] not in band.categories:
                return None
            channels += [np.where(ok & (window == one), 1.0, 0.0) for one in band.categories]
            if not band.categories:
                channels.append((np.where(ok, window, band.fill) - band.mean) / band.std)
        patches[modality.name] = torch.from_numpy(np.stack(channels))[None]
    with torch.no_grad():
        return torch.sigmoid(model.network.double()(patches))[0].numpy()
