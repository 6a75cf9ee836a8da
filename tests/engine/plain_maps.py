"""Maps compared pixel by pixel with the plain loops of ``plain``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import plain
import rasterio
from scalescape.engine.protocol import MapJob
from scalescape.models.model_file import read_model


def read(path: str | Path) -> np.ndarray:
    with rasterio.open(path) as source:
        return source.read(1, masked=True)


def agree_with_plain_loop(job: MapJob, rasters: dict[str, list[Path]], **nodata: object) -> int:
    """Check every pixel of a job's maps; return how many have a value."""
    model = read_model(job.model)
    arrays = {name: plain.whole(files, **nodata) for name, files in rasters.items()}
    files = [Path(job.out) / f"species_{i}.tif" for i in range(len(model.card.species))]
    maps = [read(file) for file in files]
    with rasterio.open(files[0]) as source:
        transform, crs, shape = source.transform, source.crs, source.shape
    known = 0
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = transform * (column + 0.5, row + 0.5)
            truth = plain.pixel(model, arrays, x, y, crs)
            if truth is None:
                assert all(one.mask[row, column] for one in maps), (row, column)
                continue
            known += 1
            got = np.array([one[row, column] for one in maps], float)
            np.testing.assert_allclose(got, truth, atol=1e-4)
    return known
