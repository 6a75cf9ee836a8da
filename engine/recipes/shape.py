"""The architecture that a config asks for."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.architecture import Architecture
from ...models.presets import CHANNELS, OUT_SIZE, PRESETS, WITHOUT_BRANCH_NORM, architecture, backbone_of_preset
from ..words.listing import listed
from .config import TrainingConfig

# Of samples with data: three layers, the first with batch norm; docs/training.md tells how they were chosen.
SAMPLE_WIDTHS = (256,)
SAMPLE_CHANNELS = SAMPLE_OUT_SIZE = 256
MOST_SCALES = 8  # in a sentence


def scales_of(config: TrainingConfig, modality: str) -> tuple[int, ...]:
    """Return the scales of a modality: its own, else those of ``[model]``, else the preset's, else none.

    Samples with data have scale 1 by default.
    """
    told = config.modality[modality].scales or config.model.scales.get(modality, ())
    if told:
        return told
    if config.modality[modality].columns:
        return (1,)
    return PRESETS[config.model.preset].get(modality, ("", ()))[1]


def backbone_of(config: TrainingConfig, modality: str) -> str:
    """Return the backbone of a modality: its own, else the preset's, else by the rule for its scales."""
    own = config.modality[modality].backbone
    return own or backbone_of_preset(config.model.preset, modality, scales_of(config, modality))


def backbone_notes(config: TrainingConfig) -> list[str]:
    """Return a sentence on each modality whose scales need another backbone than its preset's."""
    notes = []
    for name, modality in config.modality.items():
        usual, used = PRESETS[config.model.preset].get(name, ("",))[0], backbone_of(config, name)
        if usual and not modality.backbone and used != usual:
            scales = listed([str(scale) for scale in scales_of(config, name)], MOST_SCALES)
            notes.append(
                f"{name} takes the {used} backbone: the {usual} one of the preset {config.model.preset} does "
                f"not give the scales {scales}."
            )
    return notes


def architecture_of(
    config: TrainingConfig, bands: Mapping[str, int], species: int, width: float
) -> Architecture:
    """Return the network of a config.

    Parameters
    ----------
    config
        As ``read_config`` gives it.
    bands
        Number of bands of each modality, categories counted one by one.
    species
        Number of species.
    width
        Multiplies all widths, channels and feature sizes, as the recipe has it.
    """
    model = config.model
    samples = config.of_samples and model.preset not in WITHOUT_BRANCH_NORM  # the paper's are as it has them
    own_widths = dict.fromkeys(config.modality, SAMPLE_WIDTHS) if samples else {}
    own_norm = False if samples else None
    return architecture(
        model.preset,
        bands,
        species,
        width,
        {name: scales_of(config, name) for name in config.modality},
        backbones={name: backbone_of(config, name) for name in config.modality},
        widths=own_widths | model.widths,
        channels=model.channels or (SAMPLE_CHANNELS if samples else CHANNELS),
        out_size=model.out_size or (SAMPLE_OUT_SIZE if samples else OUT_SIZE),
        branch_norm=own_norm if model.branch_norm is None else model.branch_norm,
        padding=model.padding or "valid",
    )
