"""Adds to the demo's network what a map needs to tell a strange landscape: the space of each branch's features.

``train`` writes these spaces itself; this serves a network that was trained before it did. They are made of the
landscapes that the network learnt from, and their limits of landscapes that it has not seen.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scalescape.engine.demo.landscape import make_landscape
from scalescape.engine.demo.lattice_scene import scene_features
from scalescape.engine.demo.training_scene import COARSE, FINE, training_scene
from scalescape.engine.training.feature_spaces import (
    LIMIT_PERCENTILE,
    MOST_PLACES,
    Features,
    feature_space,
    with_modalities,
)
from scalescape.models.architecture import BranchKey
from scalescape.models.fusion import fused
from scalescape.models.model_file import ModelFile, read_model, write_model
from train_demo import HELD_OUT_SEED, HELD_OUT_SIZE, TRAINING_SEED, TRAINING_SIZE, ZOO


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ZOO / "demo.safetensors", help="the model file")
    parser.add_argument("--landscapes", type=int, default=6, help="of the landscapes that it learnt from (6)")
    parser.add_argument("--held-out", type=int, default=3, help="landscapes that it has not seen (3)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model = read_model(arguments.model)
    learnt = features_on(model, range(TRAINING_SEED, TRAINING_SEED + arguments.landscapes), TRAINING_SIZE)
    unseen = features_on(model, range(HELD_OUT_SEED, HELD_OUT_SEED + arguments.held_out), HELD_OUT_SIZE)
    spaces = {}
    for key, values in learnt.items():
        space = feature_space(values)
        if space is None:
            continue
        distance = space.distance(torch.from_numpy(unseen[key].astype(np.float32))).numpy()
        spaces[key] = replace(space, limit=float(np.percentile(distance, LIMIT_PERCENTILE)))
        sys.stdout.write(
            f"{key[0]} {key[1]}: {len(space.axes)} components of {len(values)} places, limit "
            f"{spaces[key].limit:.2f} on {len(distance)} places held out\n"
        )
    write_model(arguments.model, replace(model, feature_spaces=spaces))


def features_on(model: ModelFile, seeds: Iterable[int], size: int) -> dict[BranchKey, Features]:
    """Features at sites drawn from the lattices of some landscapes, (places, out_size) by branch."""
    network = fused(model.network)
    found: dict[BranchKey, list[Features]] = {}
    seeds = list(seeds)
    for seed in seeds:
        scene = training_scene(make_landscape(seed, size)).normalised(
            model.card.modality(FINE), model.card.modality(COARSE)
        )
        with torch.no_grad():
            features = scene_features(network, scene, FINE, COARSE)
        places = len(next(iter(features.values())))
        drawn = np.random.default_rng(seed).choice(
            places, min(places, MOST_PLACES // len(seeds)), replace=False
        )
        for key, values in features.items():
            found.setdefault(key, []).append(values.numpy()[drawn].astype(np.float64))
    together = {key: np.concatenate(parts) for key, parts in found.items()}
    return with_modalities(together, model.network.architecture)


if __name__ == "__main__":
    main()
