"""The ``import-paper`` job: a checkpoint of the authors' repository becomes a model file."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import torch

from ...models.architecture import Architecture, BranchKey
from ...models.card import Band, Card, Modality, Training
from ...models.model_file import ModelFile, write_model
from ...models.network import FusionNetwork
from ...models.windows import Window, true_windows
from ..paper.checkpoint import Checkpoint, read_checkpoint
from ..paper.config import PaperConfig, read_paper_config
from ..paper.tables import read_bands, read_species
from ..paper.weights import imported_network
from ..protocol import ImportPaperJob, ImportPaperResult
from ..running.errors import InputError
from ..running.progress import Monitor
from ..running.version import software

CITATION = (
    "van Tiel, N., Zbinden, R., Dalsasso, E., Kellenberger, B., Pellissier, L., Tuia, D. (2024). "
    "Multi-Scale and Multimodal Species Distribution Modeling. CV4E workshop at ECCV 2024, arXiv:2411.04016"
)
# Pixel size and unit: 30 arc-seconds and 10 m, as in GeoLifeCLEF 2023.
PIXELS = {"bioclim": (1 / 120, "degree"), "environment": (1 / 120, "degree"), "satellite": (10.0, "metre")}
UNITS = {"m": "metre", "deg": "degree"}
STEPS = 4


def run_import(job: ImportPaperJob, monitor: Monitor) -> ImportPaperResult:
    """Do an import job.

    Raises
    ------
    InputError, ModelError
        Checkpoint, config and tables do not fit each other, or the model file can't be written.
    Cancelled
        The monitor was told to stop; nothing is written.
    """
    source = Path(job.checkpoint)
    monitor.report("reading", 0, STEPS)
    config = read_paper_config(Path(job.config))
    monitor.report("reading", 1, STEPS)
    checkpoint = read_checkpoint(source)
    monitor.report("importing", 2, STEPS)
    network = imported_network(source.name, checkpoint.weights, config)
    shape = network.architecture
    pixels = _pixels(job.pixels, shape)
    bands = read_bands(Path(job.stats), {one.name: one.bands for one in shape.modalities})
    card = _card(job, config, checkpoint, shape, bands, pixels)
    monitor.report("writing", 3, STEPS)
    write_model(Path(job.out), ModelFile(network, card, _zeros(network)))
    monitor.report("writing", STEPS, STEPS)
    return ImportPaperResult(
        model=job.out,
        n_species=shape.species,
        dense=not shape.patchwise,
        notes=tuple(_notes(card, shape)),
    )


def _card(
    job: ImportPaperJob,
    config: PaperConfig,
    checkpoint: Checkpoint,
    shape: Architecture,
    bands: dict[str, tuple[Band, ...]],
    pixels: dict[str, tuple[float, str]],
) -> Card:
    windows = true_windows(shape)
    modalities = tuple(
        Modality(
            name=one.name,
            bands=bands[one.name],
            pixel_size=pixels[one.name][0],
            pixel_unit=pixels[one.name][1],
            scales=one.scales,
            patch=one.patch,
            shifts=() if one.patch is None else tuple(windows[one.name, s].offset[0] for s in one.scales),
        )
        for one in shape.modalities
    )
    metrics: dict[str, float | int] = {}
    if checkpoint.auc is not None:
        metrics["validation_auc_of_its_authors"] = checkpoint.auc
    if checkpoint.epoch is not None:
        metrics["epoch"] = checkpoint.epoch
    return Card(
        name=Path(job.out).name.removesuffix(".safetensors"),
        summary=" ".join(
            [
                f"Imported from {Path(job.checkpoint).name}, a network of the code of van Tiel et al. 2024.",
                *_window_sentences(shape, windows),
                "Quantiles of its predictors and means of its branches are not known.",
            ]
        ),
        licence="not stated by its authors; ask them before you pass it on",
        citation=CITATION,
        architecture=shape.to_dict(),
        modalities=modalities,
        species=read_species(Path(job.species), shape.species),
        training=Training(
            data=f"as its authors trained it ({Path(job.config).name}); on which sites is not known here",
            lambda2=config.lambda2,
            background="random points" if config.background else "",
            scale_dropout=False,
            centred=False,
        ),
        metrics=metrics,
        date=datetime.now(timezone.utc).date().isoformat(),
        software=software(),
    )


def _window_sentences(shape: Architecture, windows: dict[BranchKey, Window]) -> list[str]:
    """Say where each branch that is given a patch really looks."""
    said = []
    for modality in shape.modalities:
        if modality.patch is None:
            continue
        parts = [_window_text(scale, windows[modality.name, scale]) for scale in modality.scales]
        before = modality.patch // 2
        even = "" if modality.patch % 2 else f", {before} of them above and to the left of the pixel's own"
        said.append(
            f"All scales of {modality.name} share one patch of {modality.patch} pixels{even}; their windows "
            f"are not centred: {'; '.join(parts)}."
        )
    return said


def _window_text(scale: int, window: Window) -> str:
    shift = window.offset[0]
    where = "in the middle"
    if shift:
        where = (
            f"{abs(shift):g} px {'up and to the left' if shift < 0 else 'down and to the right'} of the pixel"
        )
    zeros = f", with {window.padding} px of zeros in place of landscape" if window.padding else ""
    return f"{scale} sees {window.width} px, {where}{zeros}"


def _notes(card: Card, shape: Architecture) -> list[str]:
    """Return what the user should know of the model file."""
    notes = _window_sentences(shape, true_windows(shape))
    if shape.patchwise:
        notes.append(
            "The network is padded or takes whole patches, so that it is mapped window by window: slowly."
        )
    notes.append(
        "The means of its branches are not known, so that contributions are counted from zero, and zeros "
        "stand for what is switched off."
    )
    degrees = [one.name for one in card.modalities if one.pixel_unit == "degree"]
    metres = [one.name for one in card.modalities if one.pixel_unit == "metre"]
    taken = [f"{name} {card.modality(name).pixel_size:.6g}°" for name in degrees]
    taken += [f"{name} {card.modality(name).pixel_size:g} m" for name in metres]
    notes.append(f"Pixel sizes: {', '.join(taken)}; other ones are given with --pixel.")
    return notes


def _pixels(told: dict[str, str], shape: Architecture) -> dict[str, tuple[float, str]]:
    """Return pixel size and unit of each modality."""
    names = [one.name for one in shape.modalities]
    found = {name: PIXELS[name] for name in names}
    for name, text in told.items():
        match = re.fullmatch(r"(\d+(?:\.\d*)?(?:[eE]-?\d+)?)\s*(m|deg)", text.strip())
        if name not in names:
            raise InputError(
                f"The network has no modality {name!r}; give the pixel size of {', '.join(names)}."
            )
        if match is None or float(match[1]) <= 0:
            raise InputError(
                f"The pixel size {text!r} of {name} is none; write for example 10m or 0.008333deg."
            )
        found[name] = float(match[1]), UNITS[match[2]]
    return found


def _zeros(network: FusionNetwork) -> dict[BranchKey, torch.Tensor]:
    return {
        (modality.name, branch.scale): torch.zeros(branch.out_size)
        for modality in network.architecture.modalities
        for branch in modality.branches
    }
