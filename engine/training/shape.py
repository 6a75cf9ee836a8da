"""The architecture that a config asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...models.architecture import Architecture, modality_shape
from ...models.presets import CHANNELS, OUT_SIZE, PRESETS, WIDTHS, WITHOUT_BRANCH_NORM, backbone_for
from .config import TrainingConfig


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
    if own is not None:
        return own
    known = PRESETS[config.model.preset].get(modality)
    return known[0] if known else backbone_for(scales_of(config, modality))


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

    def scaled(size: int) -> int:
        return max(1, round(size * width))

    model = config.model
    modalities = []
    for name in config.modality:
        backbone = backbone_of(config, name)
        modalities.append(
            modality_shape(
                name=name,
                bands=bands[name],
                scales=scales_of(config, name),
                backbone=backbone,
                widths=tuple(scaled(size) for size in model.widths.get(name, WIDTHS[backbone])),
                channels=scaled(model.channels or CHANNELS),
                out_size=scaled(model.out_size or OUT_SIZE),
            )
        )
    built = Architecture(
        tuple(modalities),
        species,
        branch_norm=model.preset not in WITHOUT_BRANCH_NORM if model.branch_norm is None else model.branch_norm,
    )
    return replace(built, padding=model.padding) if model.padding else built
