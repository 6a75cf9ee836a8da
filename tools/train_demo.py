"""Trains the network of the demo landscape, judges it on landscapes it has not seen, and writes its model file.

The landscapes are written side by side into a folder and trained on by models/zoo/demo.toml, as anybody would
train. Their seeds are far from those that a person would choose, so that the landscapes of
``scalescape demo`` are new to the network.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scalescape.engine.demo.atlas import write_atlas
from scalescape.engine.demo.landscape import make_landscape
from scalescape.engine.demo.recovery import Judged, recover
from scalescape.engine.demo.virtual_species import SPECIES
from scalescape.engine.jobs.train_job import run_train
from scalescape.engine.judging.discrimination import resampled_auc
from scalescape.engine.judging.resampling import Estimate, Resampling
from scalescape.engine.judging.thresholds import best_threshold
from scalescape.engine.protocol import Progress, TrainJob
from scalescape.engine.running.progress import Monitor
from scalescape.models.card import Card
from scalescape.models.model_file import ModelFile, read_model, write_model

ZOO = Path(__file__).resolve().parent.parent / "models" / "zoo"
CONFIG = "demo.toml"
TRAINING_SEED = 1_000_000
HELD_OUT_SEED = 2_000_000
TRAINING_SIZE = 2019  # px
HELD_OUT_SIZE = 2048  # px, that of ``scalescape demo``
LANDSCAPE = 10_000  # more than a landscape has squares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where landscapes, networks and the model file go")
    parser.add_argument("--landscapes", type=int, default=10, help="landscapes to train on (10)")
    parser.add_argument("--held-out", type=int, default=4, help="landscapes to judge on (4)")
    parser.add_argument("--threads", type=int, default=1, help="of torch; figures may differ with it (1)")
    parser.add_argument("--resume", action="store_true", help="go on from the last whole epoch")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder: Path = arguments.folder
    if not (folder / "area.gpkg").is_file():
        seeds = range(TRAINING_SEED, TRAINING_SEED + arguments.landscapes)
        write_atlas((make_landscape(seed, TRAINING_SIZE) for seed in seeds), len(seeds), folder)
        say(f"{len(seeds)} landscapes written to {folder}")
    shutil.copy(ZOO / CONFIG, folder / CONFIG)
    out = folder / "demo.safetensors"
    if not (arguments.resume and out.is_file()):
        result = run_train(TrainJob(str(folder / CONFIG), str(out), arguments.resume), Monitor(show))
        say(f"trained on {result.n_sites} sites in {result.seconds:.0f} s")

    model = in_order(read_model(out))
    judged = []
    for seed in range(HELD_OUT_SEED, HELD_OUT_SEED + arguments.held_out):
        judged.append(recover(model, make_landscape(seed, HELD_OUT_SIZE)))
        print_landscape(seed, judged[-1])
    print_species(judged)
    write_model(out, replace(model, card=tested_card(model.card, judged, arguments.landscapes)))
    say(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


def in_order(model: ModelFile) -> ModelFile:
    """The model with its species in the order of the demo's own list."""
    names = [one.name for one in model.card.species]
    order = [names.index(species.name) for species in SPECIES]
    model.network.head.weight.data = model.network.head.weight.data[order].clone()
    model.network.head.bias.data = model.network.head.bias.data[order].clone()
    species = tuple(model.card.species[place] for place in order)
    return replace(model, card=replace(model.card, species=species))


def tested_card(card: Card, judged: Sequence[Judged], landscapes: int) -> Card:
    """The card with thresholds and figures of the held-out landscapes, where the truth is known."""
    probability = np.concatenate([one.survey_probability for one in judged])
    found = np.concatenate([one.survey_found for one in judged])
    against = f"{len(found)} surveys on {len(judged)} landscapes not trained on"
    blocks = np.concatenate([one.survey_block + LANDSCAPE * place for place, one in enumerate(judged)])
    resampling = Resampling.of(blocks, np.zeros_like(blocks))
    species = []
    for index, one in enumerate(card.species):
        present = found[:, index]
        drawn = resampled_auc(probability[:, index], present, ~present, resampling.position, resampling.weights)
        figure = Estimate.of(drawn, units=len(np.unique(blocks[present])))
        species.append(
            replace(
                one,
                threshold=best_threshold(probability[:, index], present),
                threshold_rule=f"largest TSS against {against}",
                auc=figure.value,
                auc_low=figure.low,
                auc_high=figure.high,
                auc_against=against,
                flag="",  # folds of two landscapes flag every species; these surveys test them
            )
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
    data = (
        f"{sum(one.presences for one in species):,} virtual presence-only records on {landscapes} demo "
        f"landscapes of {TRAINING_SIZE} px (seeds {TRAINING_SEED} to {TRAINING_SEED + landscapes - 1}), "
        "160 m apart"
    )
    return replace(card, species=tuple(species), metrics=metrics, training=replace(card.training, data=data))


def show(progress: Progress) -> None:
    if progress.detail:
        say(f"{progress.done} of {progress.total} {progress.unit}: {progress.detail}")


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
