"""Small rasters and seeded networks for the engine's tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import from_origin
from scalescape.models.architecture import Architecture
from scalescape.models.card import Band, Card, Modality, Species, Training
from scalescape.models.model_file import ModelFile, write_model
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture

torch.set_num_threads(1)  # tests run beside each other; small tensors gain nothing from more
os.environ.setdefault("OMP_NUM_THREADS", "1")  # nor do the processes that they start

LEFT, TOP = 500_000.0, 5_000_000.0


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Measured speeds go to a folder of the tests."""
    os.environ["SCALESCAPE_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data that SCALESCAPE_TEST_DATA names; the test is skipped without it."""
    folder = os.environ.get("SCALESCAPE_TEST_DATA")
    if not folder:
        pytest.skip("SCALESCAPE_TEST_DATA is not set")
    return Path(folder)


def write_raster(
    path: Path, values: np.ndarray, size: float, crs: str = "EPSG:32631", **options: object
) -> Path:
    """Write (bands, rows, columns) as a GeoTIFF whose upper left corner is LEFT, TOP (or ``corner``)."""
    names = options.pop("names", None)
    left, top = options.pop("corner", (LEFT, TOP))
    transform = options.pop("transform", from_origin(left, top, size, size))
    with rasterio.open(
        path, "w", driver="GTiff", count=values.shape[0], height=values.shape[1], width=values.shape[2],
        dtype=values.dtype, crs=crs, transform=transform, **options,
    ) as target:  # fmt: skip
        target.write(values)
        for number, name in enumerate(names or [], start=1):
            target.set_band_description(number, name)
    return path


def seeded_network(shape: Architecture, seed: int = 0) -> FusionNetwork:
    """A network of random weights and batch norms whose logits have mean 0 and deviation 2 over noise."""
    torch.manual_seed(seed)
    network = FusionNetwork(shape)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    network.eval()
    patches = {}
    for modality in shape.modalities:
        side = max(modality.scales)
        patches[modality.name] = torch.randn(64, modality.bands, side, side) * 0.5 + torch.randn(64, 1, 1, 1)
    with torch.no_grad():
        for (name, scale), features in network.features(patches).items():
            network.replacements[f"{name}_{scale}"].copy_(features[:3].mean(dim=0))
        logits = network(patches)
        network.head.weight.div_(logits.std(dim=0).mean() / 2)
        network.head.bias.sub_(network(patches).mean(dim=0))
    return network


def seeded_card(
    shape: Architecture,
    bands: dict[str, list[Band]],
    pixel_size: dict[str, tuple[float, str]],
    **fields: object,
) -> Card:
    """A card that fits an architecture."""
    return Card(
        name="Seeded", summary="A network of random weights.", licence="CC0-1.0", citation="none",
        architecture=shape.to_dict(),
        modalities=tuple(
            Modality(m.name, tuple(bands[m.name]), *pixel_size[m.name], m.scales) for m in shape.modalities
        ),
        species=tuple(Species(f"Species {i}", 10, "po") for i in range(shape.species)),
        training=Training("none", 0.5, "none", scale_dropout=True),
        **fields,
    )  # fmt: skip


def band(name: str, mean: float = 0.0, std: float = 1.0, unit: str = "") -> Band:
    """A band whose fill is its mean."""
    quantiles = tuple(float(q) for q in np.linspace(mean - 3 * std, mean + 3 * std, 101))
    return Band(name, mean, std, mean, quantiles, unit=unit)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bimodal multi-scale model of random weights: satellite (2 bands, 10 m), bioclim (2 bands, 200 m)."""
    shape = architecture(
        "default", {"satellite": 2, "bioclim": 2}, species=3, width=0.04,
        scales={"satellite": (25, 31), "bioclim": (1, 3)},
    )  # fmt: skip
    card = seeded_card(
        shape,
        {
            "satellite": [band("red", 100, 20), band("nir", 50, 10)],
            "bioclim": [band("bio1", 10, 2, "°C"), band("bio12")],
        },
        {"satellite": (10.0, "metre"), "bioclim": (200.0, "metre")},
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    means = {key: torch.zeros(shape.modality(key[0]).branches[0].out_size) for key in shape.branch_keys}
    write_model(path, ModelFile(seeded_network(shape), card, means))
    return path


@pytest.fixture(scope="session")
def landscape(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Rasters that the small model fits: 90 x 100 px of satellite inside 20 x 20 cells of bioclim."""
    folder = tmp_path_factory.mktemp("landscape")
    draw = np.random.default_rng(1)
    scene = draw.normal([[[100]], [[50]]], [[[20]], [[10]]], (2, 90, 100)).astype(np.float32)
    climate = draw.normal([[[10]], [[0]]], [[[2]], [[1]]], (2, 20, 20)).astype(np.float32)
    return {
        "satellite": write_raster(folder / "satellite.tif", scene, 10, names=["red", "nir"]),
        "bioclim": write_raster(
            folder / "bioclim.tif", climate, 200, names=["bio1", "bio12"],
            corner=(LEFT - 1480, TOP + 1530),
        ),
    }  # fmt: skip


@pytest.fixture
def with_nodata(tmp_path: Path, landscape: dict[str, Path]) -> Callable[[str, list[tuple[int, int]]], Path]:
    """Make a copy of a landscape's raster with -1 (flagged) at the given pixels of its first band."""

    def make(name: str, pixels: list[tuple[int, int]]) -> Path:
        with rasterio.open(landscape[name]) as source:
            values, profile, names = source.read(), source.profile, source.descriptions
        for row, column in pixels:
            values[0, row, column] = -1
        path = tmp_path / f"{name}_nodata.tif"
        with rasterio.open(path, "w", **{**profile, "nodata": -1}) as target:
            target.write(values)
            target.descriptions = names
        return path

    return make
