"""The model file: weights, branch means and card in one ``.safetensors`` file. Nothing is ever unpickled."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .architecture import Architecture, BranchKey
from .card import METADATA_KEY, Card, read_header
from .errors import ModelError
from .feature_space import FeatureSpace, space_sizes
from .network import FusionNetwork, branch_name

MEANS = "branch_means."
NETWORK = "network."
AXES, CENTRES, LIMITS = "feature_axes.", "feature_centres.", "feature_limits."  # of feature spaces, where known


@dataclass(frozen=True)
class ModelFile:
    """A network in evaluation mode, its card, and the mean of each branch's features (out_size,).

    The means are over background points or, for surveys, over sites: contributions are centred on them. Where
    the card says that no replacement was learnt (``training.scale_dropout``), they also replace what is off.
    They are zeros where the card says that nobody knows them (``training.centred``). Feature spaces are there
    where training made them; files of before have none.
    """

    network: FusionNetwork
    card: Card
    branch_means: dict[BranchKey, Tensor]
    feature_spaces: dict[BranchKey, FeatureSpace] = field(default_factory=dict)


def write_model(path: str | Path, model: ModelFile) -> None:
    """Write a model file; it appears whole or not at all.

    Raises
    ------
    ModelError
        Network, means and card do not fit each other, a weight is not finite, or the file can't be written.
    """
    path = Path(path)
    card = Card.from_json(model.card.to_json(), str(path))
    tensors = {NETWORK + name: value.detach() for name, value in model.network.state_dict().items()}
    tensors |= {MEANS + branch_name(key): value.detach() for key, value in model.branch_means.items()}
    for key, space in model.feature_spaces.items():
        name = branch_name(key)
        tensors |= {AXES + name: space.axes, CENTRES + name: space.centre}
        tensors[LIMITS + name] = torch.tensor(space.limit)
    tensors = {name: value.to("cpu").contiguous() for name, value in tensors.items()}
    _check(card, {name: tuple(value.shape) for name, value in tensors.items()}, path)
    _check_finite(tensors, path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.touch()
        mode = partial.stat().st_mode  # what the user's umask allows; the library would let nobody else read
        save_file(tensors, partial, metadata={METADATA_KEY: card.to_json()})
        partial.chmod(mode)
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The model file {path} can't be written ({error}); choose another place.") from error


def read_model(path: str | Path) -> ModelFile:
    """Read a model file.

    Raises
    ------
    CardError
        The file is no model file of ours (see ``models.card.read_header``).
    ModelError
        The weights do not fit the card, or one is not finite.
    """
    path = Path(path)
    header = read_header(path)
    architecture = _check(header.card, header.shapes, path)
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights of {path} can't be read ({error}); get the file anew.") from error
    _check_finite(tensors, path)
    network = FusionNetwork(architecture)
    network.load_state_dict(
        {name[len(NETWORK) :]: value for name, value in tensors.items() if name.startswith(NETWORK)}
    )
    network.requires_grad_(False).eval()
    means = {key: tensors[MEANS + branch_name(key)] for key in architecture.branch_keys}
    if not header.card.training.scale_dropout:
        for key, mean in means.items():
            network.replacements[branch_name(key)].copy_(mean)
    spaces = {
        key: FeatureSpace(tensors[CENTRES + name], tensors[AXES + name], float(tensors[LIMITS + name]))
        for key in space_sizes(architecture)
        if AXES + (name := branch_name(key)) in tensors
    }
    return ModelFile(network, header.card, means, spaces)


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(card: Card, shapes: dict[str, tuple[int, ...]], path: Path) -> Architecture:
    """Return the card's architecture. Raise ModelError where card and tensor shapes contradict each other."""
    try:
        architecture = Architecture.from_dict(card.architecture)
    except ModelError as error:
        raise ModelError(f"The card of {path} is faulty: {error} Get the file anew.") from error
    described = [(m.name, m.channels, tuple(m.scales), m.patch) for m in card.modalities]
    built = [(m.name, m.bands, m.scales, m.patch) for m in architecture.modalities]
    if described != built or len(card.species) != architecture.species:
        raise ModelError(
            f"The card of {path} contradicts itself: bands, scales or species are not those of its "
            "architecture; get the file anew."
        )
    with torch.device("meta"):
        network = FusionNetwork(architecture)
    wanted = {NETWORK + name: tuple(value.shape) for name, value in network.state_dict().items()}
    for modality in architecture.modalities:
        for branch in modality.branches:
            wanted[MEANS + branch_name((modality.name, branch.scale))] = (branch.out_size,)
    for key, size in space_sizes(architecture).items():
        name = branch_name(key)
        axes = shapes.get(AXES + name)
        if axes is not None:
            components = axes[0] if axes and 0 < axes[0] <= size else 1
            wanted |= {AXES + name: (components, size), CENTRES + name: (size,), LIMITS + name: ()}
    for name in sorted(set(wanted) | set(shapes)):
        if wanted.get(name) != shapes.get(name):
            raise ModelError(
                f"The weights of {path} do not fit its card: {name} is {shapes.get(name, 'missing')} "
                f"where the card wants {wanted.get(name, 'none')}; get the file anew."
            )
    return architecture


def _check_finite(tensors: dict[str, Tensor], path: Path) -> None:
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise ModelError(f"The weights of {path} are not finite ({name}); train the network again.")
