"""The architecture that a config asks for."""

from __future__ import annotations

from collections.abc import Mapping

from ...models.architecture import Architecture
from ...models.presets import CHANNELS, OUT_SIZE, PRESETS, WITHOUT_BRANCH_NORM, architecture, backbone_of_preset
from .config import TrainingConfig

SAMPLE_WIDTHS = (
    256,
    512,
)  # of samples with data: a wide backbone of two layers generalises better than a deep one


def scales_of(config: TrainingConfig, modality: str) -> tuple[int, ...]:
    """Return the scales of a modality: its own, else those of ``[model]``, else the preset's, else none.

    Samples with data have scale 1 unless told.
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
    own_widths = {name: SAMPLE_WIDTHS for name, one in config.modality.items() if one.columns}
    if model.preset in WITHOUT_BRANCH_NORM:  # the paper's networks are as the paper has them
        own_widths = {}
    return architecture(
        model.preset,
        bands,
        species,
        width,
        {name: scales_of(config, name) for name in config.modality},
        backbones={name: backbone_of(config, name) for name in config.modality},
        widths=own_widths | model.widths,
        channels=model.channels or CHANNELS,
        out_size=model.out_size or OUT_SIZE,
        branch_norm=model.branch_norm,
        padding=model.padding or "valid",
    )
