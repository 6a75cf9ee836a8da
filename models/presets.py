"""Ready-made architectures: the paper's networks, the boxes of its summary, and ours.

Widths are the paper's (van Tiel et al., arXiv 2411.04016, and its released code) times a multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping

from .architecture import Architecture, modality_shape
from .errors import ModelError, ScaleError
from .receptive_field import BACKBONE_FIELDS, stack_for

WIDTHS = {"residual": (64, 64, 128), "pointwise": (32, 64, 128, 256)}
CHANNELS = 512
OUT_SIZE = 1024

_CLIMATE = "pointwise"
_IMAGERY = "residual"

# By modality: backbone and scales.
PRESETS: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {
    "default": {"bioclim": (_CLIMATE, (1, 5)), "satellite": (_IMAGERY, (25, 59, 115))},
    "paper-single": {"bioclim": (_CLIMATE, (1,))},
    "paper-multi": {"satellite": (_IMAGERY, (25, 59, 115))},
    "paper-bimodal": {"bioclim": (_CLIMATE, (1, 5)), "satellite": (_IMAGERY, (25, 59, 115))},
    # The largest centred windows inside boxes of 32, 64 and 128 pixels.
    "boxes-32-64-128": {"bioclim": (_CLIMATE, (31, 63, 127)), "satellite": (_IMAGERY, (31, 63, 127))},
    "climate-only": {"bioclim": (_CLIMATE, (1, 5))},
}
# The authors' branches have no batch norm; without it a branch of 115 pixels hardly learns.
WITHOUT_BRANCH_NORM = ("paper-single", "paper-multi", "paper-bimodal")


def backbone_for(scales: tuple[int, ...]) -> str:
    """Return the backbone that suits some scales: ``residual`` if every scale is 25 or more."""
    return _IMAGERY if min(scales) >= BACKBONE_FIELDS[_IMAGERY].size else _CLIMATE


def backbone_of_preset(preset: str, modality: str, scales: tuple[int, ...]) -> str:
    """Return the backbone that a preset has for a modality if it gives the scales, else one that suits them."""
    known = PRESETS[preset].get(modality)
    return known[0] if known and _gives(known[0], scales) else backbone_for(scales)


def _gives(backbone: str, scales: tuple[int, ...]) -> bool:
    """Tell whether every scale can be had from a backbone."""
    try:
        for scale in scales:
            stack_for(scale, backbone)
    except ScaleError:
        return False
    return True


def architecture(
    preset: str,
    bands: Mapping[str, int],
    species: int,
    width: float = 1.0,
    scales: Mapping[str, tuple[int, ...]] | None = None,
    *,
    backbones: Mapping[str, str] | None = None,
    widths: Mapping[str, tuple[int, ...]] | None = None,
    channels: int = CHANNELS,
    out_size: int = OUT_SIZE,
    branch_norm: bool | None = None,
    padding: str = "valid",
) -> Architecture:
    """Return the architecture of ``preset``.

    Parameters
    ----------
    preset
        A key of ``PRESETS``.
    bands
        Number of bands of each modality of the preset.
    species
        Number of species.
    width
        Multiplies all widths, channels and feature sizes; 1 is the paper's.
    scales
        Scales by modality, in place of the preset's modalities and scales.
    backbones, widths
        By modality, in place of the preset's, else of ``backbone_for`` and ``WIDTHS``.
    channels, out_size, padding
        Of all branches.
    branch_norm
        Whether batch norm follows each convolution of a branch; the preset's by default.

    Raises
    ------
    ModelError
        There is no such preset, or a modality's number of bands is missing.
    ScaleError
        A scale isn't possible.
    """
    if preset not in PRESETS:
        raise ModelError(f"There is no preset {preset!r}; choose one of {', '.join(PRESETS)}.")
    known = PRESETS[preset]
    wanted = {name: known[name][1] for name in known} if scales is None else dict(scales)
    missing = sorted(set(wanted) - set(bands))
    if missing:
        raise ModelError(f"The preset {preset} needs the number of bands of {missing[0]}.")

    def scaled(size: int) -> int:
        return max(1, round(size * width))

    modalities = []
    for name, modality_scales in wanted.items():
        backbone = (backbones or {}).get(name) or backbone_of_preset(preset, name, modality_scales)
        modalities.append(
            modality_shape(
                name=name,
                bands=bands[name],
                scales=modality_scales,
                backbone=backbone,
                widths=tuple(scaled(w) for w in (widths or {}).get(name, WIDTHS[backbone])),
                channels=scaled(channels),
                out_size=scaled(out_size),
            )
        )
    if branch_norm is None:
        branch_norm = preset not in WITHOUT_BRANCH_NORM
    return Architecture(tuple(modalities), species, padding, branch_norm)
