"""Write a model of random weights that fits the demo landscape: ``random_model.py LANDSCAPE MODEL``.

Runs in the engine's environment. It stands in for models/zoo/demo.safetensors where that is not there: what the
end-to-end test compares (dock against command line) does not depend on what a network has learnt.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 0.03


def main(landscape: Path, target: Path) -> None:
    """Write the model for the bands and species of ``landscape`` to ``target``."""
    spec = importlib.util.spec_from_file_location("engine_main", ROOT / "engine" / "__main__.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    import numpy as np
    import rasterio
    import torch
    from scalescape.models.card import Band, Card, Modality, Species, Training
    from scalescape.models.model_file import ModelFile, write_model
    from scalescape.models.network import FusionNetwork
    from scalescape.models.presets import architecture

    modalities, bands = {"bioclim": (1000.0, (1, 5)), "satellite": (10.0, (25, 59, 115))}, {}
    for name in modalities:
        with rasterio.open(landscape / f"{name}.tif") as source:
            found = []
            for number, band in enumerate(source.descriptions, start=1):
                values = source.read(number, masked=True).compressed().astype(float)
                quantiles = tuple(float(q) for q in np.percentile(values, np.arange(101)))
                mean = float(values.mean())
                found.append(Band(band, mean, float(values.std()), mean, quantiles))
            bands[name] = tuple(found)
    names = [one["name"] for one in json.loads((landscape / "landscape.json").read_text())["species"]]
    shape = architecture(
        "default",
        {name: len(some) for name, some in bands.items()},
        species=len(names),
        width=WIDTH,
        scales={name: scales for name, (_, scales) in modalities.items()},
    )
    torch.manual_seed(1)
    network = FusionNetwork(shape)
    with torch.no_grad():
        network.head.weight.mul_(40)
    sizes = {m.name: modalities[m.name][0] for m in shape.modalities}
    card = Card(
        name="random landscape",
        summary="A network of random weights.",
        licence="CC0-1.0",
        citation="none",
        architecture=shape.to_dict(),
        modalities=tuple(
            Modality(m.name, bands[m.name], sizes[m.name], "metre", m.scales) for m in shape.modalities
        ),
        species=tuple(Species(name, 10, "po") for name in names),
        training=Training("none", 0.5, "none", scale_dropout=True),
    )
    means = {key: torch.zeros(shape.modality(key[0]).branches[0].out_size) for key in shape.branch_keys}
    write_model(target, ModelFile(network.eval(), card, means))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
