"""Trains the network of the demo landscape, judges it on landscapes it has not seen, and writes its model file.

The seeds below are far from those that a person would choose, so that the landscapes of ``scalescape demo`` are
new to the network.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from scalescape.engine.demo.landscape import CRS, LEFT, PIXEL_M, TOP, make_landscape
from scalescape.engine.demo.recovery import Judged, recover
from scalescape.engine.demo.sites import LATTICE_PX
from scalescape.engine.demo.training_scene import COARSE, FINE, SCALES, described_modalities, training_scene
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.engine.judging.discrimination import auc
from scalescape.engine.judging.thresholds import best_threshold
from scalescape.engine.training.dense_trainer import DenseTrainer, DenseTraining, scene_features
from scalescape.engine.training.lattice_scene import LatticeScene
from scalescape.engine.version import software
from scalescape.models.architecture import Architecture, BranchKey, modality_shape
from scalescape.models.card import Card, Modality, Species, Training
from scalescape.models.model_file import ModelFile, write_model
from scalescape.models.network import FusionNetwork

TRAINING_SEED = 1_000_000
HELD_OUT_SEED = 2_000_000
TRAINING_SIZE = 2019  # px
HELD_OUT_SIZE = 2048  # px, that of ``scalescape demo``

POINTWISE_WIDTHS = (16, 32, 32)
RESIDUAL_WIDTHS = (8, 8, 16)
CHANNELS = 48
OUT_SIZE = 32

CITATION = (
    "van Tiel, Zbinden, Dalsasso, Kellenberger, Pellissier, Tuia: Multi-Scale and Multimodal Species "
    "Distribution Modeling. CV4E workshop at ECCV 2024, arXiv 2411.04016. "
    "Loss: Zbinden et al. 2024, arXiv 2403.02377."
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the model file to write")
    parser.add_argument("--landscapes", type=int, default=16, help="landscapes to train on (16)")
    parser.add_argument("--steps", type=int, default=600, help="steps of training (600)")
    parser.add_argument("--held-out", type=int, default=4, help="landscapes to judge on (4)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, blocks and scale dropout (0)")
    parser.add_argument("--threads", type=int, default=1, help="of torch; figures may differ with it (1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(arguments.seed)

    start = time.monotonic()
    scenes = drawn_scenes(arguments.landscapes)
    coarse, fine = described_modalities(scenes)
    scenes = [scene.normalised(fine, coarse) for scene in scenes]
    say(f"{len(scenes)} landscapes drawn in {time.monotonic() - start:.0f} s")

    network = FusionNetwork(demo_architecture())
    training = DenseTraining(arguments.steps, seed=arguments.seed)
    trainer = DenseTrainer(network, scenes, FINE, COARSE, training)
    start = time.monotonic()
    trainer.fit(Report(start))
    say(f"trained on {trainer.sites} sites in {time.monotonic() - start:.0f} s")

    card = untested_card(network.architecture, (coarse, fine), trainer)
    model = ModelFile(network, card, background_means(network, scenes))
    judged = []
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + arguments.held_out):
        judged.append(recover(model, make_landscape(seed, HELD_OUT_SIZE)))
        print_landscape(seed, judged[-1])
    print_species(judged)
    write_model(arguments.out, replace(model, card=tested_card(card, judged)))
    say(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.2f} MB")


def drawn_scenes(count: int) -> list[LatticeScene]:
    """Draws the landscapes to train on."""
    return [training_scene(make_landscape(TRAINING_SEED + index, TRAINING_SIZE)) for index in range(count)]


def demo_architecture() -> Architecture:
    """The preset ``default``, narrow."""
    return Architecture(
        (
            modality_shape(COARSE, 2, SCALES[COARSE], "pointwise", POINTWISE_WIDTHS, CHANNELS, OUT_SIZE),
            modality_shape(FINE, 4, SCALES[FINE], "residual", RESIDUAL_WIDTHS, CHANNELS, OUT_SIZE),
        ),
        species=len(SPECIES),
    )


def background_means(network: FusionNetwork, scenes: Sequence[LatticeScene]) -> dict[BranchKey, torch.Tensor]:
    """Mean of every branch's features over all lattice points of the training landscapes."""
    by_scene = [
        {key: values.mean(dim=0) for key, values in scene_features(network, scene, FINE, COARSE).items()}
        for scene in scenes
    ]
    return {key: torch.stack([means[key] for means in by_scene]).mean(dim=0) for key in by_scene[0]}


def untested_card(architecture: Architecture, modalities: tuple[Modality, ...], trainer: DenseTrainer) -> Card:
    """The card as far as training knows it."""
    landscapes = len(trainer.scenes)
    side_m = TRAINING_SIZE * PIXEL_M
    return Card(
        name="Demo landscape",
        summary=(
            "Twelve virtual species of a made-up country, mapped from a 10 m satellite image and a 1 km "
            "climate. Made to try Scalescape and to check it: the species' true responses, and their scales, "
            "are known."
        ),
        licence="CC0-1.0",
        citation=CITATION,
        architecture=architecture.to_dict(),
        modalities=modalities,
        species=tuple(
            Species(species.name, int(presences), "po")
            for species, presences in zip(SPECIES, trainer.presences, strict=True)
        ),
        training=Training(
            data=(
                f"{int(trainer.presences.sum())} virtual presence-only records at {trainer.sites} sites, "
                f"{LATTICE_PX * PIXEL_M:.0f} m apart, on {landscapes} demo landscapes "
                f"of {TRAINING_SIZE} px (seeds {TRAINING_SEED} to {TRAINING_SEED + landscapes - 1})"
            ),
            lambda2=trainer.training.lambda2,
            background=f"all points of the {LATTICE_PX * PIXEL_M:.0f} m lattice",
            extent=(LEFT, TOP - side_m, LEFT + side_m, TOP),
            extent_crs=CRS,
            scale_dropout=True,
        ),
        date=date.today().isoformat(),
        software=software(),
    )


def tested_card(card: Card, judged: Sequence[Judged]) -> Card:
    """The card with thresholds and figures of the held-out landscapes."""
    probability = np.concatenate([one.survey_probability for one in judged])
    found = np.concatenate([one.survey_found for one in judged])
    against = f"{len(found)} surveys on {len(judged)} landscapes not trained on"
    species = tuple(
        replace(
            one,
            threshold=best_threshold(probability[:, index], found[:, index]),
            threshold_rule=f"largest TSS against {against}",
            auc=auc(probability[:, index], found[:, index]),
            auc_against=against,
        )
        for index, one in enumerate(card.species)
    )
    truth = np.array([[one.auc_truth for one in landscape.species] for landscape in judged])
    right = [sum(one.right for one in landscape.species) for landscape in judged]
    metrics = {
        "auc_median": float(np.median([one.auc for one in species])),
        "auc_against": against,
        "auc_truth_median": float(np.median(truth, axis=1).mean()),
        "auc_truth_lowest": float(truth.min()),
        "auc_truth_against": f"true probability of at least 0.5 on {len(judged)} landscapes not trained on",
        "scales_right_lowest": min(right),
        "n_species": len(species),
    }
    return replace(card, species=species, metrics=metrics)


class Report:
    """Prints the mean loss now and then."""

    EVERY = 20

    def __init__(self, start: float) -> None:
        self._start = start
        self._losses: list[float] = []

    def __call__(self, step: int, steps: int, loss: float) -> None:
        self._losses.append(loss)
        if step % self.EVERY == 0 or step == steps:
            mean = float(np.mean(self._losses))
            say(f"step {step} of {steps}: loss {mean:.4f}, {time.monotonic() - self._start:.0f} s")
            self._losses.clear()


def print_landscape(seed: int, judged: Judged) -> None:
    aucs = [one.auc_truth for one in judged.species]
    right = sum(one.right for one in judged.species)
    say(
        f"held-out landscape {seed}: AUC against truth median {np.median(aucs):.4f}, lowest {min(aucs):.4f} "
        f"(n = {len(aucs)} species); modality and scale right for {right} of {len(aucs)}"
    )


def print_species(judged: Sequence[Judged]) -> None:
    say(
        f"lowest of {len(judged)} landscapes: AUC against truth, margin of the true modality, of the true scale"
    )
    for same in zip(*(one.species for one in judged), strict=True):
        modality, scale = same[0].true_branch
        say(
            f"{same[0].name:22} {modality:9} {scale:3}: {min(one.auc_truth for one in same):.4f}  "
            f"{min(one.modality_margin for one in same):6.2f} {min(one.scale_margin for one in same):6.2f}"
        )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
